"""Linear probes: what a linear classifier reads from a layer (Alain & Bengio 2017).

The probe is ridge regression on ±1 targets, cross-validated. Its predictions for all permutations come from one
factorization, which logistic regression would not allow. The penalty is `ridge` times the mean variance of a neuron
times the number of samples, so it does not depend on the scale of the activations.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from epochwise.activations.auc import auc
from epochwise.activations.layer import Layer

MEASURES = {
    "probe_noisy": "AUC of a linear probe that separates noisy from clean samples: 0.5 is chance, 1 is perfect",
    "probe_true": "share of noisy samples whose true label a linear probe for true labels finds, 0 to 1",
    "probe_given": "share of noisy samples whose given label a linear probe for given labels finds, 0 to 1",
}


def values(layer: Layer, settings: Mapping) -> dict[str, np.ndarray]:
    """The three measures. All are computed on samples that the probe was not fitted to (`folds` folds)."""
    rows, samples = layer.given.shape
    noisy, classes = layer.noisy, np.arange(layer.classes)
    noisy_targets = np.where(noisy.T, 1.0, -1.0)  # (N, 1 + P)
    true_targets = np.where(layer.true[:, None] == classes, 1.0, -1.0)  # (N, K)
    given_targets = np.where(layer.given[:, :, None] == classes, 1.0, -1.0)  # (1 + P, N, K)
    targets = np.hstack([noisy_targets, true_targets, given_targets.transpose(1, 0, 2).reshape(samples, -1)])
    predicted = np.empty_like(targets)
    for fitted, left_out in _folds(samples, settings):
        predicted[left_out] = _ridge(layer.activations, fitted, left_out, targets, settings["ridge"])
    score, true_scores, given_scores = np.split(predicted, [rows, rows + layer.classes], axis=1)
    found_true = true_scores.argmax(1) == layer.true
    found_given = layer.given == given_scores.reshape(samples, rows, -1).argmax(2).T
    return {
        "probe_noisy": np.array([auc(score[:, row], noisy[row]) for row in range(rows)]),
        "probe_true": _share(np.tile(found_true, (rows, 1)), noisy),
        "probe_given": _share(found_given, noisy),
    }


def _folds(samples: int, settings: Mapping) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Samples to fit to, and samples to predict, of each fold."""
    from sklearn.model_selection import KFold

    return KFold(settings["folds"], shuffle=True, random_state=settings["seed"]).split(np.empty(samples))


def _ridge(
    activations: np.ndarray, fitted: np.ndarray, left_out: np.ndarray, targets: np.ndarray, ridge: float
) -> np.ndarray:
    """Predictions of a ridge regression with intercept for the samples `left_out`, of all targets (N, T)."""
    from sklearn.linear_model import Ridge

    inputs = activations[fitted]
    alpha = ridge * len(fitted) * max(inputs.var(axis=0).mean(), np.finfo(float).tiny)
    model = Ridge(alpha, solver="cholesky").fit(inputs, targets[fitted])
    return model.predict(activations[left_out])


def _share(found: np.ndarray, noisy: np.ndarray) -> np.ndarray:
    """Share of the noisy samples that are found, row by row; missing without noisy samples."""
    counts = noisy.sum(1)
    return np.where(counts > 0, (found & noisy).sum(1) / np.maximum(counts, 1), np.nan)
