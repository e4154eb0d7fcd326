"""The effect of each claim: one number per run, positive if the run shows what the claim says.

Where two epochs, two layers or two models are compared, they belong to the same seed, so that the interval over seeds
is paired. An effect that a run cannot have is missing (NaN): for example, recovery after the fit if the noise was never
fitted. Missing effects do not count in n.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from epochwise.analysis.phases import epoch_of_fall
from epochwise.analysis.separation import MEAN_OVER_CLASSES


@dataclass(frozen=True)
class RunEvidence:
    """What the claims about one run are judged on.

    `phases` holds its phases as {(curve, measure): value}. The others are its tables, without the keys of the
    run. `interventions` is None if no neuron was edited, and `measures` if there are no further measures.
    """

    phases: dict[tuple[str, str], float]
    separation: pd.DataFrame
    outliers: pd.DataFrame
    large_activation: pd.DataFrame
    test_paths: pd.DataFrame
    interventions: pd.DataFrame | None = None
    measures: pd.DataFrame | None = None


def second_descent(run: RunEvidence, curve: str) -> float:
    """The smaller of fall and cross-fitted recovery of a test curve: positive only if it gets worse and better again.

    Of the loss, too, a fall says that it gets worse.
    """
    return np.minimum(run.phases[curve, "fall"], run.phases[curve, "recovery_cross_fitted"])


def recovery(run: RunEvidence) -> float:
    """Cross-fitted recovery of test accuracy from its dip, see `epochwise.analysis.phases.cross_fitted_recovery`."""
    return run.phases["accuracy", "recovery_cross_fitted"]


def lack_of_recovery(run: RunEvidence) -> float:
    """Minus the cross-fitted recovery of test accuracy, so that a model that recovers less than another has more."""
    return -recovery(run)


def fit_margin(run: RunEvidence) -> float:
    """The smaller of the final accuracies of clean and of noisy data, minus the level of fitted data."""
    return run.phases["accuracy", "fit_margin"]


def shortfall(run: RunEvidence) -> float:
    """First peak of test accuracy minus its end."""
    return -run.phases["accuracy", "surplus"]


def recovery_if_fitted(run: RunEvidence, curve: str) -> float:
    """Cross-fitted recovery of a test curve from its dip; missing if the noise was never fitted."""
    return run.phases[curve, "recovery_cross_fitted"] if _is_fitted(run) else np.nan


def surplus_if_fitted(run: RunEvidence, curve: str) -> float:
    """End of a test curve minus its first peak; missing if the noise was never fitted."""
    return run.phases[curve, "surplus"] if _is_fitted(run) else np.nan


def after_fit(run: RunEvidence, curve: str) -> float:
    """Improvement of a test curve from the epoch at which the noise is fitted to the end.

    Training data alone choose this epoch, so no minimum of the test curve is chosen, which would bias the effect.
    """
    return run.phases[curve, "after_fit"]


def noisy_after_clean(run: RunEvidence) -> float:
    """Octaves of epochs between learning clean and noisy data: 1 says that noisy data took twice as long.

    Noisy data that are not learned by the end count as learned then, which gives a lower bound.
    """
    if run.separation["value"].isna().all():  # there are no noisy data
        return np.nan
    clean, noisy = run.phases["accuracy", "clean_epoch"], run.phases["accuracy", "noisy_epoch"]
    noisy = run.phases["accuracy", "last_epoch"] if np.isnan(noisy) else noisy
    return np.log2(max(noisy, 1) / max(clean, 1))


def separation_by_depth(run: RunEvidence, measure: str) -> float:
    """Cosine (by true label) of the first hidden layer minus that of the last, at the end of training."""
    by_layer = _cosines(run, measure).iloc[-1]
    return by_layer.iloc[0] - by_layer.iloc[-1] if len(by_layer) > 1 else np.nan


def separation_by_epoch(run: RunEvidence, measure: str) -> float:
    """Cosine (by true label) of the last hidden layer in the untrained network minus that at the end."""
    last_layer = _cosines(run, measure).iloc[:, -1]
    return last_layer.iloc[0] - last_layer.iloc[-1]


def separation_begins_with_noisy_loss(run: RunEvidence) -> float:
    """1 minus the octaves between two epochs: the separation of the last layer and the fall of the loss have begun.

    Each has begun when the curve has made a tenth of its fall from its maximum: the cosine by true label, and the
    trained loss of noisy data on their given labels. Cosines are known at snapshots only, so the effect is limited by
    the distance between them.
    """
    cosine_epoch = epoch_of_fall(_cosines(run, "cosine").iloc[:, -1])
    return 1 - np.abs(np.log2(np.maximum(cosine_epoch, 1) / np.maximum(run.phases["loss", "noisy_fall_epoch"], 1)))


def correct_with_clean(run: RunEvidence) -> float:
    """How much more correctly predicted test data run with clean than with noisy training data of their class.

    The difference of cosines of mean activations in the last hidden layer at the end, see
    `epochwise.activations.paths`.
    """
    return _paths(run, "correct", "clean") - _paths(run, "correct", "noisy")


def wrong_with_noisy(run: RunEvidence) -> float:
    """How much more wrongly predicted test data run with noisy than with clean training data of their class."""
    return _paths(run, "wrong", "noisy") - _paths(run, "wrong", "clean")


def both_paths(run: RunEvidence) -> float:
    """The smaller of `correct_with_clean` and `wrong_with_noisy`: positive only if both paths are seen."""
    return np.minimum(correct_with_clean(run), wrong_with_noisy(run))


def above_null(run: RunEvidence, measure: str) -> float:
    """A measure of the last hidden layer at the end, minus the mean of its null: the same with permuted labels."""
    table = at_last_epoch(run.measures)
    [row] = table[(table["measure"] == measure) & (table["layer"] == table["layer"].max())].to_dict("records") or [{}]
    return row.get("value", np.nan) - row.get("null_mean", np.nan)


def rises_with_depth(run: RunEvidence, measure: str) -> float:
    """A measure of the last hidden layer minus that of the first, at the end."""
    table = at_last_epoch(run.measures)
    by_layer = table[table["measure"] == measure].sort_values("layer")["value"]
    return by_layer.iloc[-1] - by_layer.iloc[0] if len(by_layer) > 1 else np.nan


def _is_fitted(run: RunEvidence) -> bool:
    return not np.isnan(run.phases["accuracy", "fit_epoch"])


def at_last_epoch(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last epoch."""
    return table[table["epoch"] == table["epoch"].max()]


def _cosines(run: RunEvidence, measure: str) -> pd.DataFrame:
    """A measure of separation by epoch (rows) and layer (columns): mean over classes, by true label."""
    table = run.separation
    of_mean = (table["grouping"] == "true") & (table["class"] == MEAN_OVER_CLASSES) & (table["measure"] == measure)
    return table[of_mean].pivot(index="epoch", columns="layer", values="value")


def _paths(run: RunEvidence, predictions: str, reference: str) -> float:
    """Cosine of these test data with these training data: mean over classes, last hidden layer, end."""
    table = at_last_epoch(run.test_paths)
    chosen = (table["predictions"] == predictions) & (table["reference"] == reference) & (table["measure"] == "cosine")
    table = table[chosen & (table["class"] == MEAN_OVER_CLASSES) & (table["layer"] == table["layer"].max())]
    return table["value"].item()
