"""The verdict on every claim over seeds, and the table of claims for people."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from epochwise.findings import statistics
from epochwise.findings.claim import (
    ALL_MODELS,
    DEEP_MODELS,
    LARGER_MODELS,
    LARGEST,
    LARGEST_MODEL,
    PAPER,
    PUBLIC_READING,
    SMALLER_MODELS,
    Claim,
)
from epochwise.findings.claims import CLAIMS
from epochwise.findings.effects import RunEvidence
from epochwise.findings.effects_activation import FIRST_LAYERS
from epochwise.findings.intervals import t_interval
from epochwise.findings.verdicts import INCONCLUSIVE, NOT_APPLICABLE, interval, number, verdict, why_inconclusive

# One row per claim, noise and model. `finding` is the number of the paper's finding that the claim supports. `source`
# says whose statement it is: the paper's, or our stricter reading (ours). `reading` is what the paper reports, as a
# public reading of the full text has it; empty for our claims. `in_scope` says whether the claim speaks of this model.
# `low` to `high` is the interval of `effect` over `n` seeds. `p` tests the effect against the margin, and `p_holm` is
# corrected for all claims in scope that support the same finding under the same noise.
CLAIMS_TABLE = pa.schema(
    [
        ("claim", pa.string()),
        ("finding", pa.int32()),
        ("source", pa.string()),
        ("statement", pa.string()),
        ("definition", pa.string()),
        ("reading", pa.string()),
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
        weights: number of weights of each model. The largest model has the most, the smallest the fewest, and so may
            several.
        margins: margin of each kind of effect, by the key that the claims name.
        level: level of the intervals over seeds, 0 to 1.
    """
    keys = pd.MultiIndex.from_tuples(runs, names=["noise", "model", "seed"])
    layers = {model: int(run.outliers["layer"].max()) for (_, model, _), run in runs.items()}
    rows = []
    for claim in CLAIMS:
        if all(getattr(run, claim.needs) is None for run in runs.values()):
            continue
        applies = pd.Series([claim.applies is None or claim.applies(run) for run in runs.values()], keys, bool)
        applicable = applies.groupby(["noise", "model"]).any()
        effects_by_run = _effects(claim, runs, applies, weights)
        for (noise, model), group in effects_by_run.groupby(["noise", "model"], sort=False):
            effects, margin = group.dropna().to_numpy(), margins[claim.margin]
            effect, low, high, n = t_interval(effects, level)
            found = verdict(low, high, n, margin, claim.nonnegative)
            rows.append(
                {
                    "claim": claim.name,
                    "finding": claim.finding,
                    "source": claim.source,
                    "statement": claim.statement,
                    "definition": claim.definition,
                    "reading": claim.reading,
                    "scope": claim.scope,
                    "noise": noise,
                    "model": model,
                    "in_scope": is_in_scope(claim.scope, model, weights, layers[model]),
                    "effect": effect,
                    "low": low,
                    "high": high,
                    "n": n,
                    "margin": margin,
                    "verdict": found if applicable[noise, model] else NOT_APPLICABLE,
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


def is_in_scope(scope: str, model: str, weights: Mapping[str, int], layers: int) -> bool:
    """Whether a claim with this scope speaks of a model, which has this number of hidden layers."""
    most, fewest = max(weights.values()), min(weights.values())
    return {
        ALL_MODELS: True,
        LARGEST_MODEL: weights[model] == most,
        SMALLER_MODELS: weights[model] < most,
        LARGER_MODELS: weights[model] > fewest or most == fewest,
        DEEP_MODELS: layers > FIRST_LAYERS,
    }[scope]


def _effects(
    claim: Claim, runs: Mapping[tuple[str, str, int], RunEvidence], applies: pd.Series, weights: Mapping[str, int]
) -> pd.Series:
    """The effect of a claim on every run; NaN where it does not apply. `applies` has the key of each run."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = [claim.effect(run) if wanted else np.nan for run, wanted in zip(runs.values(), applies, strict=True)]
    values = pd.Series(values, applies.index, np.float64)
    values[~np.isfinite(values)] = np.nan  # a layer without any active unit divides by zero
    if claim.compared_with:
        choose = max if claim.compared_with == LARGEST else min
        reference = choose(weights, key=weights.get)  # the first one if several are as large
        of_reference = values.xs(reference, level="model").reindex(values.index.droplevel("model")).to_numpy()
        # The reference itself has nothing that it could be compared with.
        values = (values - of_reference).where(values.index.get_level_values("model") != reference)
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
        "the margin, contradicted if it is below 0 (or, where an effect cannot be negative, below the margin), else "
        "inconclusive. A claim is not applicable to a model if none of its runs has what the claim is about. A verdict "
        "in brackets is about a model that the claim does not speak of.\n",
        f"What the paper states is written here {PUBLIC_READING}, in our words.\n",
        STATISTICS_EXPLAINED,
    ]
    for name, rows in claims.groupby("claim", sort=False):
        first = rows.iloc[0]
        lines.append(
            f"## {name}\n\n{whose(first['source'])}: {first['statement']}\n\n"
            + (f"Public reading, {first['reading']}.\n\n" if first["reading"] else "")
            + f"Measured: {first['definition']}. "
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
    reasons = reasons.where(claims["verdict"] == INCONCLUSIVE, "")
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
