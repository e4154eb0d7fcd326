"""The paper's claims, each as an effect measured on one run, and the verdict over seeds.

Every effect is a number per run (model and seed) that the claim says is positive. Where two epochs or two layers are
compared, they are of the same run, so that the interval over seeds is a paired one; so it is where two models are
compared, whose runs have the same seed. An effect that a run cannot have (the noise was never fitted, say) is missing
and not counted in n.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from epochwise.statistics import MIN_SEEDS, t_interval
from epochwise.tables import MEAN_OVER_CLASSES

REPRODUCED, CONTRADICTED, INCONCLUSIVE = "reproduced", "contradicted", "inconclusive"


@dataclass(frozen=True)
class Run:
    """What was measured on one run: phases as {(metric, quantity): value}, and its tables without keys of the run."""

    phases: dict[tuple[str, str], float]
    separation: pd.DataFrame
    outliers: pd.DataFrame
    large_activation: pd.DataFrame


@dataclass(frozen=True)
class Claim:
    """A claim: its name, the paper's statement, what is measured, the key of its margin, and its effect on a run.

    `beyond_first`: the effect minus that on the run of the first model with the same noise and seed.
    """

    name: str
    statement: str
    measure: str
    margin: str
    effect: Callable[[Run], float]
    beyond_first: bool = False


def double_descent(run: Run) -> float:
    """The smaller of fall and recovery of test accuracy: positive only if it falls and rises again."""
    return min(run.phases["accuracy", "fall"], run.phases["accuracy", "recovery"])


def recovery(run: Run) -> float:
    """Recovery of test accuracy from its dip; 0 where there is no dip."""
    return run.phases["accuracy", "recovery"]


def weak(metric: str) -> Callable[[Run], float]:
    """Recovery from the dip, of runs that fit their noise."""
    return lambda run: np.nan if np.isnan(run.phases["accuracy", "fit_epoch"]) else run.phases[metric, "recovery"]


def strong(metric: str) -> Callable[[Run], float]:
    """End against first peak, of runs that fit their noise."""
    return lambda run: np.nan if np.isnan(run.phases["accuracy", "fit_epoch"]) else run.phases[metric, "surplus"]


def after_fit(metric: str) -> Callable[[Run], float]:
    """End against the epoch at which the noise is fitted; chosen by training data alone, so not biased by choosing a
    minimum."""
    return lambda run: run.phases[metric, "after_fit"]


def noisy_after_clean(run: Run) -> float:
    """Octaves of epochs between learning clean and noisy data.

    Noisy data not learned by the end count as learned then: a lower bound.
    """
    if run.separation["cosine"].isna().all():  # there are no noisy data
        return np.nan
    clean, noisy = run.phases["accuracy", "clean_epoch"], run.phases["accuracy", "noisy_epoch"]
    noisy = run.phases["accuracy", "last_epoch"] if np.isnan(noisy) else noisy
    return np.log2(max(noisy, 1) / max(clean, 1))


def separation_by_depth(measure: str) -> Callable[[Run], float]:
    """Cosine (true label) of the first hidden layer minus that of the last, at the end."""

    def effect(run: Run) -> float:
        by_layer = _cosines(run, measure).iloc[-1]
        return by_layer.iloc[0] - by_layer.iloc[-1] if len(by_layer) > 1 else np.nan

    return effect


def separation_by_epoch(measure: str) -> Callable[[Run], float]:
    """Cosine (true label) of the last hidden layer in the untrained network minus that at the end."""

    def effect(run: Run) -> float:
        last_layer = _cosines(run, measure).iloc[:, -1]
        return last_layer.iloc[0] - last_layer.iloc[-1]

    return effect


def single(run: Run) -> float:
    """Octaves between largest and second largest peak at the end, in the shallow layer that stands out most."""
    row = _large_shallow(run)
    return np.log2(row["peak"] / row["runner_up"])


def shallow(run: Run) -> float:
    """Octaves between shallow and deep layers, of the largest peak over the median positive activation, at the end."""
    final = _final(run.outliers)
    deep = final[~final["layer"].isin(_shallow(final)["layer"])]
    return np.log2(_shallow(final)["peak_over_median_active"].max() / deep["peak_over_median_active"].max())


def evolves(run: Run) -> float:
    """Octaves between dip and end, of the shallow layers' largest peak over the median positive activation."""
    dip = run.phases["accuracy", "dip_epoch"]
    if np.isnan(dip):
        return np.nan
    by_epoch = _shallow(run.outliers).groupby("epoch")["peak_over_median_active"].max()
    at_dip = np.argmin(np.abs(np.log(by_epoch.index + 1) - np.log(dip + 1)))
    return np.log2(by_epoch.iloc[-1] / by_epoch.iloc[at_dip])


