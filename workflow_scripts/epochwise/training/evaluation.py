"""The learning curves: accuracy and loss on clean, noisy and test data."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from epochwise.training.loss import LOSSES, Loss
from epochwise.training.stack import Stack
from epochwise.workflow import seeding

MEANS = ("accuracy", "loss", "cross_entropy")  # columns of the learning curves


def first_half(labels: np.ndarray) -> np.ndarray:
    """Divide samples into two stratified halves: True for the samples (N,) of the first half.

    The halves depend only on the labels (N,). In each class their sizes differ by at most one, and so do they in total:
    the samples are shuffled with the named seed `test_halves`, sorted by class, and dealt to the halves in turn.

    Example: for the labels [7, 7, 7, 7, 3, 3] each half has two samples of class 7 and one of class 3.
    """
    shuffled = seeding.generator("test_halves").permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    first = np.zeros(len(labels), bool)
    first[by_class[::2]] = True
    return first


@dataclass(frozen=True)
class TrainingData:
    """Everything that S networks are trained and tested on, on one device.

    Attributes:
        inputs: inputs of the training samples (N, padded(D)), as `layout.network_inputs` makes them.
        given: labels that each network is trained on (S, N) int64.
        true: correct labels of the training samples (N,) int64.
        test_inputs: inputs of the test samples (M, padded(D)).
        test_labels: labels of the test samples (M,) int64.
    """

    inputs: torch.Tensor
    given: torch.Tensor
    true: torch.Tensor
    test_inputs: torch.Tensor
    test_labels: torch.Tensor

    @cached_property
    def in_test_a(self) -> torch.Tensor:
        """Which test samples (M,) are in the subset `test_a`; the others are in `test_b`."""
        return torch.from_numpy(first_half(self.test_labels.cpu().numpy())).to(self.test_labels.device)


@torch.inference_mode()
def evaluate(stack: Stack, data: TrainingData) -> list[list[dict]]:
    """Accuracy, mean trained loss and mean cross-entropy of each subset, network by network.

    The subsets are `clean` and `noisy_given` (training samples with a correct or a wrong label, scored by the label
    that they were given), `noisy_true` (those with a wrong label, scored by the correct one), `train`, `test`, and the
    fixed halves `test_a` and `test_b` of the test set. With them an epoch can be chosen on one half and read on the
    other.

    Returns:
        One list per network of dicts with `subset`, `accuracy`, `loss` (the one that is trained), `cross_entropy` and
        the number of samples `n`. An empty subset has n 0, and None as all else.
    """
    logits, test_logits = stack.logits(data.inputs), stack.logits(data.test_inputs)
    noisy = data.given != data.true
    by_given = _samplewise(logits, data.given, stack.loss)
    by_true = _samplewise(logits, data.true.expand_as(data.given), stack.loss)
    test = _samplewise(test_logits, data.test_labels.expand(len(logits), -1), stack.loss)
    in_test_a = data.in_test_a.expand(len(logits), -1)
    subsets = {
        "clean": (by_given, ~noisy),
        "noisy_given": (by_given, noisy),
        "noisy_true": (by_true, noisy),
        "train": (by_given, torch.ones_like(noisy)),
        "test": (test, torch.ones_like(in_test_a)),
        "test_a": (test, in_test_a),
        "test_b": (test, ~in_test_a),
    }
    scores = {name: _means(values, mask) for name, (values, mask) in subsets.items()}
    return [[{"subset": name, **rows[network]} for name, rows in scores.items()] for network in range(len(logits))]


def _samplewise(logits: torch.Tensor, labels: torch.Tensor, loss: Loss) -> torch.Tensor:
    """Whether each sample is classified as its label, its `loss` and its cross-entropy (3, S, N) float64.

    `logits` are (S, N, K), and `labels` (S, N) int64.
    """
    losses = [
        of.values(logits.flatten(0, 1), labels.flatten()).view(labels.shape)
        for of in dict.fromkeys((loss, LOSSES["cross_entropy"]))
    ]
    return torch.stack([(logits.argmax(-1) == labels).double(), losses[0].double(), losses[-1].double()])


def _means(values: torch.Tensor, mask: torch.Tensor) -> list[dict]:
    """Accuracy and losses over the samples in `mask` (S, N), one dict per network."""
    totals = torch.where(mask, values, 0.0).sum(-1)
    return [
        {name: total / n if n else None for name, total in zip(MEANS, sums, strict=True)} | {"n": n}
        for *sums, n in zip(*totals.tolist(), mask.sum(-1).tolist(), strict=True)
    ]
