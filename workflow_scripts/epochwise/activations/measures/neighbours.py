"""Nearest neighbours of noisy samples (Gu et al. 2023): the class that they look like to the layer.

Neighbours are found by cosine distance among all samples, and they count by their true class, so that their own wrong
labels do not matter.
"""

from collections.abc import Mapping

import numpy as np

from epochwise.activations.layer import Layer

MEASURES = {
    "neighbours_true": "share of the nearest neighbours of a noisy sample that are of its true class, 0 to 1",
    "neighbours_given": "share of the nearest neighbours of a noisy sample that are of its given class, 0 to 1",
}


def values(layer: Layer, settings: Mapping) -> dict[str, np.ndarray]:
    """The two measures, with `neighbours` neighbours per sample, averaged over the noisy samples."""
    from sklearn.neighbors import NearestNeighbors

    count = min(settings["neighbours"], len(layer.true) - 1)
    search = NearestNeighbors(n_neighbors=count, metric="cosine", algorithm="brute").fit(layer.activations)
    classes = layer.true[search.kneighbors(return_distance=False)]  # (N, k), without the sample itself
    of_true = (classes == layer.true[:, None]).mean(1)
    noisy = layer.noisy
    return {
        "neighbours_true": np.array([_mean(of_true[row]) for row in noisy]),
        "neighbours_given": np.array(
            [_mean((classes[row] == given[row, None]).mean(1)) for row, given in zip(noisy, layer.given, strict=True)]
        ),
    }


def _mean(shares: np.ndarray) -> float:
    return float(shares.mean()) if len(shares) else np.nan
