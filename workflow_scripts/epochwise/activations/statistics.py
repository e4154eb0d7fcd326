"""Running statistics of the activations of one hidden layer.

Sums run in float64 over batches (within a batch, products are float32). So memory grows neither with the number of
samples nor with the number of epochs.
"""

import numpy as np
import torch

# Bits of a positive float32 that its bin ignores: bins of the median's histogram are 2^-11 wide relative to their
# value.
_DROPPED_BITS = 12
_BINS = 1 << (31 - _DROPPED_BITS)


class LayerStatistics:
    """Running statistics of one layer of `width` units, and the sums over G groups of samples."""

    def __init__(self, width: int, groups: int):
        self.n = 0
        self.group_sums = torch.zeros(groups, width, dtype=torch.float64)
        self.origin = torch.zeros(width)  # near the mean, so that its distance loses no digits
        self.away, self.away_squared = torch.zeros(2, width, dtype=torch.float64)
        self.active = torch.zeros(width, dtype=torch.float64)
        self.peaks = torch.full((width,), -1.0)
        self.peak_samples = torch.zeros(width, dtype=torch.int64)
        self.argmax_counts = torch.zeros(width, dtype=torch.int64)
        self.histogram = torch.zeros(_BINS, dtype=torch.int64)

    def update(self, activations: torch.Tensor, members: torch.Tensor) -> None:
        """Take in the next batch: activations (B, H) ≥ 0 and group members (G, B)."""
        self.group_sums += members @ activations
        if self.n == 0:
            self.origin = activations.mean(0)
        away = activations - self.origin
        self.away += away.sum(0)
        self.away_squared += away.square_().sum(0)
        self.active += torch.sign(activations).sum(0)
        peaks = activations.amax(0)
        higher = (peaks > self.peaks).nonzero()[:, 0]  # strictly: of equal peaks the first sample counts
        self.peaks[higher] = peaks[higher]
        self.peak_samples[higher] = activations[:, higher].argmax(0) + self.n
        self.argmax_counts += torch.bincount(activations.argmax(1), minlength=len(peaks))
        bins = activations.view(torch.int32).bitwise_right_shift(_DROPPED_BITS).clamp_(min=0)  # -0.0 has a sign bit
        counts = torch.bincount(bins.view(-1))
        self.histogram[: len(counts)] += counts
        self.n += len(activations)

    def median_active(self) -> float | None:
        """Median of all positive activations, exact to a relative 2^-12; None if there are none.

        Positive float32 numbers are ordered like their bit patterns, so a histogram over leading bits is one over
        magnitudes with equal relative width. Zeros (and values below 2^-137) are not counted.
        """
        counts = self.histogram.clone()
        counts[0] = 0
        total = int(counts.sum())
        if total == 0:
            return None
        middles = torch.searchsorted(counts.cumsum(0), torch.tensor([(total + 1) // 2, total // 2 + 1]))
        edges = torch.cat([middles, middles + 1]).int().bitwise_left_shift(_DROPPED_BITS)
        return float(edges.view(torch.float32).double().mean())

    def neurons(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Columns of the table `neurons` but for epoch and layer; `indices` (N,) names the samples."""
        away = self.away / self.n
        return {
            "neuron": np.arange(len(self.peaks)),
            "max": self.peaks.numpy(),
            "mean": (self.origin + away).numpy(),
            "std": (self.away_squared / self.n - away.square()).clamp_(min=0).sqrt_().numpy(),
            "active_share": (self.active / self.n).numpy(),
            "argmax_index": indices[self.peak_samples.numpy()],
            "layer_argmax_share": (self.argmax_counts / self.n).numpy(),
        }
