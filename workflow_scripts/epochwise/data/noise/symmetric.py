"""Symmetric noise: a wrong label is any other class with equal probability."""

from collections.abc import Mapping

import numpy as np

from epochwise.data.noise import MatchedRateSettings


class Settings(MatchedRateSettings):
    """The keys of symmetric noise."""

    independent: bool = False
    """false: exactly the share `rate` of the labels is replaced. true: each label is replaced with the probability
    `rate`, independently of the others, so that the share varies a little from draw to draw."""


def given_labels(true: np.ndarray, classes: int, settings: Mapping, random: np.random.Generator) -> np.ndarray:
    """Replace exactly round(rate·N) labels, drawn without replacement, by a uniformly drawn other class.

    With `independent`, each label is replaced with the probability `rate` instead, independently of the others.

    Args:
        true: true labels (N,), integers in 0..classes−1.
        classes: number of classes K, at least 2.
        settings: `rate`, the share of wrong labels, from 0 to 1; and `independent`, false if it is absent.
        random: generator of this draw.

    Returns:
        Given labels (N,), of the dtype of `true`. A label that was drawn is never the true one.
    """
    given = true.copy()
    if settings.get("independent", False):
        chosen = np.flatnonzero(random.random(len(true)) < settings["rate"])
    else:
        chosen = random.choice(len(true), round(settings["rate"] * len(true)), replace=False)
    given[chosen] = (true[chosen] + random.integers(1, classes, len(chosen))) % classes
    return given
