"""What happened in the runs of an experiment, as tables in Markdown."""

import pandas as pd

from docs.evidence import BEYOND
from docs.evidence_tables import counts, estimate, has, has_current_findings, list_evidence, markdown, read
from epochwise.analysis.large_neuron import APPEARED_RATIO, APPEARED_SHARE
from epochwise.analysis.runs import NETWORK
from epochwise.findings.intervals import t_interval
from epochwise.findings.verdicts import number

# Measures in `phases_by_seed.csv`, with their headings.
MEASURES = {"peak": "peak", "dip": "dip", "final": "end", "recovery_cross_fitted": "recovery"}
LEVEL = 0.95  # of the intervals of differences
AFTER_FIT, SINGLE = "regeneralization_after_fit_accuracy", "large_activation_single"  # claims


def outcomes(name: str) -> str:
    """Markdown: test accuracy, large activation and verdicts of an experiment beyond the paper.

    Models or noises are compared by seed.
    """
    if name not in list_evidence():
        return f"`{name}` was not run to the end yet."
    runs, claims, findings = (read(name, table) for table in ("runs", "claims", "findings"))
    accuracy = read(name, "phases_by_seed").query("curve == 'accuracy'")
    findings["shown"] = [f"{row.verdict}, {counts(row.because)}" for row in findings.itertuples()]
    verdicts = findings.pivot(index="noise", columns="finding", values="shown").rename(columns="finding {}".format)
    which = "findings" if has_current_findings(name) else "findings as first judged"
    parts = [
        f"Test accuracy and cross-fitted recovery, means over the seeds of [`{name}`](evidence/{name}/runs.csv):",
        markdown(_accuracies(runs, accuracy).join(_effects(claims, AFTER_FIT, "recovery after the fit")).reset_index()),
        *_differences(accuracy, BEYOND[name].compares),
        "The large activation at the end" + (", and what the noise costs:" if has(name, "twins") else ":"),
        markdown(_large_activation(name, claims).reset_index()),
        f"Verdicts on the [{which}](evidence/{name}/findings.csv):",
        markdown(verdicts.reset_index()),
    ]
    return "\n\n".join(parts)


def training_course(name: str) -> pd.DataFrame:
    """By noise and model: test accuracy and fit, and how much larger one neuron is than all others at the end."""
    accuracy = read(name, "phases_by_seed").query("curve == 'accuracy'")
    neurons = read(name, "large_neurons")
    neurons["ratio"] = neurons["largest_activation"] / neurons["second_largest_activation"]
    ratio = neurons.groupby(NETWORK, sort=False)["ratio"].max()
    table = _accuracies(read(name, "runs"), accuracy)
    table.insert(table.columns.get_loc("end"), "dip at epoch", _epochs(accuracy, "dip_epoch"))
    parts = [
        table,
        ratio.map(number).rename("largest over second neuron, at most"),
        _with_one_large_neuron(neurons),
    ]
    if "followed_rms_ratio" in neurons:  # evidence of earlier code lacks it
        largest = neurons.groupby(NETWORK, sort=False)["followed_rms_ratio"].max()
        parts.append(largest.map(number).rename("ratio of equation 5, at most"))
    return pd.concat(parts, axis=1, sort=False).reset_index()


def _accuracies(runs: pd.DataFrame, accuracy: pd.DataFrame) -> pd.DataFrame:
    """By noise and model: share of wrong labels, number of seeds, MEASURES, and the epochs of the fit."""
    means = accuracy.groupby([*NETWORK, "measure"], sort=False)["value"].mean().unstack()
    table = runs.groupby(NETWORK, sort=False).agg(rate=("achieved_rate", "mean"), n=("seed", "nunique")).join(means)
    shown = {"wrong labels": table["rate"].map("{:.1%}".format), "n": table["n"]}
    shown |= {heading: table[measure].map(number) for measure, heading in MEASURES.items()}
    return pd.DataFrame(shown | {"fit at epoch": _epochs(accuracy, "fit_epoch").reindex(table.index)})


def _epochs(accuracy: pd.DataFrame, measure: str) -> pd.Series:
    """By noise and model: the smallest and the largest epoch over seeds, as text; missing if no seed has one."""
    spans = accuracy[accuracy["measure"] == measure].dropna().groupby(NETWORK, sort=False)["value"].agg(["min", "max"])
    text = [f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}" for low, high in spans.to_numpy()]
    return pd.Series(text, spans.index, dtype=object)


def _effects(claims: pd.DataFrame, claim: str, heading: str) -> pd.Series:
    """The effects of a claim with their intervals, by noise and model."""
    rows = claims[claims["claim"] == claim].set_index(NETWORK)
    return pd.Series([estimate(row.effect, row.low, row.high) for row in rows.itertuples()], rows.index, name=heading)


def _large_activation(name: str, claims: pd.DataFrame) -> pd.DataFrame:
    """By noise and model: octaves above the second neuron, seeds with one large neuron, and the gap to the twin."""
    parts = [_effects(claims, SINGLE, "octaves above the second neuron")]
    if has(name, "large_neurons"):
        parts.append(_with_one_large_neuron(read(name, "large_neurons")))
    if has(name, "twins"):
        twins = read(name, "twins").set_index(NETWORK)
        gap = [estimate(row.gap, row.gap_low, row.gap_high) for row in twins.itertuples()]
        parts.append(pd.DataFrame({"gap to the twin": gap, "overfitting": twins["overfitting"]}, index=twins.index))
    return pd.concat(parts, axis=1, sort=False)


def _with_one_large_neuron(table: pd.DataFrame) -> pd.Series:
    """In how many seeds some layer has one large neuron at the end, as text, by noise and model.

    A neuron counts if it meets the criterion of having appeared. `table` is `large_neurons.csv`.
    """
    ratio = table["largest_activation"] / table["second_largest_activation"]
    large = (ratio >= APPEARED_RATIO) & (table["argmax_share"] >= APPEARED_SHARE)
    of_runs = large.groupby([table["noise"], table["model"], table["seed"]], sort=False).any()
    seeds = of_runs.groupby(level=[0, 1], sort=False).agg(["sum", "size"])
    return (seeds["sum"].astype(str) + " of " + seeds["size"].astype(str)).rename("seeds with one large neuron")


def _differences(accuracy: pd.DataFrame, key: str | None) -> list[str]:
    """Markdown: difference of each model or noise to the first one, paired by seed.

    `key` is `model`, `noise`, or None for no text. `accuracy` holds the rows of `phases_by_seed` about accuracy.
    """
    if key is None:
        return []
    within = {"model": "noise", "noise": "model"}[key]
    first = accuracy[key].iloc[0]
    rows = []
    for group, of_group in accuracy.groupby(within, sort=False):
        of_seeds = of_group.pivot(index="seed", columns=[key, "measure"], values="value")
        for other in of_group[key].unique()[1:]:
            row = {within: group, key: other, "n": len(of_seeds)}
            for measure, heading in MEASURES.items():
                differences = of_seeds[other, measure] - of_seeds[first, measure]
                row[heading] = estimate(*t_interval(differences, LEVEL)[:3])
            rows.append(row)
    return [
        f"Differences to `{first}`, paired by seed, with {LEVEL * 100:g} % intervals:",
        markdown(pd.DataFrame(rows)),
    ]
