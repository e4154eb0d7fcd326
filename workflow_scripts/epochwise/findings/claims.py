"""The claims: what the paper states, how it is measured, and the verdict over seeds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from epochwise.findings import effects
from epochwise.findings.effects import Run
from epochwise.findings.intervals import t_interval
from epochwise.findings.verdicts import interval, number, verdict

PAPER, OURS = "paper", "ours"
ALL_MODELS, LARGEST_MODEL = "all models", "largest model"

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


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim.

    Attributes:
        name: its name in tables and pages.
        finding: number of the paper's finding that it supports, 1 to 3.
        source: PAPER if the paper states it, OURS if it is our stricter reading or a check of ours.
        statement: what is claimed, in one sentence.
        measure: how it is measured, in words. A positive effect supports the claim.
        margin: key of the margin under `claims` in the configuration.
        effect: the effect on one run, see `epochwise.findings.effects`.
        figures: names of the figures that show it.
        scope: the models that the claim speaks of: ALL_MODELS or LARGEST_MODEL.
        beyond_first: whether the effect is compared with that of the experiment's first model, seed by seed.
    """

    name: str
    finding: int
    source: str
    statement: str
    measure: str
    margin: str
    effect: Callable[[Run], float]
    figures: tuple[str, ...]
    scope: str = ALL_MODELS
    beyond_first: bool = False


