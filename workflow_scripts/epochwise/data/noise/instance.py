"""Instance-dependent noise: how likely which wrong label is depends on the pixels (Xia et al. 2020)."""

from collections.abc import Mapping

import numpy as np

from epochwise.data.noise import RateSettings

Settings = RateSettings
SPREAD = 0.1  # standard deviation of the flip rates before truncation, as in the paper


def given_labels(true: np.ndarray, classes: int, settings: Mapping, random: np.random.Generator) -> np.ndarray:
    """Draw the labels by algorithm 2 of Xia et al. (2020), "Part-dependent label noise".

    Sample i flips with its own probability q_i, drawn from a normal distribution with mean `rate` and standard
    deviation 0.1, truncated to [0, 1]. A matrix W_y (D, K) of standard normal numbers per class y turns the pixels x_i
    in [0, 1] into scores x_i·W_y. The wrong label is drawn from the softmax of these scores over the other classes. So
    images that look alike get the same wrong label. The expected share of wrong labels is the mean of the truncated
    distribution: the rate from 0.3 to 0.7, but for example 0.08 at the rate 0.

    Args:
        true: true labels y (N,), integers in 0..classes−1.
        classes: number of classes K, at least 2.
        settings: `rate`, from 0 to 1, and `samples`, for the pixels.
        random: generator of this draw.

    Returns:
        Given labels (N,), of the dtype of `true`.
    """
    from scipy.stats import truncnorm

    rate = settings["rate"]
    pixels = settings["samples"].pixels()
    ends = -rate / SPREAD, (1 - rate) / SPREAD
    flip = truncnorm.rvs(*ends, loc=rate, scale=SPREAD, size=len(true), random_state=random)
    flips = random.random(len(true)) < flip
    position = random.random(len(true))
    given = true.copy()
    for label in range(classes):
        weights = random.standard_normal((pixels.shape[1], classes))
        members = np.flatnonzero(flips & (true == label))
        probability = wrong_label_probabilities(pixels[members] / 255, weights, label)
        # The label is the first whose cumulative probability exceeds the position.
        drawn = (np.cumsum(probability, axis=1) <= position[members, None]).sum(1)
        given[members] = np.minimum(drawn, classes - 1 - (label == classes - 1))  # because sums are rounded
    return given


def wrong_label_probabilities(inputs: np.ndarray, weights: np.ndarray, label: int) -> np.ndarray:
    """Softmax (N, K) of the scores inputs·weights, without the class `label`, whose probability is 0.

    `inputs` is (N, D) and `weights` (D, K).
    """
    scores = inputs @ weights
    scores[:, label] = -np.inf
    scores = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    return scores / scores.sum(axis=1, keepdims=True)
