"""Paths of test data: do correctly predicted test data run with clean training data, and wrong ones with noisy data?

For each class, the mean activation of the test data that the network predicts correctly is compared with the mean
activations of the clean and of the noisy training data of this class, and so is that of wrongly predicted test data.
Classes are true classes everywhere.

Two numbers say how much a cosine means. *split_half* is the cosine between two random halves of the same test data: the
highest value that their number allows. The *null* is the same cosine after the marks correct and wrong are permuted
among the test data of the class: it shows what the class alone explains.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from epochwise.activations.cosine import cosine
from epochwise.activations.forward import batches
from epochwise.activations.groups import mean_of
from epochwise.activations.tables import MEAN_OVER_CLASSES
from epochwise.training.mlp import MLP
from epochwise.workflow.seeding import generator

PREDICTIONS = ("wrong", "correct")  # by the mark of a sample, 0 or 1


@dataclass(frozen=True)
class MarkedData:
    """M test samples of K classes, each marked as predicted wrongly (0) or correctly (1).

    Attributes:
        cells: number of the cell of each sample (M,) int64: 4·class + 2·mark + half, where the halves of each class and
            mark are random and differ by at most one sample in size.
        permuted: which samples are marked as correct after each of P permutations, by class (P·K, M) float32, 0 or 1.
        sizes: number of samples (2, K) by mark and class.
    """

    cells: torch.Tensor
    permuted: torch.Tensor
    sizes: np.ndarray

    def to(self, device: torch.device | str) -> "MarkedData":
        """The same data, with the tensors on another device."""
        return MarkedData(self.cells.to(device), self.permuted.to(device), self.sizes)


@dataclass(frozen=True)
class PathSignals:
    """Mean activations of one layer with H neurons at one epoch; NaN for a group without samples.

    Attributes:
        test: means of test data (2, K, H) by mark and class.
        halves: means of two random halves of them (2, 2, K, H), by half, mark and class.
        permuted: means (P, 2, K, H) after each permutation of the marks.
        training: means of training data (2, K, H): clean, then noisy data of each true class.
        layer_mean: mean over all training data (H,).
    """

    test: np.ndarray
    halves: np.ndarray
    permuted: np.ndarray
    training: np.ndarray
    layer_mean: np.ndarray


def mark(predicted: np.ndarray, labels: np.ndarray, classes: int, permutations: int, seed: int) -> MarkedData:
    """Mark test samples, halve each group, and permute the marks within each class.

    Args:
        predicted: predicted classes (M,).
        labels: true classes (M,), 0 to `classes` − 1.
        classes: number of classes K.
        permutations: number of permutations P.
        seed: seed of halves and permutations. Samples keep their random order when predictions change.
    """
    correct = predicted == labels
    cells = 4 * labels.astype(np.int64) + 2 * correct
    order = generator("test_path_halves", seed).permutation(len(labels))
    for group in np.unique(cells):
        members = order[cells[order] == group]
        cells[members[1::2]] += 1
    random = generator("test_path_permutations", seed)
    permuted = np.zeros((permutations, classes, len(labels)), np.float32)
    for c in range(classes):
        members = np.flatnonzero(labels == c)
        count = int(correct[members].sum())
        for row in permuted[:, c]:
            row[random.permutation(members)[:count]] = 1
    sizes = np.stack([np.bincount(labels[correct == found], minlength=classes) for found in (False, True)])
    return MarkedData(torch.from_numpy(cells), torch.from_numpy(permuted.reshape(-1, len(labels))), sizes)


@torch.inference_mode()
def predict(model: MLP, inputs: torch.Tensor, batch_size: int) -> np.ndarray:
    """Predicted class of each sample (M,) int64 for inputs (M, D) on the device of the network."""
    return torch.cat([logits.argmax(1) for _, _, logits in batches(model, inputs, batch_size)]).cpu().numpy()


@torch.inference_mode()
def path_sums(
    model: MLP, inputs: torch.Tensor, marked: MarkedData, batch_size: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sums of activations of each hidden layer, first to last: over cells (4·K, H), and over `permuted` (P·K, H).

    Arguments are the network, inputs (M, D) float32 and the marks of these samples on the network's device. The sums
    are float64 over batches and float32 within a batch.
    """
    classes = marked.sizes.shape[1]
    widths = [layer.out_features for layer in model.layers[:-1]]
    shapes = [(4 * classes, len(marked.permuted))] * len(widths)
    sums = [
        [torch.zeros(rows, width, dtype=torch.float64, device=inputs.device) for rows in shape]
        for width, shape in zip(widths, shapes, strict=True)
    ]
    for batch, hidden, _ in batches(model, inputs, batch_size):
        for (by_cell, permuted), activations in zip(sums, hidden, strict=True):
            by_cell += torch.zeros_like(by_cell, dtype=torch.float32).index_add_(0, marked.cells[batch], activations)
            permuted += marked.permuted[:, batch] @ activations
    return [(by_cell.cpu().numpy(), permuted.cpu().numpy()) for by_cell, permuted in sums]


