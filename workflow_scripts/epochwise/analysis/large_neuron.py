"""The large neuron of each run: when it appeared, and what its weights are at the end."""

import pandas as pd

from epochwise.analysis.outliers import largest_over_second
from epochwise.analysis.runs import RUN

# What a neuron must reach in its layer to have appeared.
APPEARED_SHARE = 0.5  # it is the largest of its layer on this share of the samples …
APPEARED_RATIO = 2.0  # … and its largest activation is this many times that of the second neuron


def describe_large_neurons(anatomy: pd.DataFrame, outliers: pd.DataFrame, phases: pd.DataFrame) -> pd.DataFrame:
    """One row per run about its large neuron, as the summary table `anatomy`.

    `appears_epoch` is the first epoch at which the neuron is the largest of its layer on half of the samples and its
    largest activation is twice that of the second neuron. `large_since_epoch` is the epoch from which it has the
    largest activation of its layer, to the end. `peak_epoch`, `dip_epoch` and `fit_epoch` are those of the test
    accuracy, see `phases`.

    Args:
        anatomy: the table ANATOMY of all runs, with noise, model and seed.
        outliers: their table OUTLIERS.
        phases: the summary table `phases_by_seed`.
    """
    moments = phases[phases["curve"] == "accuracy"].pivot(index=RUN, columns="measure", values="value")
    rows = []
    for run, of_run in anatomy.groupby(RUN, sort=False):
        last = of_run.sort_values("epoch").iloc[-1]
        of_layer = outliers[(outliers[RUN] == list(run)).all(axis=1) & (outliers["layer"] == last["layer"])]
        epochs = moments.loc[run].reindex(["peak_epoch", "dip_epoch", "fit_epoch"])
        row = last.to_dict() | dict(zip(RUN, run, strict=True)) | epochs.to_dict()
        rows.append(row | _history(of_layer.sort_values("epoch"), last["neuron"]))
    return pd.DataFrame(rows)


def _history(of_layer: pd.DataFrame, neuron: int) -> dict:
    """Since when a neuron is large, and what it is at the end, from the rows of OUTLIERS of its layer."""
    ratio = largest_over_second(of_layer)
    is_large = of_layer["neuron"] == neuron
    appeared = is_large & (of_layer["argmax_share"] >= APPEARED_SHARE) & (ratio >= APPEARED_RATIO)
    since = is_large[::-1].cummin()[::-1]
    return {
        "appears_epoch": of_layer.loc[appeared, "epoch"].min(),
        "large_since_epoch": of_layer.loc[since, "epoch"].min(),
        "largest_over_second": ratio.iloc[-1],
        "argmax_share": of_layer["argmax_share"].iloc[-1],
    }
