"""The effect of each claim: one number per run, positive if the run shows what the claim says.

Where two epochs, two layers or two models are compared, they belong to the same seed, so that the interval over seeds
is paired. An effect that a run cannot have is missing (NaN): for example, recovery after the fit if the noise was never
fitted. Missing effects do not count in n.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from epochwise.analysis.outliers import layers_that_stand_out
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
    interventions: pd.DataFrame | None = None
    measures: pd.DataFrame | None = None


def double_descent(run: RunEvidence) -> float:
    """The smaller of fall and cross-fitted recovery of test accuracy: positive only if it falls and rises again."""
    return np.minimum(run.phases["accuracy", "fall"], recovery(run))


def recovery(run: RunEvidence) -> float:
    """Cross-fitted recovery of test accuracy from its dip, see `epochwise.analysis.phases.cross_fitted_recovery`."""
    return run.phases["accuracy", "recovery_cross_fitted"]


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


def single(run: RunEvidence) -> float:
    """Octaves between the largest and the second largest activation at the end, in the layer that stands out."""
    row = layers_that_stand_out(run.outliers).iloc[-1]
    return np.log2(row["largest_activation"] / row["second_largest_activation"])


def shallow(run: RunEvidence) -> float:
    """Depth of the middle of the network minus that of the layer that stands out at the end; positive if it is shallow.

    Depth is the number of a layer over the number L of layers, so the middle is at (L + 1) / 2L.
    """
    layers = run.outliers["layer"].max()
    return (layers + 1) / (2 * layers) - layers_that_stand_out(run.outliers)["depth"].iloc[-1]


def grows_over_runner_up(run: RunEvidence) -> float:
    """Growth between dip and end of the largest over the second largest activation, in octaves."""
    at_dip, at_end = _at_dip_and_end(run)
    at_dip, at_end = (row["largest_activation"] / row["second_largest_activation"] for row in (at_dip, at_end))
    return np.log2(at_end) - np.log2(at_dip)


def grows_over_median(run: RunEvidence) -> float:
    """Growth between dip and end of the largest over the median positive activation, in octaves."""
    at_dip, at_end = _at_dip_and_end(run)
    return np.log2(at_end["largest_over_median_active"] / at_dip["largest_over_median_active"])


def grows_in_share(run: RunEvidence) -> float:
    """Growth between dip and end of the share of samples on which the large neuron is the largest of its layer."""
    at_dip, at_end = _at_dip_and_end(run)
    return at_end["argmax_share"] - at_dip["argmax_share"]


def follows_input(run: RunEvidence) -> float:
    """Explained variance of the large activation: R² from the input's components minus the most by an output.

    An output explains η² as a class label, and Spearman's ρ² as winning probability or loss.
    """
    table = _final(run.large_activation)
    table = table[table["layer"] == layers_that_stand_out(run.outliers)["layer"].iloc[-1]]
    outputs = table[table["side"] == "output"]
    by_class = outputs[outputs["measure"] == "eta2"]["value"]
    by_score = outputs[outputs["measure"] == "spearman"]["value"] ** 2
    return table[table["measure"] == "r2"]["value"].max() - pd.concat([by_class, by_score]).max()


def needed_at_end(run: RunEvidence, edit: str) -> float:
    """Test accuracy that an edit of the large neuron costs at the end, minus the mean that it costs of the controls.

    The controls are the neurons of its layer nearest in contribution, see `epochwise.activations.edits.targets`.
    """
    change = _changes_of_test_accuracy(run, edit)
    change = change[change.index == change.index.max()]
    controls = change.filter(regex="^matched_").mean(axis=1)
    return (controls - change["large"]).iloc[0]


def needed_for_recovery(run: RunEvidence, edit: str) -> float:
    """How much less test accuracy rises from dip to end if the large neuron is edited at both."""
    change = _changes_of_test_accuracy(run, edit)["large"]
    dip = run.phases["accuracy", "dip_epoch"]
    if np.isnan(dip):
        return np.nan
    epochs = change.index.to_numpy(float)
    nearest = change.index[np.argmin(np.abs(np.log(epochs + 1) - np.log(dip + 1)))]
    return change.loc[nearest] - change.loc[change.index.max()]


def above_null(run: RunEvidence, measure: str) -> float:
    """A measure of the last hidden layer at the end, minus the mean of its null: the same with permuted labels."""
    table = _final(run.measures)
    [row] = table[(table["measure"] == measure) & (table["layer"] == table["layer"].max())].to_dict("records") or [{}]
    return row.get("value", np.nan) - row.get("null_mean", np.nan)


def rises_with_depth(run: RunEvidence, measure: str) -> float:
    """A measure of the last hidden layer minus that of the first, at the end."""
    table = _final(run.measures)
    by_layer = table[table["measure"] == measure].sort_values("layer")["value"]
    return by_layer.iloc[-1] - by_layer.iloc[0] if len(by_layer) > 1 else np.nan


def _changes_of_test_accuracy(run: RunEvidence, edit: str) -> pd.DataFrame:
    """What an edit changes, by epoch (rows) and edited neuron (columns)."""
    table = run.interventions
    table = table[(table["edit"] == edit) & (table["subset"] == "test")]
    return table.pivot(index="epoch", columns="target", values="accuracy_change")


def _is_fitted(run: RunEvidence) -> bool:
    return not np.isnan(run.phases["accuracy", "fit_epoch"])


def _final(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["epoch"] == table["epoch"].max()]


def _at_dip_and_end(run: RunEvidence) -> tuple[pd.Series, pd.Series]:
    """The rows of the layers that stand out in the snapshot nearest to the dip and in the last one.

    Each layer is chosen at its own epoch in the same way, because a layer chosen at the end and read at the dip would
    seem to have grown. Without a dip the first row is empty.
    """
    rows = layers_that_stand_out(run.outliers)
    dip = run.phases["accuracy", "dip_epoch"]
    distance = (np.log(rows["epoch"] + 1) - np.log(dip + 1)).abs()
    at_end = rows.iloc[-1]
    return (at_end * np.nan if np.isnan(dip) else rows.loc[distance.idxmin()]), at_end


def _cosines(run: RunEvidence, measure: str) -> pd.DataFrame:
    """A measure of separation by epoch (rows) and layer (columns): mean over classes, by true label."""
    table = run.separation
    of_mean = (table["grouping"] == "true") & (table["class"] == MEAN_OVER_CLASSES) & (table["measure"] == measure)
    return table[of_mean].pivot(index="epoch", columns="layer", values="value")