def path_signals(
    by_cell: np.ndarray, permuted: np.ndarray, marked: MarkedData, training: np.ndarray, layer_mean: np.ndarray
) -> PathSignals:
    """The mean activations of one layer from its sums (`path_sums`), and those of training data, see `PathSignals`."""
    classes, width = marked.sizes.shape[1], by_cell.shape[1]
    cell_sizes = np.bincount(marked.cells.cpu().numpy(), minlength=4 * classes)
    by_cell = by_cell.reshape(classes, 2, 2, width).transpose(2, 1, 0, 3)  # half, mark, class, neuron
    half_sizes = cell_sizes.reshape(classes, 2, 2).transpose(2, 1, 0)
    sums = by_cell.sum(0)
    correct = permuted.reshape(-1, classes, width)
    return PathSignals(
        test=mean_of(sums, marked.sizes),
        halves=mean_of(by_cell, half_sizes),
        permuted=mean_of(np.stack([sums.sum(0) - correct, correct], axis=1), marked.sizes),
        training=training,
        layer_mean=layer_mean,
    )


def path_rows(signals: PathSignals, sizes: np.ndarray) -> Iterator[dict]:
    """Rows of TEST_PATHS of one layer, without epoch and layer. `sizes` (2, K): test samples by mark and class."""
    for measure, centre in (("cosine", 0), ("cosine_centred", signals.layer_mean)):
        ceilings = cosine(*(half - centre for half in signals.halves))  # (2, K)
        for marked, predictions in enumerate(PREDICTIONS):
            for reference, training in zip(("clean", "noisy"), signals.training - centre, strict=True):
                values = _with_mean(cosine(signals.test[marked] - centre, training))
                null = _with_mean(cosine(signals.permuted[:, marked] - centre, training))  # (P, K + 1)
                yield {
                    "class": [*range(len(values) - 1), MEAN_OVER_CLASSES],
                    "predictions": [predictions] * len(values),
                    "reference": [reference] * len(values),
                    "measure": [measure] * len(values),
                    "n": [*sizes[marked], sizes[marked].sum()],
                    "value": values,
                    "split_half": _with_mean(ceilings[marked]),
                    "null_mean": null.mean(0),
                    "null_low": null.min(0),
                    "null_high": null.max(0),
                }


def _with_mean(values: np.ndarray) -> np.ndarray:
    """Values (…, K) of the classes, and the mean of those that are there (…, K + 1); NaN if none is."""
    there = ~np.isnan(values)
    counts = there.sum(-1, keepdims=True)
    means = np.where(counts > 0, np.where(there, values, 0).sum(-1, keepdims=True) / np.maximum(counts, 1), np.nan)
    return np.concatenate([values, means], axis=-1)
