"""Symmetric noise that may draw the true label again: a chosen sample gets any class with equal probability."""

from collections.abc import Mapping

import numpy as np

from epochwise.data.noise import RateSettings

Settings = RateSettings


def given_labels(true: np.ndarray, classes: int, settings: Mapping, random: np.random.Generator) -> np.ndarray:
    """Replace exactly round(rate·N) labels, drawn without replacement, by a uniformly drawn class (Zhang et al. 2017).

    About one of K drawn labels is the true one, so about rate·(1 − 1/K) of all labels become wrong.

    Args:
        true: true labels (N,), integers in 0..classes−1.
        classes: number of classes K.
        settings: `rate`, the share of labels that are drawn anew, from 0 to 1.
        random: generator of this draw.

    Returns:
        Given labels (N,), of the dtype of `true`.
    """
    given = true.copy()
    chosen = random.choice(len(true), round(settings["rate"] * len(true)), replace=False)
    given[chosen] = random.integers(0, classes, len(chosen))
    return given
