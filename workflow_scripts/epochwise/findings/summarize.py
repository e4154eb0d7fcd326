"""The summary tables of an experiment, most of them over seeds: mean, interval and number of seeds of a measure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from epochwise.analysis.large_neuron import describe_large_neurons
from epochwise.analysis.outliers import OUTLIER_MEASURES, largest_over_second, most_prominent
from epochwise.analysis.phases import phases_of_runs
from epochwise.analysis.runs import NETWORK, RUN, by_group
from epochwise.analysis.similarity import similarity
from epochwise.analysis.twins import compare_with_twins, variance_components
from epochwise.findings.intervals import over_seeds
from epochwise.findings.overfitting import classify_overfitting

# How the strength of an association is called and computed from the measure of a run. All but the last are shares of
# variance. Correlations are squared run by run, because each run has a large neuron of its own, and signs would cancel.
STRENGTHS = {
    "pearson": ("pearson_squared", lambda value: value**2),
    "spearman": ("spearman_squared", lambda value: value**2),
    "auc": ("abs_2auc_minus_1", lambda value: (2 * value - 1).abs()),
}

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Summary:
    """How one summary table is made from the tables of all runs.

    Attributes:
        group: the tables of a group are made together, by one rule.
        names: columns that say what a row is about, separated by spaces. If the table is not over seeds, all columns.
        rows: makes rows with these columns from the tables and the settings. For a table over seeds these are the rows
            of single runs with their `value`, which `over_seeds` then summarizes.
        over_seeds: whether the table has mean, low, high and n over the rows that agree in `names`.
        extra: further columns of a table over seeds.
        complete: adds them, or changes others, given the table over seeds and the rows of single runs.
    """

    group: str
    names: str
    rows: Callable[[Tables, Mapping], pd.DataFrame]
    over_seeds: bool = True
    extra: str = ""
    complete: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame] | None = None

    @property
    def keys(self) -> list[str]:
        """`names` as a list."""
        return self.names.split()

    @property
    def columns(self) -> list[str]:
        """All columns of the table, in order."""
        return [*self.keys, *(("mean", "low", "high", "n") if self.over_seeds else ()), *self.extra.split()]


def summarize(group: str, tables: Tables, settings: Mapping) -> dict[str, pd.DataFrame]:
    """The summary tables of a group, by name.

    Args:
        group: a name in GROUPS.
        tables: tables of all runs, with noise, model and seed, and the summary tables that this group needs.
        settings: `level` of the intervals, 0 to 1. For `runs` also the settings of `phases`, and of `noises` and
            `models` what `describe_runs` reads. For `twins` also `twin`, `classes`, `margin` and `draws`.
    """
    made = {}
    for name in GROUPS[group]:
        summary = SUMMARIES[name]
        rows = summary.rows(tables, settings)
        if not summary.over_seeds:
            tables = {**tables, name: rows}  # later tables of the group may be made from it
        made[name] = over_seeds(rows, summary.keys, "value", settings["level"]) if summary.over_seeds else rows
        if summary.complete:
            made[name] = summary.complete(made[name], rows)
        made[name] = made[name][summary.columns]
    return made


def describe_runs(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """What each run is made of.

    `settings` has `kind` and `rate` of each of the `noises`, where the rate is None if none was requested, and
    `widths`, `weights`, `learning_rate` and `steps_per_epoch` of each of the `models`. `widths` are the units of each
    hidden layer, first to last, in the table as text: `2048-1024-512`. The achieved rate is the share of wrong labels.
    """
    runs = tables["labels"].groupby(RUN, sort=False)["is_noisy"].mean().rename("achieved_rate").reset_index()
    noises = pd.DataFrame(settings["noises"]).T.rename(columns={"kind": "noise_kind", "rate": "requested_rate"})
    models = pd.DataFrame.from_dict(
        {
            name: model | {"hidden_layers": len(model["widths"]), "widths": "-".join(map(str, model["widths"]))}
            for name, model in settings["models"].items()
        },
        orient="index",
    )
    return runs.join(noises, on="noise").join(models, on="model").astype({"requested_rate": float})


def learning_curves(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """Accuracy, trained loss and cross-entropy of each run, epoch and subset."""
    return _melt(tables["history"], [*RUN, "epoch", "subset"], ["accuracy", "loss", "cross_entropy"])


def outlier_measures(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """The measures of the large neuron of each layer. The mean of `massive` over seeds is the share of seeds."""
    table = tables["outliers"].astype({"massive": float})
    table = table.assign(largest_over_second=largest_over_second(table))
    return _melt(table, [*RUN, "epoch", "layer"], [*OUTLIER_MEASURES])


def mark_layers_that_stand_out(summary: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Whether it is the layer with the largest mean of `largest_over_median_active` at this epoch."""
    candidates = summary[summary["measure"] == "largest_over_median_active"]
    chosen = candidates[most_prominent(candidates["mean"], [candidates[key] for key in (*NETWORK, "epoch")])]
    keys = [*NETWORK, "epoch", "layer"]
    return summary.assign(stands_out=summary.set_index(keys).index.isin(chosen.set_index(keys).index))


