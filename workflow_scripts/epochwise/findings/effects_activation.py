"""The effects of the claims about the large activation, see `epochwise.findings.effects`."""

import numpy as np
import pandas as pd

from epochwise.analysis.outliers import layers_that_stand_out
from epochwise.findings.effects import RunEvidence, at_last_epoch

FIRST_LAYERS = 3  # the paper's large activation is in one of the first three hidden layers


def is_large(run: RunEvidence) -> bool:
    """Whether the ratio of a followed neuron is above the threshold at the end, in any layer."""
    return bool((at_last_epoch(run.outliers)["ratio_over_threshold"] > 1).any())


def is_large_in_first_layers(run: RunEvidence) -> bool:
    """Whether the ratio of a followed neuron is above the threshold at the end, in one of the first three layers."""
    return bool(_largest_ratio(_first_layers(run)).iloc[-1] > 1)


def ratio_above_threshold(run: RunEvidence) -> float:
    """Octaves by which the largest ratio of the first three layers is above the threshold at the end.

    The ratio is that of equation 5 of the paper, `followed_rms_ratio` in `epochwise.analysis.outliers`.
    """
    return np.log2(_largest_ratio(_first_layers(run)).iloc[-1])


def grows_over_last_tenfold(run: RunEvidence) -> float:
    """Octaves by which the largest ratio of the first three layers grows over the last tenfold of epochs.

    At each of the two epochs it is the largest ratio of that epoch, because a layer chosen at the end would seem to
    have grown. The earlier epoch is the snapshot nearest to a tenth of the last epoch.
    """
    ratio = _largest_ratio(_first_layers(run))
    distance = np.abs(np.log(ratio.index + 1) - np.log(ratio.index[-1] / 10 + 1))
    return np.log2(ratio.iloc[-1] / ratio.iloc[np.argmin(distance)])


def in_first_layers(run: RunEvidence) -> float:
    """3.5 minus the number of the layer with the largest ratio at the end, over the number L of hidden layers.

    Positive if it is one of the first three layers.
    """
    return (FIRST_LAYERS + 0.5 - _layer_with_largest_ratio(run)) / run.outliers["layer"].max()


def follows_true_class(run: RunEvidence) -> float:
    """η² among noisy samples by true label minus by given label, of the layer with the largest ratio at the end."""
    table = at_last_epoch(run.large_activation)
    table = table[(table["layer"] == _layer_with_largest_ratio(run)) & (table["measure"] == "eta2_noisy")]
    explained = table.set_index("feature")["value"]
    return explained["true_label"] - explained["given_label"]


def octave_of_large_activation(run: RunEvidence) -> float:
    """log2 of the epoch from which the largest ratio of all layers stays above the threshold to the end.

    Missing if it is not above it at the end. Only snapshots are looked at, so the true epoch may be earlier, after the
    snapshot before.
    """
    large = _largest_ratio(run.outliers) > 1
    since = large.index[large[::-1].cummin()[::-1]]
    return np.log2(max(since[0], 1)) if len(since) else np.nan


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

    An output explains η² as a given or predicted class, and Spearman's ρ² as winning probability or loss.
    """
    table = at_last_epoch(run.large_activation)
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


def _changes_of_test_accuracy(run: RunEvidence, edit: str) -> pd.DataFrame:
    """What an edit changes, by epoch (rows) and edited neuron (columns)."""
    table = run.interventions
    table = table[(table["edit"] == edit) & (table["subset"] == "test")]
    return table.pivot(index="epoch", columns="target", values="accuracy_change")


def _first_layers(run: RunEvidence) -> pd.DataFrame:
    return run.outliers[run.outliers["layer"] <= FIRST_LAYERS]


def _largest_ratio(table: pd.DataFrame) -> pd.Series:
    """The largest ratio over the threshold of these layers by epoch, ascending."""
    return table.groupby("epoch")["ratio_over_threshold"].max()


def _layer_with_largest_ratio(run: RunEvidence) -> float:
    """Number of the layer with the largest ratio at the end; NaN if no layer has one."""
    by_layer = at_last_epoch(run.outliers).set_index("layer")["ratio_over_threshold"].dropna()
    return by_layer.idxmax() if len(by_layer) else np.nan


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