def follows_input(run: Run) -> float:
    """Explained variance of the large activation: R² from the input's components minus the most by an output.

    An output explains η² as a class label, Spearman's ρ² as winning probability or loss.
    """
    table = _final(run.large_activation)
    table = table[table["layer"] == _large_shallow(run)["layer"]]
    outputs = table[table["side"] == "output"]
    by_class = outputs[outputs["statistic"] == "eta2"]["value"]
    by_score = outputs[outputs["statistic"] == "spearman"]["value"] ** 2
    return table[table["statistic"] == "r2"]["value"].max() - pd.concat([by_class, by_score]).max()


CLAIMS = (
    Claim(
        "double_descent",
        "Test accuracy falls and rises again with training time.",
        "smaller of fall and recovery of test accuracy",
        "accuracy",
        double_descent,
    ),
    Claim(
        "double_descent_in_larger_models",
        "The recovery is seen in the largest model.",
        "recovery of test accuracy, minus that of the first model with the same seed",
        "accuracy",
        recovery,
        beyond_first=True,
    ),
    *(
        Claim(
            f"{name}_{metric}",
            statement,
            f"test {metric}, {measure} ({'higher' if metric == 'accuracy' else 'lower'} is better)",
            metric,
            effect(metric),
        )
        for name, statement, measure, effect in (
            (
                "regeneralization_weak",
                "A network that fits noisy data perfectly recovers on test data.",
                "improvement from dip to end",
                weak,
            ),
            (
                "regeneralization_after_fit",
                "Test performance improves after the noisy data are fitted perfectly.",
                "improvement from perfect noise fit to end",
                after_fit,
            ),
            (
                "regeneralization_strong",
                "A network that fits noisy data perfectly ends better than at its first peak.",
                "improvement from first peak to end",
                strong,
            ),
        )
        for metric in ("accuracy", "loss")
    ),
    Claim(
        "noisy_after_clean",
        "Noisy data are learned after clean data.",
        "octaves of epochs between learning clean and noisy data",
        "octaves",
        noisy_after_clean,
    ),
    *(
        Claim(f"{name}_{measure}", statement, text.format(words), "cosine", effect(measure))
        for name, statement, text, effect in (
            (
                "separation_grows_with_depth",
                "Clean and noisy signals of a class are further apart in outer layers.",
                "{}, first minus last hidden layer, at the end",
                separation_by_depth,
            ),
            (
                "separation_grows_with_epochs",
                "Clean and noisy signals of a class separate more and more in the outer layer.",
                "{} of the last hidden layer, untrained minus end",
                separation_by_epoch,
            ),
        )
        for measure, words in (("cosine", "cosine"), ("cosine_centred", "centred cosine"))
    ),
    Claim(
        "large_activation_single",
        "A single very large activation emerges in a shallow layer.",
        "octaves between the largest and the second largest peak of the layer",
        "single",
        single,
    ),
    Claim(
        "large_activation_shallow",
        "The large activation sits in a shallow layer.",
        "octaves between shallow and deep layers, peak over median positive activation",
        "octaves",
        shallow,
    ),
    Claim(
        "large_activation_evolves",
        "The large activation grows with re-generalization.",
        "octaves between dip and end, peak over median positive activation",
        "octaves",
        evolves,
    ),
    Claim(
        "large_activation_follows_input",
        "Its magnitude follows input patterns, not output patterns.",
        "R² from input components minus largest η² by class or ρ² with probability or loss",
        "explained",
        follows_input,
    ),
)


