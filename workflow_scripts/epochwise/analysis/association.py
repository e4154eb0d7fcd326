"""Statistics of association between numbers, or between numbers and classes, column by column."""

import warnings

import numpy as np

from epochwise.workflow.errors import InputError


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation (T,) of the columns of `a` (N, T) with those of `b` (N, T) or (N, 1), from −1 to 1.

    Missing if one of the columns is constant.
    """
    from scipy import stats

    b = np.broadcast_to(b, a.shape)
    varies = (np.ptp(a, axis=0) > 0) & (np.ptp(b, axis=0) > 0)
    found = np.full(a.shape[1], np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.NearConstantInputWarning)
        found[varies] = stats.pearsonr(a[:, varies], b[:, varies], axis=0).statistic
    return found


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
