"""Which training samples are used, and which of their labels are wrong."""

import numpy as np

from epochwise.errors import InputError
from epochwise.seeding import generator


def stratified_subset(labels: np.ndarray, size: int | None, seed: int) -> np.ndarray:
    """Indices (sorted, int64) of `size` samples with the class shares of `labels`, to within one sample per class.

    `size` None takes all. Raises InputError if `size` is larger than the data.
    """
    if size is None:
        return np.arange(len(labels))
    if size > len(labels):
        raise InputError(
            f"subset.size: {size} is more than the {len(labels)} training samples of the data set; "
            "give a smaller number, or null for all."
        )
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * size / len(labels)
    quota = np.floor(exact).astype(int)
    quota[np.argsort(quota - exact, kind="stable")[: size - quota.sum()]] += 1  # largest remainders first
    random = generator("subset", seed)
    chosen = [random.choice(np.flatnonzero(labels == c), n, replace=False) for c, n in zip(classes, quota, strict=True)]
    return np.sort(np.concatenate(chosen))


def symmetric(labels: np.ndarray, rate: float, classes: int, random: np.random.Generator) -> np.ndarray:
    """Labels after exactly round(rate·N) of them, drawn without replacement, move to a uniformly drawn other class."""
    given = labels.copy()
    chosen = random.choice(len(labels), round(rate * len(labels)), replace=False)
    given[chosen] = (labels[chosen] + random.integers(1, classes, len(chosen))) % classes
    return given


KINDS = {"symmetric": symmetric}


def corrupt(labels: np.ndarray, kind: str, rate: float, classes: int, *seeds: int) -> np.ndarray:
    """Given labels (N,) for true `labels` (N,) in 0..classes−1; `kind` is a key of KINDS, `seeds` name the draw."""
    return KINDS[kind](labels, rate, classes, generator("label_noise", *seeds))


def noise_matrix(true: np.ndarray, given: np.ndarray, classes: int) -> np.ndarray:
    """Counts (K, K): row is the true class, column the given one."""
    return np.bincount(true.astype(np.int64) * classes + given, minlength=classes**2).reshape(classes, classes)
