"""In how many directions the activations of a layer vary."""

from collections.abc import Mapping

import numpy as np

from epochwise.activations.layer import Layer

MEASURES = {
    "effective_rank": "exponential of the entropy of the normalized singular values, 1 to the number of neurons",
    "participation_ratio": "squared sum of the variances along principal axes over the sum of their squares",
}


def values(layer: Layer, settings: Mapping) -> dict[str, np.ndarray]:
    """Effective rank (Roy & Vetterli 2007) and participation ratio of the centred activations. They have no null.

    Missing if the activations do not vary.
    """
    centred = layer.activations - layer.activations.mean(0)
    smaller = centred.T @ centred if centred.shape[0] > centred.shape[1] else centred @ centred.T
    variances = np.clip(np.linalg.eigvalsh(smaller), 0, None)
    if variances.max(initial=0) <= 0:
        return {name: np.array([np.nan]) for name in MEASURES}
    share = np.sqrt(variances) / np.sqrt(variances).sum()
    share = share[share > 0]
    return {
        "effective_rank": np.array([np.exp(-np.sum(share * np.log(share)))]),
        "participation_ratio": np.array([variances.sum() ** 2 / np.sum(variances**2)]),
    }
