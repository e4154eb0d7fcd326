"""Interventions and anatomy of all runs of an experiment."""

import pandas as pd
import pyarrow as pa

from epochwise.findings.intervals import over_seeds

RUN = ["noise", "model"]
# What a neuron must reach in its layer to have appeared.
APPEARED_SHARE = 0.5  # it is the largest of its layer on this share of the samples …
APPEARED_RATIO = 2.0  # … and its peak is this many times that of the runner-up

SCHEMAS = {
    # Changes by an edit over seeds. The controls of a run are averaged before the mean over seeds is taken.
    "interventions": pa.schema(
        [
            ("noise", pa.string()),
            ("model", pa.string()),
            ("epoch", pa.int32()),
            ("target", pa.string()),
            ("edit", pa.string()),
            ("subset", pa.string()),
            ("measure", pa.string()),
            ("mean", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("n", pa.int32()),
        ]
    ),
    # The large neuron of each run. Epochs are missing if the run has no such moment.
    "anatomy": pa.schema(
        [
            ("noise", pa.string()),
            ("model", pa.string()),
            ("seed", pa.int32()),
            ("layer", pa.int16()),
            ("neuron", pa.int32()),
            ("appears_epoch", pa.float64()),
            ("large_since_epoch", pa.float64()),
            ("peak_epoch", pa.float64()),
            ("dip_epoch", pa.float64()),
            ("fit_epoch", pa.float64()),
            ("peak_over_runner_up", pa.float64()),
            ("argmax_share", pa.float64()),
            ("incoming_rank", pa.int32()),
            ("outgoing_rank", pa.int32()),
            ("contribution_rank", pa.int32()),
            ("bias", pa.float64()),
            ("cosine_mean_image", pa.float64()),
            ("cosine_component", pa.float64()),
        ]
    ),
}


def interventions(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Changes of accuracy and loss over seeds, as the table `interventions`.

    `table` is INTERVENTIONS of all runs, with noise, model and seed. The targets matched_1, matched_2 and so on become
    the target `matched`, their mean in each run.
    """
    table = table.assign(target=table["target"].str.replace(r"_\d+$", "", regex=True))
    keys = [*RUN, "epoch", "target", "edit", "subset"]
    names = {"accuracy_change": "accuracy", "loss_change": "loss"}
    of_run = table.groupby([*keys, "seed"], sort=False, as_index=False)[[*names]].mean().rename(columns=names)
    long = of_run.melt([*keys, "seed"], [*names.values()], var_name="measure", value_name="value")
    return over_seeds(long, [*keys, "measure"], "value", level)


def anatomy(anatomy: pd.DataFrame, outliers: pd.DataFrame, phases: pd.DataFrame) -> pd.DataFrame:
    """One row per run about its large neuron, as the table `anatomy`.

    `appears_epoch` is the first epoch at which the neuron is the largest of its layer on half of the samples and its
    peak is twice that of the runner-up. `large_since_epoch` is the epoch since which it has the largest peak of its
    layer, to the end. `peak_epoch`, `dip_epoch` and `fit_epoch` are those of the test accuracy, see `phases`.

    Args:
        anatomy: the table ANATOMY of all runs, with noise, model and seed.
        outliers: their table OUTLIERS.
        phases: the summary table `phases_by_seed`.
    """
    keys = [*RUN, "seed"]
    moments = phases[phases["metric"] == "accuracy"].pivot(index=keys, columns="quantity", values="value")
    rows = []
    for run, of_run in anatomy.groupby(keys, sort=False):
        last = of_run.sort_values("epoch").iloc[-1]
        mine = (outliers[keys] == list(run)).all(axis=1) & (outliers["layer"] == last["layer"])
        epochs = moments.loc[run].reindex(["peak_epoch", "dip_epoch", "fit_epoch"])
        row = last.to_dict() | dict(zip(keys, run, strict=True)) | epochs.to_dict()
        rows.append(row | _history(outliers[mine].sort_values("epoch"), last["neuron"]))
    return pd.DataFrame(rows)[SCHEMAS["anatomy"].names]


def _history(of_layer: pd.DataFrame, neuron: int) -> dict:
    """Since when a neuron is large, and what it is at the end, from the rows of OUTLIERS of its layer."""
    ratio = of_layer["peak"] / of_layer["runner_up"].where(of_layer["runner_up"] > 0)
    is_large = of_layer["neuron"] == neuron
    appeared = is_large & (of_layer["argmax_share"] >= APPEARED_SHARE) & (ratio >= APPEARED_RATIO)
    since = is_large[::-1].cummin()[::-1]
    return {
        "appears_epoch": of_layer.loc[appeared, "epoch"].min(),
        "large_since_epoch": of_layer.loc[since, "epoch"].min(),
        "peak_over_runner_up": ratio.iloc[-1],
        "argmax_share": of_layer["argmax_share"].iloc[-1],
    }
