"""What is reported about an effect besides its t interval: p values, a bootstrap interval, its size, and seeds needed.

None of it changes a verdict. The verdict follows from the t interval alone. SciPy's and statsmodels' modules are
imported where they are called, because whoever only reads the table of claims does not need them.
"""

import warnings

import numpy as np
import pandas as pd

from epochwise.findings.intervals import MIN_SEEDS

POWER = 0.8  # how likely the seeds needed decide a claim
MOST_SEEDS = 10_000  # more are reported as missing, because nobody trains so many
RESAMPLES = 9999  # SciPy's default
BOOTSTRAP_SEED = 0


def p_above(values: np.ndarray, margin: float) -> float:
    """One-sided p value of the t test that the mean of the values (n,) is not above the margin.

    The verdict is *reproduced* exactly if p < (1 − level) / 2. NaN for fewer than three values.
    """
    from scipy import stats

    if len(values) < MIN_SEEDS:
        return np.nan
    if np.ptp(values) == 0:
        return float(values[0] <= margin)
    return float(stats.ttest_1samp(values, margin, alternative="greater").pvalue)


def holm(p: pd.Series) -> pd.Series:
    """p values of one family, corrected for their number (Holm 1979). Missing ones stay missing and do not count."""
    from statsmodels.stats.multitest import multipletests

    corrected = p.copy()
    if p.notna().any():
        corrected[p.notna()] = multipletests(p[p.notna()], method="holm")[1]
    return corrected


def bootstrap_interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """Lower and upper end of the bias-corrected and accelerated bootstrap interval of the mean (Efron 1987).

    With few seeds it is too narrow: 95 % intervals of three, five and ten normal values contain the mean in about 71,
    85 and 90 % of all cases. NaN for fewer than three values.
    """
    from scipy import stats

    if len(values) < MIN_SEEDS:
        return np.nan, np.nan
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # then the ends are NaN, which says the same
        found = stats.bootstrap(
            (values,), np.mean, confidence_level=level, n_resamples=RESAMPLES, rng=np.random.default_rng(BOOTSTRAP_SEED)
        )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def effect_size(values: np.ndarray) -> float:
    """Mean over standard deviation of effects that are paired by seed (Cohen's d_z, 1988). NaN if all are equal."""
    if len(values) < MIN_SEEDS or np.ptp(values) == 0:
        return np.nan
    return float(values.mean() / values.std(ddof=1))


def seeds_needed(values: np.ndarray, margin: float, level: float) -> float:
    """How many seeds would decide the claim with probability 0.8 if mean and deviation stay as observed.

    An effect above the margin would be *reproduced*, one below 0 *contradicted*. NaN for an effect between 0 and the
    margin, which no number of seeds decides, for more than 10,000 seeds, and for fewer than three values.
    """
    from statsmodels.stats.power import TTestPower

    size = effect_size(values)
    if np.isnan(size):
        return np.nan
    deviation = values.std(ddof=1)
    distance = max(values.mean() - margin, -values.mean()) / deviation
    test = {"effect_size": distance, "alpha": (1 - level) / 2, "alternative": "larger"}
    if distance <= 0 or TTestPower().power(nobs=MOST_SEEDS, **test) < POWER:
        return np.nan
    if TTestPower().power(nobs=MIN_SEEDS, **test) >= POWER:
        return float(MIN_SEEDS)
    return float(np.ceil(np.squeeze(TTestPower().solve_power(power=POWER, **test))))
