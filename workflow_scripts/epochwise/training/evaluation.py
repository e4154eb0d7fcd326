"""The learning curves: accuracy and loss of clean, noisy and test data."""

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from epochwise.training.stack import Stack


@dataclass(frozen=True)
class Data:
    """Everything that S networks train and test on, resident on one device.

    `inputs` (N, padded(D)) as `stack.network_inputs` makes them; labels of the training samples, `given` (S, N) and
    `true` (N,) int64; `test_inputs` (M, padded(D)) and `test_labels` (M,).
    """

    inputs: torch.Tensor
    given: torch.Tensor
    true: torch.Tensor
    test_inputs: torch.Tensor
    test_labels: torch.Tensor


@torch.inference_mode()
def evaluate(stack: Stack, data: Data) -> list[list[dict]]:
    """Accuracy and mean loss of the five subsets, network by network: clean, noisy_given, noisy_true, train, test.

    An empty subset has n 0 and no values (None).
    """
    logits = stack.logits(data.inputs)
    noisy = data.given != data.true
    everything = torch.ones_like(noisy)
    by_given = _samplewise(logits, data.given)
    test = _samplewise(stack.logits(data.test_inputs), data.test_labels.expand(len(logits), -1))
    subsets = {
        "clean": (by_given, ~noisy),
        "noisy_given": (by_given, noisy),
        "noisy_true": (_samplewise(logits, data.true.expand(len(logits), -1)), noisy),
        "train": (by_given, everything),
        "test": (test, torch.ones_like(test[0], dtype=torch.bool)),
    }
    scores = {name: _means(values, mask) for name, (values, mask) in subsets.items()}
    return [[{"subset": name, **rows[network]} for name, rows in scores.items()] for network in range(len(logits))]


def _samplewise(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Whether each sample is classified as its label, and its loss (2, S, N) float64, for logits (S, N, K)."""
    losses = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)
    return torch.stack([(logits.argmax(-1) == labels).double(), losses.double()])


def _means(values: torch.Tensor, mask: torch.Tensor) -> list[dict]:
    """Accuracy and loss over the samples in `mask` (S, N), one dict per network."""
    totals = torch.where(mask, values, 0.0).sum(-1)
    return [
        {"accuracy": hits / n if n else None, "loss": loss / n if n else None, "n": n}
        for hits, loss, n in zip(*totals.tolist(), mask.sum(-1).tolist(), strict=True)
    ]
