"""Neural collapse (Papyan et al. 2020): how tight the classes are, and how evenly their means are spread.

Both measures are 0 for complete collapse. They are computed with classes by the true and by the given labels.
"""

from collections.abc import Mapping

import numpy as np

from epochwise.activations.layer import Layer

MEASURES = {
    "collapse_nc1_true": "NC1 by true labels: variance within classes relative to that between them, at least 0",
    "collapse_nc1_given": "NC1 by given labels, at least 0",
    "collapse_nc2_true": "NC2 by true labels: mean distance of the cosines between class means from −1/(K − 1), 0 to 2",
    "collapse_nc2_given": "NC2 by given labels, 0 to 2",
}


def values(layer: Layer, settings: Mapping) -> dict[str, np.ndarray]:
    """The four measures; those by true labels have no null, because they do not depend on the given labels."""
    by_true = collapse(layer.activations, layer.true, layer.classes)
    by_given = np.array([collapse(layer.activations, given, layer.classes) for given in layer.given])
    return {
        "collapse_nc1_true": np.array([by_true[0]]),
        "collapse_nc1_given": by_given[:, 0],
        "collapse_nc2_true": np.array([by_true[1]]),
        "collapse_nc2_given": by_given[:, 1],
    }


def collapse(activations: np.ndarray, labels: np.ndarray, classes: int) -> tuple[float, float]:
    """NC1 = tr(Σ_W Σ_B⁺) / K, and NC2 = mean over pairs of classes of |cos(m_c, m_c') + 1/(K − 1)|.

    m_c is the mean of class c minus the mean of the class means, Σ_B the mean of m_c m_cᵀ over classes, and Σ_W the
    mean over samples of (a − mean of its class)(a − mean of its class)ᵀ. Classes without samples are left out; K counts
    the others. Missing with fewer than two classes.

    Args:
        activations: activations (N, H).
        labels: class of each sample (N,).
        classes: number of classes.
    """
    present, labels = np.unique(labels, return_inverse=True)
    count = len(present)
    if count < 2:
        return np.nan, np.nan
    sizes = np.bincount(labels)
    means = np.zeros((count, activations.shape[1]))
    np.add.at(means, labels, activations)
    means /= sizes[:, None]
    centred = means - means.mean(0)
    # Σ_B⁺ acts only in the space that the class means span, so everything is projected into it.
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    kept = singular > singular[0] * 1e-10 if singular[0] > 0 else np.zeros(len(singular), bool)
    within = (activations - means[labels]) @ axes[kept].T
    nc1 = float(np.sum(within.var(axis=0) / (singular[kept] ** 2 / count)) / count) if kept.any() else np.nan
    norms = np.linalg.norm(centred, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (centred @ centred.T) / np.outer(norms, norms)
    pairs = cosines[np.triu_indices(count, 1)]
    return nc1, float(np.abs(pairs + 1 / (count - 1)).mean())
