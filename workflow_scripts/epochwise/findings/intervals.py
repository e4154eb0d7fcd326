"""Means and intervals over seeds."""

import numpy as np
import pandas as pd
from scipy import special

MIN_SEEDS = 3  # fewer values give no interval


def t_interval(values: np.ndarray, level: float) -> tuple[float, float, float, int]:
    """Mean, lower and upper end of the two-sided t interval, and n, of the values that are not NaN.

    Fewer than three values have no interval (NaN); none have no mean.
    """
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return np.nan, np.nan, np.nan, 0
    mean = values.mean()
    if n < MIN_SEEDS:
        return mean, np.nan, np.nan, n
    half = _half_width(values.std(ddof=1), n, level)
    return mean, mean - half, mean + half, n


def over_seeds(table: pd.DataFrame, keys: list[str], value: str, level: float) -> pd.DataFrame:
    """Columns `keys`, mean, low, high, n: `t_interval` of the column `value` in each group, groups in order of
    appearance."""
    groups = table.groupby(keys, sort=False, dropna=False)[value]
    summary = groups.agg(mean="mean", std="std", n="count").reset_index()
    n = summary["n"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        half = _half_width(summary.pop("std"), n, level)
    half[n < MIN_SEEDS] = np.nan
    return summary.assign(low=summary["mean"] - half, high=summary["mean"] + half)[[*keys, "mean", "low", "high", "n"]]


def _half_width(std: float | pd.Series, n: int | np.ndarray, level: float) -> float | pd.Series:
    """Half the width of the two-sided t interval of a mean of `n` values with sample deviation `std`."""
    return special.stdtrit(n - 1, (1 + level) / 2) * std / np.sqrt(n)
