"""Runs brought together over seeds: every measured quantity with its mean, interval and n."""

import pandas as pd

from epochwise.phases import phases
from epochwise.separation import MEASURES
from epochwise.statistics import over_seeds

RUN = ["noise", "model"]
OUTLIER_MEASURES = (
    "peak", "runner_up", "peak_over_runner_up", "peak_over_median_peak", "peak_over_median_active", "massive",
    "kurtosis", "argmax_share",
)  # fmt: skip

# Signed statistics of a run, and what their magnitudes are called.
STRENGTHS = {"pearson": "abs_pearson", "spearman": "abs_spearman", "auc": "abs_2auc_minus_1"}


def phases_by_seed(history: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """`phases.phases` of every run, with its noise, model and seed."""
    keys = [*RUN, "seed"]
    return pd.concat(
        [
            phases(run, **settings).assign(**dict(zip(keys, key, strict=True)))
            for key, run in history.groupby(keys, sort=False)
        ],
        ignore_index=True,
    )


def curves(history: pd.DataFrame, level: float) -> pd.DataFrame:
    """Learning curves over seeds."""
    keys = [*RUN, "seed", "epoch", "subset"]
    return over_seeds(
        _long(history, keys, ("accuracy", "loss"), "metric"), [*RUN, "epoch", "subset", "metric"], "value", level
    )


def separation(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Cosines over seeds, per class and (class −1) averaged over classes within each seed."""
    keys = [*RUN, "seed", "epoch", "layer", "grouping", "class"]
    long = _long(table, keys, MEASURES, "measure")
    return over_seeds(long, [*RUN, "epoch", "layer", "grouping", "class", "measure"], "value", level)


def outliers(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Outlier measures over seeds; the mean of `massive` is the share of seeds."""
    keys = [*RUN, "seed", "epoch", "layer"]
    single = table["peak"] / table["runner_up"].where(table["runner_up"] > 0)
    table = table.astype({"massive": float}).assign(peak_over_runner_up=single)
    long = _long(table, keys, OUTLIER_MEASURES, "measure")
    return over_seeds(long, [*RUN, "epoch", "layer", "measure"], "value", level)


def peaks(neurons: pd.DataFrame, level: float) -> pd.DataFrame:
    """Peaks of a layer's neurons in descending order, over seeds at equal rank (1 = the large activation)."""
    keys = [*RUN, "seed", "epoch", "layer"]
    ordered = neurons.sort_values("max", ascending=False, kind="stable")
    ordered = ordered.assign(rank=ordered.groupby(keys, sort=False).cumcount() + 1).sort_index()
    ordered = ordered.sort_values([*keys[2:], "rank"], kind="stable")
    return over_seeds(ordered, [*RUN, "epoch", "layer", "rank"], "max", level)


def large_activation(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """How strongly the large activation follows each feature, over seeds: |r|, |ρ|, |2·AUC − 1|, R² and η².

    Magnitudes are taken run by run: every run has a large neuron of its own, and signs would cancel over seeds.
    """
    value = table["value"].where(table["statistic"] != "auc", 2 * table["value"] - 1)
    strength = value.mask(table["statistic"].isin(list(STRENGTHS)), value.abs())
    statistic = table["statistic"].replace(STRENGTHS)
    keys = [*RUN, "epoch", "layer", "feature", "side", "statistic"]
    return over_seeds(table.assign(value=strength, statistic=statistic), keys, "value", level)


def _long(table: pd.DataFrame, keys: list[str], values: tuple[str, ...], name: str) -> pd.DataFrame:
    return table.melt(keys, list(values), var_name=name, value_name="value")
