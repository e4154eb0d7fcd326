"""The effect of each claim: one number per run, positive if the run shows what the claim says.

Where two epochs, two layers or two models are compared, they belong to the same seed, so that the interval over seeds
is paired. An effect that a run cannot have is missing (NaN): for example, recovery after the fit if the noise was never
fitted. Missing effects do not count in n.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from epochwise.analysis.separation import MEAN_OVER_CLASSES


@dataclass(frozen=True)
class Run:
    """What was measured on one run.

    `phases` holds its quantities as {(metric, quantity): value}. `separation`, `outliers` and `large_activation` are
    its tables, without the keys of the run.
    """

    phases: dict[tuple[str, str], float]
    separation: pd.DataFrame
    outliers: pd.DataFrame
    large_activation: pd.DataFrame


def double_descent(run: Run) -> float:
    """The smaller of fall and recovery of test accuracy: positive only if it falls and rises again."""
    return min(run.phases["accuracy", "fall"], run.phases["accuracy", "recovery"])


def recovery(run: Run) -> float:
    """Recovery of test accuracy from its dip; 0 if there is no dip."""
    return run.phases["accuracy", "recovery"]


def recovery_if_fitted(run: Run, metric: str) -> float:
    """Recovery of a test metric from its dip; missing if the noise was never fitted."""
    return run.phases[metric, "recovery"] if _is_fitted(run) else np.nan


def surplus_if_fitted(run: Run, metric: str) -> float:
    """End of a test metric minus its first peak; missing if the noise was never fitted."""
    return run.phases[metric, "surplus"] if _is_fitted(run) else np.nan


def after_fit(run: Run, metric: str) -> float:
    """Improvement of a test metric from the epoch at which the noise is fitted to the end.

    Training data alone choose this epoch, so no minimum of the test curve is chosen, which would bias the effect.
    """
    return run.phases[metric, "after_fit"]


def noisy_after_clean(run: Run) -> float:
    """Octaves of epochs between learning clean and noisy data: 1 says that noisy data took twice as long.

    Noisy data that are not learned by the end count as learned then, which gives a lower bound.
    """
    if run.separation["value"].isna().all():  # there are no noisy data
        return np.nan
    clean, noisy = run.phases["accuracy", "clean_epoch"], run.phases["accuracy", "noisy_epoch"]
    noisy = run.phases["accuracy", "last_epoch"] if np.isnan(noisy) else noisy
    return np.log2(max(noisy, 1) / max(clean, 1))


def separation_by_depth(run: Run, measure: str) -> float:
    """Cosine (by true label) of the first hidden layer minus that of the last, at the end of training."""
    by_layer = _cosines(run, measure).iloc[-1]
    return by_layer.iloc[0] - by_layer.iloc[-1] if len(by_layer) > 1 else np.nan


def separation_by_epoch(run: Run, measure: str) -> float:
    """Cosine (by true label) of the last hidden layer in the untrained network minus that at the end."""
    last_layer = _cosines(run, measure).iloc[:, -1]
    return last_layer.iloc[0] - last_layer.iloc[-1]


def single(run: Run) -> float:
    """Octaves between the largest and the second largest peak at the end, in the shallow layer that stands out."""
    row = _layer_that_stands_out(run)
    return np.log2(row["peak"] / row["runner_up"])


def shallow(run: Run) -> float:
    """Octaves between shallow and deep layers, of the largest peak over the median positive activation, at the end."""
    final = _final(run.outliers)
    prominence = final.groupby("shallow")["peak_over_median_active"].max()
    return np.log2(prominence.get(True, np.nan) / prominence.get(False, np.nan))


def evolves(run: Run) -> float:
    """Octaves between dip and end, of the peak over the median positive activation in the layer that stands out."""
    dip = run.phases["accuracy", "dip_epoch"]
    if np.isnan(dip):
        return np.nan
    by_epoch = run.outliers[run.outliers["stands_out"]].set_index("epoch")["peak_over_median_active"]
    at_dip = np.argmin(np.abs(np.log(by_epoch.index + 1) - np.log(dip + 1)))
    return np.log2(by_epoch.iloc[-1] / by_epoch.iloc[at_dip])


def follows_input(run: Run) -> float:
    """Explained variance of the large activation: R² from the input's components minus the most by an output.

    An output explains η² as a class label, and Spearman's ρ² as winning probability or loss.
    """
    table = _final(run.large_activation)
    table = table[table["layer"] == _layer_that_stands_out(run)["layer"]]
    outputs = table[table["side"] == "output"]
    by_class = outputs[outputs["statistic"] == "eta2"]["value"]
    by_score = outputs[outputs["statistic"] == "spearman"]["value"] ** 2
    return table[table["statistic"] == "r2"]["value"].max() - pd.concat([by_class, by_score]).max()


def _is_fitted(run: Run) -> bool:
    return not np.isnan(run.phases["accuracy", "fit_epoch"])


def _final(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["epoch"] == table["epoch"].max()]


def _layer_that_stands_out(run: Run) -> pd.Series:
    final = _final(run.outliers)
    return final[final["stands_out"]].iloc[0]


def _cosines(run: Run, measure: str) -> pd.DataFrame:
    """A measure of separation by epoch (rows) and layer (columns): mean over classes, by true label."""
    table = run.separation
    of_mean = (table["grouping"] == "true") & (table["class"] == MEAN_OVER_CLASSES) & (table["measure"] == measure)
    return table[of_mean].pivot(index="epoch", columns="layer", values="value")
