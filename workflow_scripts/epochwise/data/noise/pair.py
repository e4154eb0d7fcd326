"""Pair noise: a wrong label is always the next class, and after the last class the first."""

from collections.abc import Mapping

import numpy as np

from epochwise.data.noise import MatchedRateSettings
from epochwise.data.subset import stratified_choice

Settings = MatchedRateSettings


def given_labels(true: np.ndarray, classes: int, settings: Mapping, random: np.random.Generator) -> np.ndarray:
    """Give exactly round(rate·N) samples the label (y + 1) mod K (pair flip of Han et al. 2018).

    Args:
        true: true labels y (N,), integers in 0..classes−1.
        classes: number of classes K, at least 2.
        settings: `rate`, the share of wrong labels, from 0 to 1. It is that of each class too, to within one sample.
        random: generator of this draw.

    Returns:
        Given labels (N,), of the dtype of `true`.
    """
    given = true.copy()
    chosen = stratified_choice(true, round(settings["rate"] * len(true)), random)
    given[chosen] = (true[chosen] + 1) % classes
    return given
