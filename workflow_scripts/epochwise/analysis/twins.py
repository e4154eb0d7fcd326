"""Clean twins: what the noise costs, and where the differences between runs come from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from epochwise.analysis.runs import RUN, at_end


def compare_with_twins(history: pd.DataFrame, runs: pd.DataFrame, twin: str) -> pd.DataFrame:
    """Test errors at the end of each noisy run and of its twin, and their difference.

    A twin has the same model and seed, hence the same initial weights and order of batches, and no noise.

    Args:
        history: the table HISTORY of all runs, with noise, model and seed.
        runs: the summary table `runs`, for the achieved rates.
        twin: name of the noise of rate 0.

    Returns:
        One row per noisy run: noise, model, seed, achieved_rate, test_error, twin_error, gap, slope.
    """
    last = at_end(history[history["subset"] == "test"])
    errors = last.assign(test_error=1 - last["accuracy"])[[*RUN, "test_error"]]
    of_twin = errors["noise"] == twin
    twins = errors[of_twin].drop(columns="noise").rename(columns={"test_error": "twin_error"})
    table = errors[~of_twin].merge(twins, on=["model", "seed"]).merge(runs[[*RUN, "achieved_rate"]], on=RUN)
    gap = table["test_error"] - table["twin_error"]
    return table.assign(gap=gap, slope=gap / table["achieved_rate"].where(table["achieved_rate"] > 0))


def variance_components(by_run: pd.DataFrame, draws: Sequence[str]) -> pd.DataFrame:
    """Where the variance of a measure comes from, as the summary table `variance`.

    Runs with the same seed share initial weights and order of batches; runs with the same noise share the wrong labels.
    The three components are those of a two-way random effects analysis without replication: with a seeds and b draws,
    MS_rest = σ²_rest, MS_seeds = σ²_rest + b·σ²_seeds, MS_draws = σ²_rest + a·σ²_draws. Negative estimates count as 0.

    Args:
        by_run: noise, model, seed, and one column per measure.
        draws: names of the noises that differ only in their draw. Fewer than two give no rows.
    """
    rows = []
    for measure in by_run.columns.drop(RUN):
        for model, of_model in by_run[by_run["noise"].isin(draws)].groupby("model", sort=False):
            values = of_model.pivot(index="seed", columns="noise", values=measure).dropna()
            seeds, noises = values.shape
            if min(seeds, noises) < 2:
                continue
            components = _components(values.to_numpy(float))
            total = sum(components.values())
            for source, value in components.items():
                share = value / total if total > 0 else np.nan
                row = {"model": model, "measure": measure, "source": source, "variance": value, "share": share}
                rows.append(row | {"draws": noises, "n": seeds})
    return pd.DataFrame(rows, columns=["model", "measure", "source", "variance", "share", "draws", "n"])


def _components(values: np.ndarray) -> dict[str, float]:
    """Variance components of a table of seeds (rows) by draws (columns), see `variance_components`."""
    a, b = values.shape
    centre, by_seed, by_draw = values.mean(), values.mean(1, keepdims=True), values.mean(0, keepdims=True)
    rest = np.sum((values - by_seed - by_draw + centre) ** 2) / ((a - 1) * (b - 1))
    seeds, draws = b * np.sum((by_seed - centre) ** 2) / (a - 1), a * np.sum((by_draw - centre) ** 2) / (b - 1)
    return {
        "initialization": max(0.0, (seeds - rest) / b),
        "noise draw": max(0.0, (draws - rest) / a),
        "both together": float(rest),
    }
