"""How well a score separates two kinds of samples."""

import numpy as np


def auc(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the probability that a positive sample (N,) has the larger score (N,), ties half.

    0.5 by chance, 1 at best. Missing if all or no samples are positive.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, score)) if 0 < positive.sum() < len(positive) else np.nan
