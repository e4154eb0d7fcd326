"""Running statistics of the activations of one hidden layer.

They take in batch after batch, so memory does not grow with the number of samples. Sums over batches run in float64,
sums within a batch in float32.
"""

import numpy as np
import torch

# The median is read from a histogram over the leading bits of positive float32 numbers, which are ordered like their
# bits. Without the last 12 of 23 bits of the mantissa, a bin is 2^-11 wide relative to its value.
_DROPPED_BITS = 12
# These bins count zeros: neuron i uses bin i modulo 64, because consecutive increments of one bin wait for each other.
_ZERO_BINS = 64
_SMALLEST = 2.0**-32  # smaller activations count as zeros in the histogram, which therefore stays small
# Subtracted from the leading bits, so that the bin after those of the zeros begins at _SMALLEST.
_OFFSET = int(np.float32(_SMALLEST).view(np.int32) >> _DROPPED_BITS) - _ZERO_BINS
_BINS = (1 << (31 - _DROPPED_BITS)) - _OFFSET
_BLOCK = 32  # rows that `first_maxima` compares at a time


class LayerStatistics:
    """Running statistics of one layer.

    Args:
        width: units of the layer, H.
        cells: number of cells of samples whose activations are summed, see `groups.Groups`.
        device: where the activations are.
    """

    def __init__(self, width: int, cells: int, device: torch.device | str = "cpu"):
        def zeros(*shape: int, dtype: torch.dtype) -> torch.Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        self.n = 0
        self.cell_sums = zeros(cells, width, dtype=torch.float64)
        self.origin = zeros(width, dtype=torch.float32)  # the first batch's mean: far from it, squares lose digits
        self.away, self.away_squared = zeros(2, width, dtype=torch.float64)  # sums of differences from the origin
        self.active = zeros(width, dtype=torch.float64)
        self.largest = zeros(width, dtype=torch.float32) - 1
        self.largest_samples = zeros(width, dtype=torch.int64)
        self.argmax_counts = zeros(width, dtype=torch.int64)
        self.rms_ratios, self.rms_counts = zeros(2, width, dtype=torch.float64)  # sums of a/√(mean square of others)
        self.histogram = zeros(_BINS, dtype=torch.int64)
        self.zero_bins = torch.arange(width, dtype=torch.int32, device=device) % _ZERO_BINS

    def update(self, activations: torch.Tensor, cells: torch.Tensor) -> None:
        """Take in the next batch: activations (B, H) float32, at least 0, and the cell of each sample (B,) int64."""
        self.cell_sums += torch.zeros_like(self.cell_sums, dtype=torch.float32).index_add_(0, cells, activations)
        if self.n == 0:
            self.origin = activations.mean(0)
        away = activations - self.origin
        self.away += away.sum(0)
        self.away_squared += away.square_().sum(0)
        self.active += activations.sign().sum(0)
        first = _argmax_of_rows(activations)
        self.argmax_counts += torch.bincount(first, minlength=activations.shape[1])
        self._update_rms_ratios(activations, first)
        self._update_largest(activations)
        self._update_histogram(activations)
        self.n += len(activations)

    def _update_largest(self, activations: torch.Tensor) -> None:
        whole = len(activations) // _BLOCK * _BLOCK
        for start, part in ((0, activations[:whole]), (whole, activations[whole:])):
            if len(part):
                maxima, samples = first_maxima(part, min(_BLOCK, len(part)))
                higher = maxima > self.largest  # strictly, because of equal maxima the first sample counts
                self.largest = torch.where(higher, maxima, self.largest)
                self.largest_samples = torch.where(higher, samples + (self.n + start), self.largest_samples)

    def _update_rms_ratios(self, activations: torch.Tensor, first: torch.Tensor) -> None:
        """Add the activation of each neuron over the root of the sum of squares of the others.

        A sample does not count for a neuron if all others are 0. `first` (B,) is the neuron with the largest activation
        of each sample. Its others are summed without it, because its square may be nearly the whole sum of squares, and
        their difference would lose digits. Any other neuron has at most half of the sum of squares.
        """
        squares, rows = activations.square(), first[:, None]
        largest = squares.gather(1, rows)
        others_of_largest = squares.scatter_(1, rows, 0).sum(1, keepdim=True)
        total = others_of_largest + largest
        active, alone = total > 0, (total > 0) & (others_of_largest == 0)
        uncounted = torch.bincount(first, weights=alone[:, 0].double(), minlength=activations.shape[1])
        self.rms_counts += active.sum() - uncounted
        for sums in (total, others_of_largest):
            sums.masked_fill_(sums == 0, torch.inf)  # so that these ratios are 0
        others = torch.sub(total, squares, out=squares).scatter_(1, rows, others_of_largest)
        self.rms_ratios += others.rsqrt_().mul_(activations).sum(0)

    def _update_histogram(self, activations: torch.Tensor) -> None:
        bins = activations.view(torch.int32).bitwise_right_shift(_DROPPED_BITS).sub_(_OFFSET)
        bins.clamp_(min=self.zero_bins)  # also −0.0, whose sign bit makes a negative number
        counts = torch.bincount(bins.view(-1))
        self.histogram[: len(counts)] += counts

    def median_active(self) -> float:
        """Median of all activations of at least 2^-32 (2e-10), exact to a relative 2^-12; NaN if there are none."""
        counts = self.histogram.clone()
        counts[:_ZERO_BINS] = 0
        cumulated = counts.cumsum(0)
        total = int(cumulated[-1])
        if total == 0:
            return float("nan")
        middles = torch.searchsorted(cumulated, cumulated.new_tensor([(total + 1) // 2, total // 2 + 1]))
        edges = torch.cat([middles, middles + 1]).add_(_OFFSET).int().bitwise_left_shift(_DROPPED_BITS)
        return float(edges.view(torch.float32).double().mean())

    def by_neuron(self) -> torch.Tensor:
        """Rows (7, H) float64: max, mean, std, active_share, number of the sample with the largest activation,
        layer_argmax_share, rms_ratio; see `tables.NEURONS`.

        rms_ratio is exact to about 1e-5 of its value, however large one activation is compared with the others, as long
        as the squares of activations are normal float32 numbers (activations from 1e-19 to 1e17).
        """
        away = self.away / self.n
        std = (self.away_squared / self.n - away.square()).clamp_(min=0).sqrt_()
        rows = (
            self.largest,
            self.origin + away,
            std,
            self.active / self.n,
            self.largest_samples,
            self.argmax_counts / self.n,
            self.rms_ratios / self.rms_counts * (len(self.largest) - 1) ** 0.5,
        )
        return torch.stack([row.double() for row in rows])


def first_maxima(activations: torch.Tensor, block: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest activation of each neuron (H,), and the first sample that has it (H,).

    `activations` (B, H) has a multiple of `block` rows. Maxima are found for all blocks of rows, but positions only in
    the block that has the maximum, because torch is slow at positions.
    """
    blocks = activations.view(-1, block, activations.shape[1])
    maxima, chosen = blocks.amax(1).max(0)  # of equal maxima the first
    neurons = torch.arange(activations.shape[1], device=activations.device)
    return maxima, chosen * block + blocks[chosen, :, neurons].argmax(1)


def _argmax_of_rows(values: torch.Tensor) -> torch.Tensor:
    """Position of the first maximum of each row. On CPUs by NumPy, whose argmax is ten times as fast as torch's."""
    return torch.from_numpy(values.numpy().argmax(1)) if values.device.type == "cpu" else values.argmax(1)
