"""The three phases of a run, read off its learning curves.

Phase 1 ends at the peak P of test performance, phase 2 at the dip D (or when the noise is fitted, F), phase 3 is the
recovery. "No such phase" is a legal answer: its epochs are missing.
"""

import numpy as np
import pandas as pd


def smooth(curve: pd.Series, radius: int) -> pd.Series:
    """Moving average over each evaluation and `radius` more on either side, as far as there are any."""
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


def first_epoch(curve: pd.Series, level: float) -> float:
    """First epoch (index) at which `curve` reaches `level`; NaN if it never does."""
    reached = curve.index[curve >= level]
    return float(reached[0]) if len(reached) else np.nan


def phases(history: pd.DataFrame, fitted: float, learned: float, smoothing: int, min_dip: float) -> pd.DataFrame:
    """Quantities of one run: columns metric, quantity, value (missing: NaN).

    For `accuracy` and, with its sign turned so that more is better, for `loss` of the test data: `peak_epoch`, `peak`
    (at P), `dip_epoch`, `dip` (at D), `final`, `fall` = peak − dip, `recovery` = final − dip, `surplus` = final − peak
    (positive: *strong* re-generalization), `after_fit` = final − value at F. Falls below `min_dip` are no dip: dip and
    its epoch are missing, fall and recovery are 0. For accuracy also `fit_epoch` F (noisy data reach `fitted` on their
    given labels), `clean_epoch` and `noisy_epoch` (each subset reaches `learned`), `last_epoch`.
    """
    curves = {
        metric: history.pivot(index="epoch", columns="subset", values=metric).astype(float)
        for metric in ("accuracy", "loss")
    }
    fit = first_epoch(curves["accuracy"]["noisy_given"], fitted)
    rows = []
    for metric, sign in (("accuracy", 1), ("loss", -1)):
        curve = smooth(curves[metric]["test"], smoothing)
        p, d = peak_and_dip(sign * curve.to_numpy())
        fall = sign * (curve.iloc[p] - curve.iloc[d])
        has_dip = d > p and fall >= min_dip
        if not has_dip:
            p = int(np.argmax(sign * curve.to_numpy()))
        final = curve.iloc[-1]
        quantities = {
            "peak_epoch": curve.index[p],
            "peak": curve.iloc[p],
            "dip_epoch": curve.index[d] if has_dip else np.nan,
            "dip": curve.iloc[d] if has_dip else np.nan,
            "final": final,
            "fall": fall if has_dip else 0.0,
            "recovery": sign * (final - curve.iloc[d]) if has_dip else 0.0,
            "surplus": sign * (final - curve.iloc[p]),
            "after_fit": np.nan if np.isnan(fit) else sign * (final - curve.loc[fit]),
        }
        rows += [{"metric": metric, "quantity": name, "value": float(value)} for name, value in quantities.items()]
    epochs = {
        "fit_epoch": fit,
        "clean_epoch": first_epoch(curves["accuracy"]["clean"], learned),
        "noisy_epoch": first_epoch(curves["accuracy"]["noisy_given"], learned),
        "last_epoch": float(history["epoch"].max()),
    }
    rows += [{"metric": "accuracy", "quantity": name, "value": value} for name, value in epochs.items()]
    return pd.DataFrame(rows)
