"""Symmetric noise: a wrong label is any other class with equal probability."""

from collections.abc import Mapping

import numpy as np

from epochwise.data.noise import MatchedRateSettings

Settings = MatchedRateSettings


def given_labels(true: np.ndarray, classes: int, settings: Mapping, random: np.random.Generator) -> np.ndarray:
    """Replace exactly round(rate·N) labels, drawn without replacement, by a uniformly drawn other class.

    Args:
        true: true labels (N,), integers in 0..classes−1.
        classes: number of classes K, at least 2.
        settings: `rate`, the share of wrong labels, from 0 to 1.
        random: generator of this draw.

    Returns:
        Given labels (N,), of the dtype of `true`. A label that was drawn is never the true one.
    """
    given = true.copy()
    chosen = random.choice(len(true), round(settings["rate"] * len(true)), replace=False)
    given[chosen] = (true[chosen] + random.integers(1, classes, len(chosen))) % classes
    return given