def rank_activations(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """The largest activation of each neuron with its rank in the layer; rank 1 is the large activation."""
    keys = [*RUN, "epoch", "layer"]
    ordered = tables["neurons"].sort_values("max", ascending=False, kind="stable")
    ordered = ordered.assign(rank=ordered.groupby(keys, sort=False).cumcount() + 1).sort_index()
    return ordered.sort_values(["seed", "epoch", "layer", "rank"], kind="stable").rename(columns={"max": "value"})


def association_strengths(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """How strongly the large activation follows each feature: R², η², r², ρ² and |2·AUC − 1|, see STRENGTHS."""
    table = tables["large_activation"]
    value = table["value"]
    for measure, (_, strength) in STRENGTHS.items():
        value = value.mask(table["measure"] == measure, strength(table["value"]))
    return table.assign(
        value=value, measure=table["measure"].replace({old: new for old, (new, _) in STRENGTHS.items()})
    )


def changes_by_edits(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """Changes of accuracy and loss by an edit.

    The targets matched_1, matched_2 and so on become the target `matched`, their mean in each run.
    """
    table = tables["interventions"]
    table = table.assign(target=table["target"].str.replace(r"_\d+$", "", regex=True))
    keys = [*NETWORK, "epoch", "target", "edit", "subset", "seed"]
    names = {"accuracy_change": "accuracy", "loss_change": "loss"}
    of_run = table.groupby(keys, sort=False, as_index=False)[[*names]].mean().rename(columns=names)
    return _melt(of_run, keys, [*names.values()])


def add_means(table: str) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """A function that adds the `extra` columns of a summary table as means over seeds.

    They say what a value would be by chance (the null's mean and the ends of its range), or at most (`split_half`).
    """

    def add(summary: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
        keys, extra = SUMMARIES[table].keys, SUMMARIES[table].extra.split()
        return summary.merge(rows.groupby(keys, sort=False)[extra].mean().reset_index(), on=keys, how="left")

    return add


def similarities(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """CKA between the layers, epochs and seeds of each noise and model."""
    grams = tables["grams"]
    if grams.empty:
        return pd.DataFrame(columns=[*SUMMARIES["similarity"].keys, "value"])
    return by_group(grams, NETWORK, similarity).rename(columns={"cka": "value"})


def leave_out_intervals_of_pairs(summary: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Similarities of seeds have no interval, because pairs of seeds are not independent."""
    of_pairs = summary["kind"] == "seeds"
    return summary.assign(low=summary["low"].mask(of_pairs), high=summary["high"].mask(of_pairs))


def twins(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """What the noise costs, and the kind of overfitting, see `classify_overfitting`."""
    by_run = compare_with_twins(tables["history"], tables["runs"], settings["twin"])
    return classify_overfitting(by_run, settings["classes"], settings["margin"], settings["level"])


def sources_of_variance(tables: Tables, settings: Mapping) -> pd.DataFrame:
    """Variance components of test error and recovery, from the noises `draws` that differ only in their draw."""
    errors = compare_with_twins(tables["history"], tables["runs"], settings["twin"])[[*RUN, "test_error"]]
    phases = tables["phases_by_seed"]
    recovery = phases[(phases["curve"] == "accuracy") & (phases["measure"] == "recovery")]
    by_run = errors.merge(recovery.rename(columns={"value": "recovery"})[[*RUN, "recovery"]])
    return variance_components(by_run, settings["draws"])


def _melt(table: pd.DataFrame, keys: list[str], measures: list[str]) -> pd.DataFrame:
    """One row per row and measure: the keys, `measure` and `value`."""
    return table.melt(keys, measures, var_name="measure", value_name="value")


# All tables of `results/{experiment}/summary/`. Those of a group are made in this order.
SUMMARIES = {
    # `weights` counts weights and biases.
    "runs": Summary(
        "runs",
        "noise model seed noise_kind requested_rate achieved_rate hidden_layers widths weights learning_rate "
        "steps_per_epoch",
        describe_runs,
        over_seeds=False,
    ),
    "curves": Summary("runs", "noise model epoch subset measure", learning_curves),
    "phases_by_seed": Summary(
        "runs",
        "noise model seed curve measure value",
        lambda tables, settings: phases_of_runs(tables["history"], settings["phases"]),
        over_seeds=False,
    ),
    "phases": Summary("runs", "noise model curve measure", lambda tables, settings: tables["phases_by_seed"]),
    "separation": Summary(
        "runs", "noise model epoch layer grouping class measure", lambda tables, settings: tables["separation"]
    ),
    "outliers": Summary(
        "runs",
        "noise model epoch layer measure",
        outlier_measures,
        extra="stands_out",
        complete=mark_layers_that_stand_out,
    ),
    "ranked_activations": Summary("runs", "noise model epoch layer rank", rank_activations),
    "large_activation": Summary("runs", "noise model epoch layer feature side measure", association_strengths),
    "large_by_class": Summary(
        "runs",
        "noise model epoch layer grouping class",
        lambda tables, settings: tables["large_by_class"].rename(columns={"mean": "value"}),
    ),
    "test_paths": Summary(
        "runs",
        "noise model epoch layer class predictions reference measure",
        lambda tables, settings: tables["test_paths"].drop(columns="n"),
        extra="split_half null_mean null_low null_high",
        complete=add_means("test_paths"),
    ),
    "interventions": Summary("interventions", "noise model epoch target edit subset measure", changes_by_edits),
    # Epochs are missing if the run has no such moment.
    "anatomy": Summary(
        "interventions",
        "noise model seed layer neuron appears_epoch large_since_epoch peak_epoch dip_epoch fit_epoch "
        "largest_over_second argmax_share incoming_rank outgoing_rank contribution_rank bias cosine_mean_image "
        "cosine_component",
        lambda tables, settings: describe_large_neurons(
            *(tables[name] for name in ("anatomy", "outliers", "phases_by_seed"))
        ),
        over_seeds=False,
    ),
    "measures": Summary(
        "measures",
        "noise model epoch layer measure",
        lambda tables, settings: tables["measures"],
        extra="null_mean null_low null_high",
        complete=add_means("measures"),
    ),
    "similarity": Summary(
        "measures",
        "noise model kind epoch other_epoch layer other_layer",
        similarities,
        complete=leave_out_intervals_of_pairs,
    ),
    "twins": Summary(
        "twins",
        "noise model achieved_rate twin_error test_error test_error_low gap gap_low gap_high slope slope_low "
        "slope_high n overfitting",
        twins,
        over_seeds=False,
    ),
    "variance": Summary("twins", "model measure source variance share draws n", sources_of_variance, over_seeds=False),
}
GROUPS = {
    group: [name for name, summary in SUMMARIES.items() if summary.group == group]
    for group in ("runs", "measures", "interventions", "twins")
}

# Types of the columns. All others are float64.
_TEXTS = (*NETWORK, "noise_kind", "subset", "curve", "measure", "grouping", "feature", "side", "target", "edit", "kind",
          "overfitting", "source", "widths", "predictions", "reference")  # fmt: skip
_TYPES = {
    **dict.fromkeys(_TEXTS, pa.string()),
    **dict.fromkeys(("layer", "other_layer", "class"), pa.int16()),
    **dict.fromkeys(
        ("seed", "epoch", "other_epoch", "n", "hidden_layers", "steps_per_epoch", "rank", "neuron"), pa.int32()
    ),
    **dict.fromkeys(("incoming_rank", "outgoing_rank", "contribution_rank", "draws"), pa.int32()),
    "weights": pa.int64(),
    "stands_out": pa.bool_(),
}
SCHEMAS = {
    name: pa.schema([(column, _TYPES.get(column, pa.float64())) for column in summary.columns])
    for name, summary in SUMMARIES.items()
}
