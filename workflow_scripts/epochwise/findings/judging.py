"""The verdict on every claim over seeds, and the table of claims for people."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from epochwise.findings import statistics
from epochwise.findings.claims import ALL_MODELS, CLAIMS, PAPER, Claim
from epochwise.findings.effects import RunEvidence
from epochwise.findings.intervals import t_interval
from epochwise.findings.verdicts import INCONCLUSIVE, interval, number, verdict, why_inconclusive

# One row per claim, noise and model. `finding` is the number of the paper's finding that the claim supports. `source`
# says whose statement it is: the paper's, or our stricter reading (ours). `in_scope` says whether the claim speaks of
# this model. `low` to `high` is the interval of `effect` over `n` seeds. `p` tests the effect against the margin, and
# `p_holm` is corrected for all claims in scope that support the same finding under the same noise.
CLAIMS_TABLE = pa.schema(
    [
        ("claim", pa.string()),
        ("finding", pa.int32()),
        ("source", pa.string()),
        ("statement", pa.string()),
        ("definition", pa.string()),
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
        ("p", pa.float64()),
        ("p_holm", pa.float64()),
        ("bootstrap_low", pa.float64()),
        ("bootstrap_high", pa.float64()),
        ("effect_size", pa.float64()),
        ("seeds_needed", pa.float64()),
    ]
)


def judge(
    runs: Mapping[tuple[str, str, int], RunEvidence],
    weights: Mapping[str, int],
    margins: Mapping[str, float],
    level: float,
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
        if all(getattr(run, claim.needs) is None for run in runs.values()):
            continue
        effects_by_run = _effects(claim, runs, keys)
        for (noise, model), group in effects_by_run.groupby(["noise", "model"], sort=False):
            effects, margin = group.dropna().to_numpy(), margins[claim.margin]
            effect, low, high, n = t_interval(effects, level)
            rows.append(
                {
                    "claim": claim.name,
                    "finding": claim.finding,
                    "source": claim.source,
                    "statement": claim.statement,
                    "definition": claim.definition,
                    "scope": claim.scope,
                    "noise": noise,
                    "model": model,
                    "in_scope": claim.scope == ALL_MODELS or weights[model] == most,
                    "effect": effect,
                    "low": low,
                    "high": high,
                    "n": n,
                    "margin": margin,
                    "verdict": verdict(low, high, n, margin),
                    **_statistics(effects, margin, level),
                }
            )
    judged = pd.DataFrame(rows)
    in_scope = judged["p"].where(judged["in_scope"])
    judged["p_holm"] = in_scope.groupby([judged["noise"], judged["finding"]]).transform(statistics.holm)
    return judged[CLAIMS_TABLE.names]


def _statistics(effects: np.ndarray, margin: float, level: float) -> dict[str, float]:
    """What is reported besides the verdict."""
    low, high = statistics.bootstrap_interval(effects, level)
    return {
        "p": statistics.p_above(effects, margin),
        "bootstrap_low": low,
        "bootstrap_high": high,
        "effect_size": statistics.effect_size(effects),
        "seeds_needed": statistics.seeds_needed(effects, margin, level),
    }


def _effects(claim: Claim, runs: Mapping[tuple[str, str, int], RunEvidence], keys: pd.MultiIndex) -> pd.Series:
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


SEEDS_EXPLAINED = (
    "The number of seeds that would decide an inconclusive claim assumes the effect and scatter seen here, and a "
    f"probability of {statistics.POWER * 100:.0f}%."
)
STATISTICS_EXPLAINED = (
    "bootstrap, d, p and seeds needed change no verdict. bootstrap: interval of the mean by resampling the seeds, too "
    "narrow for few seeds. d: mean effect over its standard deviation. p: one-sided t test against the margin. "
    f"p (Holm): corrected for all claims that support the same finding. seeds needed: {SEEDS_EXPLAINED} "
    "A dash says that no number is known.\n"
)


def to_markdown(claims: pd.DataFrame, level: float) -> str:
    """The claims table for people, one section per claim."""
    lines = [
        "# Claims\n",
        f"Each effect has a {level * 100:g}% interval over seeds. A claim is reproduced if the whole interval is above "
        "the margin, contradicted if it is below 0, else inconclusive. A verdict in brackets is about a model that the "
        "claim does not speak of.\n",
        STATISTICS_EXPLAINED,
    ]
    for name, rows in claims.groupby("claim", sort=False):
        first = rows.iloc[0]
        lines.append(
            f"## {name}\n\n{whose(first['source'])}: {first['statement']}\n\n"
            f"Measured: {first['definition']}. "
            f"It supports finding {first['finding']} and speaks of: {first['scope']}.\n"
        )
        shown = format_claims(rows)
        table = pd.concat([shown.drop(columns="verdict"), format_statistics(rows), shown["verdict"]], axis=1)
        lines.append(table.to_markdown(index=False, disable_numparse=True) + "\n")
    return "\n".join(lines)


def whose(source: str) -> str:
    """How a text begins that quotes a statement from this source, PAPER or OURS."""
    return "The paper states" if source == PAPER else "Our stricter reading"


def format_claims(claims: pd.DataFrame) -> pd.DataFrame:
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


def format_reasons(claims: pd.DataFrame) -> pd.Series:
    """Why each row is inconclusive, and how many seeds would decide it; empty if it is not."""
    numbers = claims[["low", "high", "n", "margin"]].itertuples(index=False)
    reasons = pd.Series([why_inconclusive(*row) for row in numbers], claims.index, dtype=object)
    seeds = claims["seeds_needed"].where(reasons != "").map(_seeds_needed)
    return reasons + seeds.map(lambda text: text and f"; {text}")


def _seeds_needed(seeds: float) -> str:
    """How many seeds would decide a claim, in words; empty if no number is known."""
    if pd.isna(seeds):
        return ""
    return f"about {seeds:,.0f} seeds would decide it"


def format_statistics(claims: pd.DataFrame) -> pd.DataFrame:
    """Bootstrap interval, effect size, p values and seeds needed of each row, as text."""
    bootstrap = zip(claims["bootstrap_low"], claims["bootstrap_high"], strict=True)
    undecided = claims["verdict"] == INCONCLUSIVE
    return pd.DataFrame(
        {
            "bootstrap": [interval(low, high) for low, high in bootstrap],
            "d": claims["effect_size"].map(number),
            "p": claims["p"].map(number),
            "p (Holm)": claims["p_holm"].map(number),
            "seeds needed": claims["seeds_needed"].where(undecided).map(lambda n: "–" if pd.isna(n) else f"{n:.0f}"),
        },
        index=claims.index,
    )
