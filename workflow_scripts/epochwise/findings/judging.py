"""The verdict on every claim over seeds, and the table of claims for people."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from epochwise.findings.claims import ALL_MODELS, CLAIMS, PAPER, Claim
from epochwise.findings.effects import Run
from epochwise.findings.intervals import t_interval
from epochwise.findings.verdicts import interval, number, verdict

# One row per claim, noise and model. `finding` is the number of the paper's finding that the claim supports. `source`
# says whose statement it is: the paper's, or our stricter reading (ours). `in_scope` says whether the claim speaks of
# this model. `low` to `high` is the interval of `effect` over `n` seeds.
CLAIMS_TABLE = pa.schema(
    [
        ("claim", pa.string()),
        ("finding", pa.int32()),
        ("source", pa.string()),
        ("statement", pa.string()),
        ("measure", pa.string()),
        ("scope", pa.string()),
        ("noise", pa.string()),
        ("model", pa.string()),
        ("in_scope", pa.bool_()),
        ("effect", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int32()),
        ("margin", pa.float64()),
        ("verdict", pa.string()),
    ]
)


def judge(
    runs: Mapping[tuple[str, str, int], Run], weights: Mapping[str, int], margins: Mapping[str, float], level: float
) -> pd.DataFrame:
    """One row per claim, noise and model, as the table CLAIMS_TABLE.

    Args:
        runs: what was measured, by noise, model and seed.
        weights: number of weights of each model; the largest model has the most, and so may several.
        margins: margin of each kind of effect, by the key that the claims name.
        level: level of the intervals over seeds, 0 to 1.
    """
    keys = pd.MultiIndex.from_tuples(runs, names=["noise", "model", "seed"])
    most = max(weights.values())
    rows = []
    for claim in CLAIMS:
        effects_by_run = _effects(claim, runs, keys)
        for (noise, model), group in effects_by_run.groupby(["noise", "model"], sort=False):
            effect, low, high, n = t_interval(group.to_numpy(), level)
            rows.append(
                {
                    "claim": claim.name,
                    "finding": claim.finding,
                    "source": claim.source,
                    "statement": claim.statement,
                    "measure": claim.measure,
                    "scope": claim.scope,
                    "noise": noise,
                    "model": model,
                    "in_scope": claim.scope == ALL_MODELS or weights[model] == most,
                    "effect": effect,
                    "low": low,
                    "high": high,
                    "n": n,
                    "margin": margins[claim.margin],
                    "verdict": verdict(low, high, n, margins[claim.margin]),
                }
            )
    return pd.DataFrame(rows)


def _effects(claim: Claim, runs: Mapping[tuple[str, str, int], Run], keys: pd.MultiIndex) -> pd.Series:
    """The effect of a claim on every run."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = pd.Series([claim.effect(run) for run in runs.values()], keys, np.float64)
    values[~np.isfinite(values)] = np.nan  # a layer without any active unit divides by zero
    if claim.beyond_first:
        first_model = keys[0][1]
        first = values.xs(first_model, level="model").reindex(keys.droplevel("model")).to_numpy()
        # The first model itself has nothing that it could be compared with.
        values = (values - first).where(keys.get_level_values("model") != first_model)
    return values


def to_markdown(claims: pd.DataFrame, level: float) -> str:
    """The claims table for people, one section per claim."""
    lines = [
        "# Claims\n",
        f"Each effect has a {level * 100:g}% interval over seeds. A claim is reproduced if the whole interval is above "
        "the margin, contradicted if it is below 0, else inconclusive. A verdict in brackets is about a model that the "
        "claim does not speak of.\n",
    ]
    for name, rows in claims.groupby("claim", sort=False):
        first = rows.iloc[0]
        lines.append(
            f"## {name}\n\n{whose(first['source'])}: {first['statement']}\n\n"
            f"Measured: {first['measure']}. It supports finding {first['finding']} and speaks of: {first['scope']}.\n"
        )
        lines.append(for_people(rows).to_markdown(index=False, disable_numparse=True) + "\n")
    return "\n".join(lines)


def whose(source: str) -> str:
    """How a text begins that quotes a statement from this source, PAPER or OURS."""
    return "The paper states" if source == PAPER else "Our stricter reading"


def for_people(claims: pd.DataFrame) -> pd.DataFrame:
    """Noise, model, effect, interval, n, margin and verdict of each row, as text.

    The verdict of a model that the claim does not speak of is in brackets.
    """
    return pd.DataFrame(
        {
            "noise": claims["noise"],
            "model": claims["model"],
            "effect": claims["effect"].map(number),
            "interval": [interval(low, high) for low, high in zip(claims["low"], claims["high"], strict=True)],
            "n": claims["n"].astype(str),
            "margin": claims["margin"].map(number),
            "verdict": claims["verdict"].where(claims["in_scope"], "(" + claims["verdict"] + ")"),
        }
    )
