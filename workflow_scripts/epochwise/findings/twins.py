"""Clean twins: what the noise costs, and where the differences between runs come from."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from epochwise.findings.intervals import MIN_SEEDS, over_seeds

BENIGN, TEMPERED, CATASTROPHIC, UNDECIDED = "benign", "tempered", "catastrophic", "undecided"
NEAR_CHANCE = 0.9  # an error above this share of the error of guessing counts as that of guessing

SCHEMAS = {
    # One row per noise and model. The gap is the test error at the end minus that of the twin, and the slope is the gap
    # over the share of wrong labels; both over seeds.
    "twins": pa.schema(
        [
            ("noise", pa.string()),
            ("model", pa.string()),
            ("achieved_rate", pa.float64()),
            ("twin_error", pa.float64()),
            ("test_error", pa.float64()),
            ("test_error_low", pa.float64()),
            ("gap", pa.float64()),
            ("gap_low", pa.float64()),
            ("gap_high", pa.float64()),
            ("slope", pa.float64()),
            ("slope_low", pa.float64()),
            ("slope_high", pa.float64()),
            ("n", pa.int32()),
            ("overfitting", pa.string()),
        ]
    ),
    # One row per model, quantity and source of variance, from noises that differ only in their draw.
    "variance": pa.schema(
        [
            ("model", pa.string()),
            ("quantity", pa.string()),
            ("source", pa.string()),
            ("variance", pa.float64()),
            ("share", pa.float64()),
            ("draws", pa.int32()),
            ("n", pa.int32()),
        ]
    ),
}


def gaps(history: pd.DataFrame, runs: pd.DataFrame, twin: str) -> pd.DataFrame:
    """Test errors at the end of each noisy run and of its twin, and their difference.

    A twin has the same model and seed, hence the same initial weights and order of batches, and no noise.

    Args:
        history: the table HISTORY of all runs, with noise, model and seed.
        runs: the summary table `runs`, for the achieved rates.
        twin: name of the noise of rate 0.

    Returns:
        One row per noisy run: noise, model, seed, achieved_rate, test_error, twin_error, gap, slope.
    """
    last = history[(history["subset"] == "test") & (history["epoch"] == history["epoch"].max())]
    errors = last.assign(test_error=1 - last["accuracy"])[["noise", "model", "seed", "test_error"]]
    of_twin = errors["noise"] == twin
    twins = errors[of_twin].drop(columns="noise").rename(columns={"test_error": "twin_error"})
    table = errors[~of_twin].merge(twins, on=["model", "seed"])
    table = table.merge(runs[["noise", "model", "seed", "achieved_rate"]], on=["noise", "model", "seed"])
    gap = table["test_error"] - table["twin_error"]
    return table.assign(gap=gap, slope=gap / table["achieved_rate"].where(table["achieved_rate"] > 0))


def twins(table: pd.DataFrame, classes: Mapping[str, int], margin: float, level: float) -> pd.DataFrame:
    """The gaps over seeds with their kind of overfitting, as the table `twins`.

    The kinds are those of Mallinar et al. (2022), made operational:

    - *benign*: the whole interval of the gap is below `margin`.
    - *catastrophic*: the whole interval of the test error is above 0.9 times the error 1 − 1/K of guessing.
    - *tempered*: the whole interval of the gap is above `margin`, and the test error is not that of guessing.
    - *undecided*: everything else, and fewer than three seeds.

    Args:
        table: what `gaps` returns.
        classes: number of classes K, by noise.
        margin: a smaller gap does not count.
        level: level of the intervals.
    """
    keys = ["noise", "model"]
    columns = ("achieved_rate", "twin_error", "test_error", "gap", "slope")
    parts = {name: over_seeds(table, keys, name, level).set_index(keys) for name in columns}
    result = pd.DataFrame({name: part["mean"] for name, part in parts.items()})
    result["test_error_low"] = parts["test_error"]["low"]
    for name in ("gap", "slope"):
        result[f"{name}_low"], result[f"{name}_high"] = parts[name]["low"], parts[name]["high"]
    result["n"] = parts["gap"]["n"]
    guessing = 1 - 1 / result.index.get_level_values("noise").map(classes).to_numpy()
    catastrophic = result["test_error_low"] > NEAR_CHANCE * guessing
    kinds = [result["n"] < MIN_SEEDS, catastrophic, result["gap_high"] < margin, result["gap_low"] > margin]
    result["overfitting"] = np.select(kinds, [UNDECIDED, CATASTROPHIC, BENIGN, TEMPERED], UNDECIDED)
    return result.reset_index()[SCHEMAS["twins"].names]


def variance(by_run: pd.DataFrame, draws: list[str]) -> pd.DataFrame:
    """Where the variance of a quantity comes from, as the table `variance`.

    Runs with the same seed share initial weights and order of batches; runs with the same noise share the wrong labels.
    The three components are those of a two-way random effects analysis without replication: with a seeds and b draws,
    MS_rest = σ²_rest, MS_seeds = σ²_rest + b·σ²_seeds, MS_draws = σ²_rest + a·σ²_draws. Negative estimates count as 0.

    Args:
        by_run: noise, model, seed, and one column per quantity.
        draws: names of the noises that differ only in their draw. Fewer than two give no rows.
    """
    rows = []
    chosen = by_run[by_run["noise"].isin(draws)]
    for quantity in [name for name in by_run if name not in ("noise", "model", "seed")]:
        for model, block in chosen.groupby("model", sort=False):
            values = block.pivot(index="seed", columns="noise", values=quantity).dropna()
            a, b = values.shape
            if min(a, b) < 2:
                continue
            components = _components(values.to_numpy(float))
            total = sum(components.values())
            for source, value in components.items():
                share = value / total if total > 0 else np.nan
                row = {"model": model, "quantity": quantity, "source": source, "variance": value, "share": share}
                rows.append(row | {"draws": b, "n": a})
    return pd.DataFrame(rows, columns=SCHEMAS["variance"].names)


def _components(values: np.ndarray) -> dict[str, float]:
    """Variance components of a table of seeds (rows) by draws (columns), see `variance`."""
    a, b = values.shape
    centre, by_seed, by_draw = values.mean(), values.mean(1, keepdims=True), values.mean(0, keepdims=True)
    rest = np.sum((values - by_seed - by_draw + centre) ** 2) / ((a - 1) * (b - 1))
    seeds, draws = b * np.sum((by_seed - centre) ** 2) / (a - 1), a * np.sum((by_draw - centre) ** 2) / (b - 1)
    return {
        "initialization": max(0.0, (seeds - rest) / b),
        "noise draw": max(0.0, (draws - rest) / a),
        "both together": float(rest),
    }
