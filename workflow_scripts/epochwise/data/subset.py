"""Which training samples an experiment uses."""

import numpy as np

from epochwise.workflow.errors import InputError
from epochwise.workflow.seeding import generator


def stratified_subset(labels: np.ndarray, size: int | None, seed: int) -> np.ndarray:
    """Draw `size` samples so that each class keeps its share of `labels`, to within one sample.

    Args:
        labels: labels (N,) of all training samples.
        size: number of samples to draw, or None for all of them.
        seed: seed of the draw.

    Returns:
        Indices of the samples, sorted, int64.

    Raises:
        InputError: `size` is larger than the data set.
    """
    if size is None:
        return np.arange(len(labels))
    if size > len(labels):
        raise InputError(
            f"subset.size: {size} is more than the {len(labels)} training samples of the data set; "
            "give a smaller number, or null for all."
        )
    return stratified_choice(labels, size, generator("subset", seed))


def stratified_choice(labels: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
    """Choose `size` of the samples with these labels (N,), so that each class keeps its share to within one sample.

    Returns their positions, sorted, int64. Within a class every sample is equally likely.
    """
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * size / max(len(labels), 1)
    quota = np.floor(exact).astype(int)
    quota[np.argsort(quota - exact, kind="stable")[: size - quota.sum()]] += 1  # the largest remainders get one more
    chosen = [random.choice(np.flatnonzero(labels == c), n, replace=False) for c, n in zip(classes, quota, strict=True)]
    return np.sort(np.concatenate([np.empty(0, np.int64), *chosen]))