def judge(runs: dict[tuple[str, str, int], Run], margins: dict[str, float], level: float) -> pd.DataFrame:
    """One row per claim, noise and model (`tables.SCHEMAS["claims"]`), for runs by (noise, model, seed)."""
    keys = pd.MultiIndex.from_tuples(runs, names=["noise", "model", "seed"])
    first_model = keys[0][1]
    rows = []
    for claim in CLAIMS:
        margin = margins[claim.margin]
        with np.errstate(divide="ignore", invalid="ignore"):
            effects = pd.Series([claim.effect(run) for run in runs.values()], keys, np.float64)
        effects[~np.isfinite(effects)] = np.nan  # the ratio to a layer without a single active unit
        if claim.beyond_first:  # which has nothing that it could be compared with
            first = effects.xs(first_model, level="model").reindex(keys.droplevel("model")).to_numpy()
            effects = (effects - first).where(keys.get_level_values("model") != first_model)
        for (noise, model), group in effects.groupby(["noise", "model"], sort=False):
            effect, low, high, n = t_interval(group.to_numpy(), level)
            rows.append(
                {
                    "claim": claim.name,
                    "statement": claim.statement,
                    "measure": claim.measure,
                    "noise": noise,
                    "model": model,
                    "effect": effect,
                    "low": low,
                    "high": high,
                    "n": n,
                    "margin": margin,
                    "verdict": verdict(low, high, n, margin),
                }
            )
    return pd.DataFrame(rows)


def verdict(low: float, high: float, n: int, margin: float) -> str:
    """`reproduced` if the interval lies above the margin, `contradicted` if it lies below 0, else `inconclusive`."""
    if n < MIN_SEEDS:
        return INCONCLUSIVE
    if low > margin:
        return REPRODUCED
    return CONTRADICTED if high < 0 else INCONCLUSIVE


def to_markdown(claims: pd.DataFrame, level: float) -> str:
    """The claims table for people, one section per claim."""
    lines = [
        "# Claims\n",
        f"Effect with {level * 100:g}% interval over seeds; "
        "a claim is reproduced if the interval lies above the margin.\n",
    ]
    for name, rows in claims.groupby("claim", sort=False):
        first = rows.iloc[0]
        lines.append(f"## {name}\n\n{first['statement']} Measured: {first['measure']}.\n")
        lines.append(for_people(rows).to_markdown(index=False, disable_numparse=True) + "\n")
    return "\n".join(lines)


def for_people(claims: pd.DataFrame) -> pd.DataFrame:
    """Noise, model, effect, interval, n, margin and verdict of each row, as text."""
    return pd.DataFrame(
        {
            "noise": claims["noise"],
            "model": claims["model"],
            "effect": claims["effect"].map(number),
            "interval": [interval(low, high) for low, high in zip(claims["low"], claims["high"], strict=True)],
            "n": claims["n"].astype(str),
            "margin": claims["margin"].map(number),
            "verdict": claims["verdict"],
        }
    )


def number(value: float) -> str:
    """A number for people; a dash where it is missing."""
    if pd.isna(value):
        return "–"
    digits = ".3f" if value == 0 or abs(value) >= 0.001 else ".0e"
    return f"{value:{digits}}".replace("-", "−")


def interval(low: float, high: float) -> str:
    """An interval for people; a dash where there is none."""
    return "–" if pd.isna(low) else f"[{number(low)}, {number(high)}]"


def _final(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["epoch"] == table["epoch"].max()]


def _shallow(outliers: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first half of the hidden layers."""
    return outliers[outliers["layer"] <= max(outliers["layer"].max() // 2, 1)]


def _large_shallow(run: Run) -> pd.Series:
    """The row of the shallow layer that stands out most at the end."""
    candidates = _shallow(_final(run.outliers))
    return candidates.loc[candidates["peak_over_median_active"].fillna(-1).idxmax()]


def _cosines(run: Run, measure: str) -> pd.DataFrame:
    """Epochs by layers: mean over classes, by true label."""
    table = run.separation
    table = table[(table["grouping"] == "true") & (table["class"] == MEAN_OVER_CLASSES)]
    return table.pivot(index="epoch", columns="layer", values=measure)
