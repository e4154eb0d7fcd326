"""Statistics of association between numbers, or between numbers and classes, column by column."""

import numpy as np

from epochwise.workflow.errors import InputError


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation of the columns of `a` (N, T) with those of `b` (N, T) or (N, 1); NaN if one is constant."""
    constant = (np.ptp(a, axis=0) == 0) | (np.ptp(b, axis=0) == 0)
    a, b = a - a.mean(0), b - b.mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(constant, np.nan, (a * b).sum(0) / np.sqrt((a**2).sum(0) * (b**2).sum(0)))


def correlation_ratio(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """η² of each column of `values` (N, T) by `classes` (N, T): variance between classes over variance; NaN if
    constant."""
    ratios = np.full(values.shape[1], np.nan)
    for column, (value, label) in enumerate(zip(values.T, classes.T, strict=True)):
        if np.ptp(value) == 0:
            continue
        centred = value - value.mean()
        counts = np.bincount(label)
        sums = np.bincount(label, centred)
        present = counts > 0
        ratios[column] = (sums[present] ** 2 / counts[present]).sum() / (centred @ centred)
    return ratios


def auc(ranks: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of scores with these mid-`ranks` (N, T) for `positive` (N,); NaN without both kinds.

    The Mann–Whitney statistic over the number of pairs (Hanley & McNeil 1982).
    """
    n = int(positive.sum())
    pairs = n * (len(positive) - n)
    if pairs == 0:
        return np.full(ranks.shape[1], np.nan)
    return (ranks[positive].sum(0) - n * (n + 1) / 2) / pairs


def ridge_r2(components: np.ndarray, targets: np.ndarray, folds: int, ridge: float) -> np.ndarray:
    """R² (T,) of `targets` (N, T), predicted out of fold by ridge regression on `components` (N, C).

    Raises InputError if there are fewer samples than folds.
    """
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold, cross_val_predict

    if folds > len(components):
        raise InputError(f"outliers.folds: {folds} is more than the {len(components)} samples; give a smaller number.")
    split = KFold(folds, shuffle=True, random_state=0)
    predicted = cross_val_predict(Ridge(ridge), components, targets, cv=split)
    return r2_score(targets, predicted, multioutput="raw_values")