# To add a claim, add an entry. If it needs a margin of its own, add the key in schemas/config.schema.yaml.
CLAIMS = (
    Claim(
        name="double_descent",
        finding=1,
        source=PAPER,
        statement="Test accuracy falls and rises again with training time.",
        measure="smaller of fall and recovery of test accuracy",
        margin="accuracy",
        effect=effects.double_descent,
        figures=("phases", "scenario"),
        scope=LARGEST_MODEL,
    ),
    Claim(
        name="double_descent_in_larger_models",
        finding=1,
        source=PAPER,
        statement="The recovery is seen in the largest model.",
        measure="recovery of test accuracy, minus that of the first model with the same seed",
        margin="accuracy",
        effect=effects.recovery,
        figures=("phases", "scenario"),
        scope=LARGEST_MODEL,
        beyond_first=True,
    ),
    Claim(
        name="regeneralization_weak_accuracy",
        finding=1,
        source=PAPER,
        statement="A network that fits noisy data perfectly recovers on test data.",
        measure="test accuracy, improvement from dip to end (higher is better)",
        margin="accuracy",
        effect=partial(effects.recovery_if_fitted, metric="accuracy"),
        figures=("phases",),
        scope=LARGEST_MODEL,
    ),
    Claim(
        name="regeneralization_weak_loss",
        finding=1,
        source=OURS,
        statement="A network that fits noisy data perfectly recovers on test data, by its loss too.",
        measure="test loss, improvement from dip to end (lower is better)",
        margin="loss",
        effect=partial(effects.recovery_if_fitted, metric="loss"),
        figures=("phases",),
        scope=LARGEST_MODEL,
    ),
    Claim(
        name="regeneralization_after_fit_accuracy",
        finding=1,
        source=PAPER,
        statement="Test performance improves after the noisy data are fitted perfectly.",
        measure="test accuracy, improvement from perfect noise fit to end (higher is better)",
        margin="accuracy",
        effect=partial(effects.after_fit, metric="accuracy"),
        figures=("phases",),
        scope=LARGEST_MODEL,
    ),
    Claim(
        name="regeneralization_after_fit_loss",
        finding=1,
        source=OURS,
        statement="The test loss, too, improves after the noisy data are fitted perfectly.",
        measure="test loss, improvement from perfect noise fit to end (lower is better)",
        margin="loss",
        effect=partial(effects.after_fit, metric="loss"),
        figures=("phases",),
        scope=LARGEST_MODEL,
    ),
    Claim(
        name="regeneralization_strong_accuracy",
        finding=1,
        source=OURS,
        statement="A network that fits noisy data perfectly ends better than at its first peak.",
        measure="test accuracy, improvement from first peak to end (higher is better)",
        margin="accuracy",
        effect=partial(effects.surplus_if_fitted, metric="accuracy"),
        figures=("phases",),
        scope=LARGEST_MODEL,
    ),
    Claim(
        name="regeneralization_strong_loss",
        finding=1,
        source=OURS,
        statement="A network that fits noisy data perfectly ends with a lower test loss than at its first optimum.",
        measure="test loss, improvement from first peak to end (lower is better)",
        margin="loss",
        effect=partial(effects.surplus_if_fitted, metric="loss"),
        figures=("phases",),
        scope=LARGEST_MODEL,
    ),
    Claim(
        name="noisy_after_clean",
        finding=2,
        source=PAPER,
        statement="Noisy data are learned after clean data.",
        measure="octaves of epochs between learning clean and noisy data",
        margin="octaves",
        effect=effects.noisy_after_clean,
        figures=("learning_curves",),
    ),
    Claim(
        name="separation_grows_with_depth_cosine",
        finding=2,
        source=PAPER,
        statement="Clean and noisy signals of a class are further apart in outer layers.",
        measure="cosine, first minus last hidden layer, at the end",
        margin="cosine",
        effect=partial(effects.separation_by_depth, measure="cosine"),
        figures=("separation_by_layer", "separation_by_class"),
    ),
    Claim(
        name="separation_grows_with_depth_cosine_centred",
        finding=2,
        source=OURS,
        statement="Clean and noisy signals of a class, without what all signals share, are further apart in outer "
        "layers.",
        measure="centred cosine, first minus last hidden layer, at the end",
        margin="cosine",
        effect=partial(effects.separation_by_depth, measure="cosine_centred"),
        figures=("separation_by_layer", "separation_by_class"),
    ),
    Claim(
        name="separation_grows_with_epochs_cosine",
        finding=2,
        source=PAPER,
        statement="Clean and noisy signals of a class separate more and more in the outer layer.",
        measure="cosine of the last hidden layer, untrained minus end",
        margin="cosine",
        effect=partial(effects.separation_by_epoch, measure="cosine"),
        figures=("separation_by_layer", "scenario"),
    ),
    Claim(
        name="separation_grows_with_epochs_cosine_centred",
        finding=2,
        source=OURS,
        statement="Clean and noisy signals of a class, without what all signals share, separate more and more in the "
        "outer layer.",
        measure="centred cosine of the last hidden layer, untrained minus end",
        margin="cosine",
        effect=partial(effects.separation_by_epoch, measure="cosine_centred"),
        figures=("separation_by_layer", "scenario"),
    ),
    Claim(
        name="large_activation_single",
        finding=3,
        source=PAPER,
        statement="A single very large activation emerges in a shallow layer.",
        measure="octaves between the largest and the second largest peak of the layer",
        margin="single",
        effect=effects.single,
        figures=("activation_distribution", "large_activation"),
    ),
    Claim(
        name="large_activation_shallow",
        finding=3,
        source=PAPER,
        statement="The large activation sits in a shallow layer.",
        measure="octaves between shallow and deep layers, peak over median positive activation",
        margin="octaves",
        effect=effects.shallow,
        figures=("large_activation",),
    ),
    Claim(
        name="large_activation_evolves",
        finding=3,
        source=PAPER,
        statement="The large activation grows with re-generalization.",
        measure="octaves between dip and end, peak over median positive activation",
        margin="octaves",
        effect=effects.evolves,
        figures=("large_activation", "scenario"),
    ),
    Claim(
        name="large_activation_follows_input",
        finding=3,
        source=PAPER,
        statement="Its magnitude follows input patterns, not output patterns.",
        measure="R² from input components minus largest η² by class or ρ² with probability or loss",
        margin="explained",
        effect=effects.follows_input,
        figures=("large_activation_inputs",),
    ),
)


def judge(
    runs: Mapping[tuple[str, str, int], Run], weights: Mapping[str, int], margins: Mapping[str, float], level: float
) -> pd.DataFrame:
    """One row per claim, noise and model, as the table CLAIMS_TABLE.

    Args:
        runs: what was measured, by noise, model and seed.
        weights: number of weights of each model; the largest model has the most.
        margins: margin of each kind of effect, by the key that the claims name.
        level: level of the intervals over seeds, 0 to 1.
    """
    keys = pd.MultiIndex.from_tuples(runs, names=["noise", "model", "seed"])
    largest = max(weights, key=weights.get)
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
                    "in_scope": claim.scope == ALL_MODELS or model == largest,
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
        "the margin, contradicted if it is below 0, else inconclusive.\n",
    ]
    for name, rows in claims.groupby("claim", sort=False):
        first = rows.iloc[0]
        whose = "The paper states" if first["source"] == PAPER else "Our stricter reading"
        lines.append(
            f"## {name}\n\nFinding {first['finding']}. {whose}: {first['statement']} (scope: {first['scope']})\n\n"
            f"Measured: {first['measure']}.\n"
        )
        lines.append(for_people(rows).to_markdown(index=False, disable_numparse=True) + "\n")
    return "\n".join(lines)


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
