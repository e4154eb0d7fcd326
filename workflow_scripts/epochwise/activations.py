"""One forward pass over each snapshot for all statistics of all layers.

Sums run in float64 over batches (within a batch products are float32), so that memory grows neither with the number of
epochs or layers nor with the number of samples beyond the data themselves.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from epochwise.mlp import MLP
from epochwise.seeding import generator

GROUPINGS = ("true", "given")
# Bits of a positive float32 that its bin ignores: bins of the median's histogram are 2^-11 wide relative to their
# value.
_DROPPED_BITS = 12
_BINS = 1 << (31 - _DROPPED_BITS)


@dataclass(frozen=True)
class Groups:
    """Groups of samples whose mean activation is wanted: `members` (G, N) float32 of 0 and 1, `keys` one dict per
    row."""

    keys: list[dict]
    members: torch.Tensor

    @property
    def sizes(self) -> np.ndarray:
        """Samples per group (G,)."""
        return self.members.sum(1).numpy().astype(np.int64)


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


def groups_of_training(true: np.ndarray, given: np.ndarray, classes: int, seed: int) -> Groups:
    """The groups of training samples: per grouping and class, clean, noisy and the two parts of the split half.

    `clean_a` is a random half of the clean samples of a class. `clean_b` is drawn from the other half, as many as the
    class has noisy samples under the grouping (all of it if there are not so many): held against each other they show
    what cosine sampling alone allows.
    """
    keys, rows = [], []
    clean = true == given
    for grouping in GROUPINGS:
        label = true if grouping == "true" else given
        random = generator("split_half", seed)  # the same halves under both groupings
        for c in range(classes):
            members = random.permutation(np.flatnonzero(clean & (true == c)))
            noisy = np.flatnonzero(~clean & (label == c))
            half = len(members) // 2
            parts = {
                "clean": members,
                "noisy": noisy,
                "clean_a": members[:half],
                "clean_b": members[half:][: len(noisy)],
            }
            for subset, samples in parts.items():
                keys.append({"grouping": grouping, "subset": subset, "class": c})
                rows.append(np.bincount(samples, minlength=len(true)))
    return Groups(keys, torch.from_numpy(np.stack(rows).astype(np.float32)))


def groups_of_test(labels: np.ndarray, classes: int) -> Groups:
    """The groups of test samples: one per class."""
    keys = [{"grouping": "true", "subset": "test", "class": c} for c in range(classes)]
    return Groups(keys, torch.from_numpy((labels == np.arange(classes)[:, None]).astype(np.float32)))


@torch.inference_mode()
def layer_statistics(
    model: MLP, inputs: torch.Tensor, groups: Groups, batch_size: int, large: Mapping[int, int] | None = None
) -> tuple[list[LayerStatistics], torch.Tensor, dict[int, torch.Tensor]]:
    """Statistics of every hidden layer over `inputs` (N, D), the logits (N, K), and, for the neuron that `large` names
    for a layer, its activation on every sample (N,)."""
    statistics = [LayerStatistics(layer.out_features, len(groups.keys)) for layer in model.layers[:-1]]
    traced = {layer: torch.empty(len(inputs)) for layer in large or {}}
    logits = torch.empty(len(inputs), model.layers[-1].out_features)
    for start in range(0, len(inputs), batch_size):
        batch = slice(start, start + batch_size)
        hidden, logits[batch] = model.activations(inputs[batch])
        members = groups.members[:, batch]
        for layer, (values, statistic) in enumerate(zip(hidden, statistics, strict=True), start=1):
            statistic.update(values, members)
            if layer in traced:
                traced[layer][batch] = values[:, large[layer]]
    return statistics, logits, traced


@torch.inference_mode()
def group_sums(model: MLP, inputs: torch.Tensor, groups: Groups, batch_size: int) -> list[torch.Tensor]:
    """Sums of the activations over each group (G, H) float64, for every hidden layer."""
    sums = [torch.zeros(len(groups.keys), layer.out_features, dtype=torch.float64) for layer in model.layers[:-1]]
    for start in range(0, len(inputs), batch_size):
        batch = slice(start, start + batch_size)
        for values, total in zip(model.activations(inputs[batch])[0], sums, strict=True):
            total += groups.members[:, batch] @ values
    return sums


@torch.inference_mode()
def large_neurons(model: MLP, inputs: torch.Tensor, batch_size: int) -> dict[int, int]:
    """The neuron with the largest activation over `inputs`, for each layer 1..L."""
    peaks = [torch.full((layer.out_features,), -1.0) for layer in model.layers[:-1]]
    for start in range(0, len(inputs), batch_size):
        hidden, _ = model.activations(inputs[start : start + batch_size])
        peaks = [torch.maximum(peak, values.amax(0)) for peak, values in zip(peaks, hidden, strict=True)]
    return {layer: int(peak.argmax()) for layer, peak in enumerate(peaks, start=1)}


def means(sums: torch.Tensor, sizes: np.ndarray) -> list[np.ndarray | None]:
    """Mean activation (H,) float32 of each group from its sum; None for an empty one."""
    return [(total / n).astype(np.float32) if n else None for total, n in zip(sums.numpy(), sizes, strict=True)]


def extract(
    epochs: list[int],
    load: Callable[[int], MLP],
    inputs: torch.Tensor,
    given: torch.Tensor,
    indices: np.ndarray,
    groups: Groups,
    test_inputs: torch.Tensor,
    test_groups: Groups,
    batch_size: int,
) -> Iterator[tuple[str, dict[str, np.ndarray | list]]]:
    """Rows for the tables class_means, neurons, samples and outputs, as (table, columns) pairs, epoch by epoch.

    `load` gives the network of an epoch; the large neuron of each layer is chosen at the last one.
    """
    large = large_neurons(load(epochs[-1]), inputs, batch_size)
    for epoch in epochs:
        model = load(epoch)
        train, logits, traced = layer_statistics(model, inputs, groups, batch_size, large)
        test = group_sums(model, test_inputs, test_groups, batch_size)
        for layer, (statistic, test_sums) in enumerate(zip(train, test, strict=True), start=1):
            for sums, members in [(statistic.group_sums, groups), (test_sums, test_groups)]:
                count = len(members.keys)
                yield (
                    "class_means",
                    {
                        "epoch": np.full(count, epoch),
                        "layer": np.full(count, layer),
                        **{key: [k[key] for k in members.keys] for key in ("grouping", "subset", "class")},
                        "n": members.sizes,
                        "mean": means(sums, members.sizes),
                    },
                )
            yield (
                "neurons",
                {
                    "epoch": np.full(len(statistic.peaks), epoch),
                    "layer": np.full(len(statistic.peaks), layer),
                    **statistic.neurons(indices),
                    "layer_median_active": [statistic.median_active()] * len(statistic.peaks),
                },
            )
            yield (
                "samples",
                {
                    "epoch": np.full(len(indices), epoch),
                    "layer": np.full(len(indices), layer),
                    "neuron": np.full(len(indices), large[layer]),
                    "index": indices,
                    "value": traced[layer].numpy(),
                },
            )
        probability, predicted = torch.softmax(logits, 1).max(1)
        yield (
            "outputs",
            {
                "epoch": np.full(len(indices), epoch),
                "index": indices,
                "predicted": predicted.numpy(),
                "probability": probability.numpy(),
                "loss": cross_entropy(logits, given, reduction="none").numpy(),
            },
        )
