"""Runs brought together over seeds: every measured quantity with its mean, interval and number of seeds."""

from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow as pa

from epochwise.analysis.outliers import most_prominent
from epochwise.analysis.phases import cross_fitted_recovery, phases
from epochwise.findings.intervals import over_seeds

RUN = ["noise", "model"]
OUTLIER_MEASURES = (
    "peak", "runner_up", "peak_over_runner_up", "peak_over_median_peak", "peak_over_median_active", "massive",
    "kurtosis", "argmax_share",
)  # fmt: skip

# Statistics of a run, and the names of what replaces them over seeds.
SQUARED = {"pearson": "pearson_squared", "spearman": "spearman_squared"}
STRENGTHS = SQUARED | {"auc": "abs_2auc_minus_1"}

_RUN = [("noise", pa.string()), ("model", pa.string())]
# Mean over seeds, the lower and the upper end of its interval (missing for fewer than three seeds), number of seeds.
_OVER_SEEDS = [("mean", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("n", pa.int32())]

# The tables of `results/{experiment}/summary/`, by name.
SCHEMAS = {
    # What each run is made of. `noise_rate` is missing for noises without a requested rate. `weights` counts weights
    # and biases.
    "runs": pa.schema(
        [
            *_RUN,
            ("seed", pa.int32()),
            ("noise_kind", pa.string()),
            ("noise_rate", pa.float64()),
            ("achieved_rate", pa.float64()),
            ("hidden_layers", pa.int32()),
            ("width", pa.int32()),
            ("weights", pa.int64()),
        ]
    ),
    "curves": pa.schema([*_RUN, ("epoch", pa.int32()), ("subset", pa.string()), ("metric", pa.string()), *_OVER_SEEDS]),
    "phases_by_seed": pa.schema(
        [*_RUN, ("seed", pa.int32()), ("metric", pa.string()), ("quantity", pa.string()), ("value", pa.float64())]
    ),
    "phases": pa.schema([*_RUN, ("metric", pa.string()), ("quantity", pa.string()), *_OVER_SEEDS]),
    "separation": pa.schema(
        [
            *_RUN,
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("grouping", pa.string()),
            ("class", pa.int16()),
            ("measure", pa.string()),
            *_OVER_SEEDS,
        ]
    ),
    # `stands_out`: whether it is the layer with the largest mean of `peak_over_median_active` at this epoch.
    "outliers": pa.schema(
        [
            *_RUN,
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("measure", pa.string()),
            *_OVER_SEEDS,
            ("stands_out", pa.bool_()),
        ]
    ),
    "peaks": pa.schema([*_RUN, ("epoch", pa.int32()), ("layer", pa.int16()), ("rank", pa.int32()), *_OVER_SEEDS]),
    "large_activation": pa.schema(
        [
            *_RUN,
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("feature", pa.string()),
            ("side", pa.string()),
            ("statistic", pa.string()),
            *_OVER_SEEDS,
        ]
    ),
}


def runs_table(
    runs: Sequence[Sequence],
    achieved_rates: Sequence[float],
    noises: Mapping[str, Mapping],
    models: Mapping[str, Mapping],
) -> pd.DataFrame:
    """What each run is made of, as the table `runs`.

    Args:
        runs: noise, model and seed of each run.
        achieved_rates: the share of wrong labels of each run.
        noises: `kind` and `rate` of each noise; the rate is None if none was requested.
        models: `hidden_layers`, `width` and `weights` of each model.
    """
    rows = [
        {
            "noise": noise,
            "model": model,
            "seed": seed,
            "noise_kind": noises[noise]["kind"],
            "noise_rate": noises[noise]["rate"],
            "achieved_rate": achieved,
            **models[model],
        }
        for (noise, model, seed), achieved in zip(runs, achieved_rates, strict=True)
    ]
    return pd.DataFrame(rows).astype({"noise_rate": float})


def phases_by_seed(history: pd.DataFrame, settings: Mapping) -> pd.DataFrame:
    """`phases.phases` of every run, with its noise, model and seed.

    If `history` scores the two halves of the test set, there is also the quantity `recovery_cross_fitted`.
    """
    keys = [*RUN, "seed"]
    parts = [
        phases(run, **settings).assign(**dict(zip(keys, key, strict=True)))
        for key, run in history.groupby(keys, sort=False)
    ]
    if {"test_a", "test_b"} <= set(history["subset"]):
        parts += [
            _cross_fitted(block, metric, settings).assign(**dict(zip(RUN, key, strict=True)))
            for key, block in history.groupby(RUN, sort=False)
            for metric in ("accuracy", "loss")
        ]
    return pd.concat(parts, ignore_index=True)


def _cross_fitted(history: pd.DataFrame, metric: str, settings: Mapping) -> pd.DataFrame:
    """`phases.cross_fitted_recovery` of all seeds of one noise and model. The sign of the loss is reversed."""
    curves = history.pivot(index="epoch", columns=["subset", "seed"], values=metric).astype(float)
    curves = curves if metric == "accuracy" else -curves
    recovery = cross_fitted_recovery(
        curves["test_a"], curves["test_b"], smoothing=settings["smoothing"], min_dip=settings["min_dip"]
    )
    table = recovery.rename_axis("seed").rename("value").reset_index()
    return table.assign(metric=metric, quantity="recovery_cross_fitted")


def phases_over_seeds(by_seed: pd.DataFrame, level: float) -> pd.DataFrame:
    """The quantities of `phases_by_seed` over seeds."""
    return over_seeds(by_seed, [*RUN, "metric", "quantity"], "value", level)


def curves(history: pd.DataFrame, level: float) -> pd.DataFrame:
    """Learning curves over seeds."""
    long = _long(history, [*RUN, "seed", "epoch", "subset"], ("accuracy", "loss"), "metric")
    return over_seeds(long, [*RUN, "epoch", "subset", "metric"], "value", level)


def separation(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Measures of separation over seeds, per class and (class −1) averaged over classes within each seed."""
    return over_seeds(table, [*RUN, "epoch", "layer", "grouping", "class", "measure"], "value", level)


def outliers(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Outlier measures over seeds. The mean of `massive` is the share of seeds."""
    single = table["peak"] / table["runner_up"].where(table["runner_up"] > 0)
    table = table.astype({"massive": float}).assign(peak_over_runner_up=single)
    long = _long(table, [*RUN, "seed", "epoch", "layer"], OUTLIER_MEASURES, "measure")
    summary = over_seeds(long, [*RUN, "epoch", "layer", "measure"], "value", level)
    candidates = summary[summary["measure"] == "peak_over_median_active"]
    chosen = candidates[most_prominent(candidates["mean"], [candidates[key] for key in (*RUN, "epoch")])]
    keys = [*RUN, "epoch", "layer"]
    return summary.assign(stands_out=summary.set_index(keys).index.isin(chosen.set_index(keys).index))


def peaks(neurons: pd.DataFrame, level: float) -> pd.DataFrame:
    """Peaks of a layer's neurons in descending order, over seeds at equal rank. Rank 1 is the large activation."""
    keys = [*RUN, "seed", "epoch", "layer"]
    ordered = neurons.sort_values("max", ascending=False, kind="stable")
    ordered = ordered.assign(rank=ordered.groupby(keys, sort=False).cumcount() + 1).sort_index()
    ordered = ordered.sort_values([*keys[2:], "rank"], kind="stable")
    return over_seeds(ordered, [*RUN, "epoch", "layer", "rank"], "max", level)


def large_activation(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """How strongly the large activation follows each feature, over seeds: R², η², r², ρ² and |2·AUC − 1|.

    All but the last are shares of variance. Correlations are squared run by run, because every run has a large neuron
    of its own, and signs would cancel over seeds.
    """
    statistic, value = table["statistic"], table["value"]
    strength = value.mask(statistic.isin([*SQUARED]), value**2).mask(statistic == "auc", (2 * value - 1).abs())
    keys = [*RUN, "epoch", "layer", "feature", "side", "statistic"]
    return over_seeds(table.assign(value=strength, statistic=statistic.replace(STRENGTHS)), keys, "value", level)


def _long(table: pd.DataFrame, keys: list[str], values: tuple[str, ...], name: str) -> pd.DataFrame:
    return table.melt(keys, list(values), var_name=name, value_name="value")
