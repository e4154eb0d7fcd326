"""The three phases of a run, read from its learning curves.

Phase 1 ends at the peak P of test performance. Phase 2 ends at the dip D, or when the noise is fitted, at F. Phase 3 is
the recovery after that. A run may lack a phase: then its epochs are missing.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from epochwise.analysis.runs import NETWORK, RUN, by_group

FALL_SHARE = 0.1  # a curve has begun to fall when it has made this share of its fall


def smooth(curve: pd.Series, radius: int) -> pd.Series:
    """Moving average over each evaluation and up to `radius` evaluations on either side of it."""
    return curve.rolling(2 * radius + 1, center=True, min_periods=1).mean()


def peak_and_dip(performance: np.ndarray) -> tuple[int, int]:
    """Positions of peak P and dip D: the largest fall of a curve from a value to a later one.

    P is the first maximum before D, and D the minimum after P. A curve that never falls has P = D = its first maximum.
    """
    fall = np.maximum.accumulate(performance) - performance
    if fall.max() <= 0:
        first = int(np.argmax(performance))
        return first, first
    dip = int(np.argmax(fall))
    return int(np.argmax(performance[: dip + 1])), dip


def turning_points(performance: np.ndarray, min_dip: float) -> tuple[int, int | None]:
    """Positions of peak P and dip D. If no fall is at least `min_dip`, P is the first maximum and there is no dip."""
    peak, dip = peak_and_dip(performance)
    if dip == peak or performance[peak] - performance[dip] < min_dip:
        return int(np.argmax(performance)), None
    return peak, dip


def first_epoch(curve: pd.Series, level: float) -> float:
    """First epoch (index) at which `curve` reaches `level`; NaN if it never does."""
    reached = curve.index[curve >= level]
    return float(reached[0]) if len(reached) else np.nan


def lasting_epoch(curve: pd.Series, level: float) -> float:
    """First epoch (index) from which `curve` stays at `level` or above to the end, except for single evaluations.

    A single evaluation below the level does not count, because a spike of the loss is not a new phase. Two adjacent
    ones do: the epoch is then later than both. NaN if there is no such epoch.

    >>> lasting_epoch(pd.Series([0.5, 1.0, 0.5, 1.0, 1.0], index=[1, 2, 4, 8, 16]), 0.99)
    2.0
    >>> lasting_epoch(pd.Series([1.0, 0.5, 0.5, 1.0, 1.0], index=[1, 2, 4, 8, 16]), 0.99)
    8.0
    """
    low = ~(curve >= level).to_numpy()  # a missing value is low
    adjacent = np.flatnonzero(low[:-1] & low[1:])
    start = adjacent[-1] + 2 if len(adjacent) else 0
    reached = curve.index[start:][~low[start:]]
    return float(reached[0]) if len(reached) else np.nan


def epoch_of_fall(curve: pd.Series, share: float = FALL_SHARE) -> float:
    """First epoch (index), from the maximum of `curve` on, at which it has made `share` of its fall from there to its
    lowest later value. NaN for a curve without values, or if it does not fall.

    >>> epoch_of_fall(pd.Series([2.0, 4.0, 3.9, 3.5, 0.0], index=[0, 1, 2, 4, 8]))
    4.0
    """
    curve = curve.dropna()
    if curve.empty:
        return np.nan
    after = curve.loc[curve.idxmax() :]
    fallen = after.iloc[0] - after
    if fallen.max() <= 0:
        return np.nan
    return float(after.index[fallen >= share * fallen.max()][0])


def phases(history: pd.DataFrame, *, fitted: float, learned: float, smoothing: int, min_dip: float) -> pd.DataFrame:
    """Epochs and sizes of the phases of one run: columns curve (accuracy, loss), measure, value (NaN if missing).

    For both curves of the test data, see `_of_test`: `peak_epoch`, `peak`, `dip_epoch`, `dip`, `final`, `fall`,
    `recovery`, `surplus` and `after_fit`. For accuracy also these epochs:

    - `fit_epoch` F: from here on noisy data keep an accuracy of `fitted` on their given labels, see `lasting_epoch`.
    - `clean_epoch`, `noisy_epoch`: clean and noisy data first reach the accuracy `learned` on their given labels.
    - `last_epoch`: the last evaluation.
    - `fit_margin`, which is no epoch: the smaller of the final accuracies of clean and of noisy data on their given
      labels, minus `fitted`. Without noisy data it is that of clean data.

    For the loss also `noisy_fall_epoch`: the trained loss of noisy data on their given labels has made a tenth of its
    fall from its maximum, see `epoch_of_fall`. The test loss is the trained loss, too: the column `loss` of HISTORY.

    Args:
        history: the table HISTORY of the run.
        fitted: accuracy of fitted noise, 0 to 1.
        learned: accuracy of learned data, 0 to 1.
        smoothing: evaluations on either side in the moving average of the test curve.
        min_dip: a smaller fall of the test curve is no dip.
    """
    accuracy, loss = (
        history.pivot(index="epoch", columns="subset", values=curve).astype(float) for curve in ("accuracy", "loss")
    )
    fit = lasting_epoch(accuracy["noisy_given"], fitted)
    measures = {
        "accuracy": _of_test(smooth(accuracy["test"], smoothing), 1, fit, min_dip)
        | {
            "fit_epoch": fit,
            "clean_epoch": first_epoch(accuracy["clean"], learned),
            "noisy_epoch": first_epoch(accuracy["noisy_given"], learned),
            "last_epoch": history["epoch"].max(),
            "fit_margin": accuracy[["clean", "noisy_given"]].iloc[-1].min() - fitted,
        },
        "loss": _of_test(smooth(loss["test"], smoothing), -1, fit, min_dip)
        | {"noisy_fall_epoch": epoch_of_fall(loss["noisy_given"])},
    }
    rows = [(curve, name, float(value)) for curve, of in measures.items() for name, value in of.items()]
    return pd.DataFrame(rows, columns=["curve", "measure", "value"])


def _of_test(curve: pd.Series, sign: int, fit: float, min_dip: float) -> dict[str, float]:
    """What is read from one smoothed test curve. `sign` is −1 if a lower value is better; differences are positive if
    the curve gets better.

    `peak` is the value at P, `dip` at D, `final` at the end. `fall` = peak − dip, `recovery` = final − dip, `surplus`
    = final − peak (positive: *strong* re-generalization), `after_fit` = final − value at F. Without a dip, the dip and
    its epoch are missing, and fall and recovery are 0.
    """
    p, d = turning_points(sign * curve.to_numpy(), min_dip)
    peak, final = curve.iloc[p], curve.iloc[-1]
    dip = np.nan if d is None else curve.iloc[d]
    return {
        "peak_epoch": curve.index[p],
        "peak": peak,
        "dip_epoch": np.nan if d is None else curve.index[d],
        "dip": dip,
        "final": final,
        "fall": 0.0 if d is None else sign * (peak - dip),
        "recovery": 0.0 if d is None else sign * (final - dip),
        "surplus": sign * (final - peak),
        "after_fit": np.nan if np.isnan(fit) else sign * (final - curve.loc[fit]),
    }


def cross_fitted_recovery(
    curves_a: pd.DataFrame, curves_b: pd.DataFrame, *, smoothing: int, min_dip: float
) -> pd.Series:
    """Recovery of test performance from a dip that other seeds chose on other test samples, seed by seed.

    The plain recovery is too large on average: it chooses the minimum of the curve that it reads, so fluctuations of
    training and of the test sample count as a dip. Here the dip D is chosen on the mean curve of the *other* seeds on
    one half of the test set. The recovery, final value minus value at D, is read from this seed's curve on the other
    half. Both ways are averaged. Without a recovery its expectation is 0. If seeds have their dips at different epochs,
    it is smaller than the true recovery. Cross-fitting is due to Chernozhukov et al. (2018).

    If the other seeds show no dip of at least `min_dip`, the recovery is 0. With fewer than two other seeds it is
    missing.

    Args:
        curves_a: performance on one half of the test set, by epoch (rows) and seed (columns), of one noise and model.
            Higher is better: accuracy, or the loss with its sign reversed.
        curves_b: the same on the other half.
        smoothing: evaluations on either side in the moving average of each curve.
        min_dip: a smaller fall is no dip.
    """
    recoveries = {}
    for seed in curves_a:
        if curves_a.shape[1] < 3:
            recoveries[seed] = np.nan
            continue
        halves = []
        for chosen_on, read_from in ((curves_a, curves_b), (curves_b, curves_a)):
            others = smooth(chosen_on.drop(columns=seed).mean(axis=1), smoothing)
            _, dip = turning_points(others.to_numpy(), min_dip)
            curve = smooth(read_from[seed], smoothing)
            halves.append(0.0 if dip is None else curve.iloc[-1] - curve.iloc[dip])
        recoveries[seed] = float(np.mean(halves))
    return pd.Series(recoveries)


def phases_of_runs(history: pd.DataFrame, settings: Mapping) -> pd.DataFrame:
    """`phases` of every run, as the summary table `phases_by_seed`.

    If `history`, the table HISTORY of all runs with noise, model and seed, scores the two halves of the test set, there
    is also the measure `recovery_cross_fitted`. `settings` are the keyword arguments of `phases`.
    """
    table = by_group(history, RUN, lambda run: phases(run, **settings))
    if not {"test_a", "test_b"} <= set(history["subset"]):
        return table
    recoveries = by_group(history, NETWORK, lambda runs: _cross_fitted(runs, settings))
    return pd.concat([table, recoveries], ignore_index=True)


def _cross_fitted(history: pd.DataFrame, settings: Mapping) -> pd.DataFrame:
    """`cross_fitted_recovery` of all seeds of one noise and model, for both curves."""
    parts = []
    for curve, sign in (("accuracy", 1), ("loss", -1)):
        curves = sign * history.pivot(index="epoch", columns=["subset", "seed"], values=curve).astype(float)
        recovery = cross_fitted_recovery(
            curves["test_a"], curves["test_b"], smoothing=settings["smoothing"], min_dip=settings["min_dip"]
        )
        table = recovery.rename_axis("seed").rename("value").reset_index()
        parts.append(table.assign(curve=curve, measure="recovery_cross_fitted"))
    return pd.concat(parts)
