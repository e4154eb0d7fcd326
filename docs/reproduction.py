"""Write docs/reproduction.md from the evidence in docs/evidence: what the paper states, and what we found."""

import inspect
from pathlib import Path

import jinja2
import pandas as pd

from docs.evidence import BEYOND, EVIDENCE, ROOT
from epochwise.findings.claims import CLAIMS, Claim
from epochwise.findings.findings import FINDINGS, Finding
from epochwise.findings.intervals import t_interval
from epochwise.findings.verdicts import interval, number

ORDER = ("cifar10", "cifar10_small", "mnist")  # the paper's data first
# Of `phases_by_seed.csv`, with their headings.
QUANTITIES = {"peak": "peak", "dip": "dip", "final": "end", "recovery_cross_fitted": "recovery"}
# Of `claims.csv`, with their headings.
EFFECTS = {
    "regeneralization_after_fit_accuracy": "recovery after the fit",
    "large_activation_single": "octaves above the runner-up",
}
LEVEL = 0.95  # of the intervals of these differences
TEMPLATE = Path(__file__).with_suffix(".md.jinja")
# Settings that the paper leaves open, as columns of `runs.csv`.
OPEN = ("width", "learning_rate", "batch_size", "epochs", "input_scaling", "initialization", "precision")


def _with_evidence() -> set[str]:
    return {path.parent.name for path in EVIDENCE.glob("*/claims.csv")}


def experiments() -> list[str]:
    """The experiments with evidence that repeat what the paper did: those of ORDER first."""
    found = _with_evidence() - set(BEYOND)
    return [name for name in ORDER if name in found] + sorted(found - set(ORDER))


def page() -> str:
    """The text of docs/reproduction.md."""
    names = experiments()
    template = jinja2.Template(
        TEMPLATE.read_text("utf-8"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return template.render(
        experiments=names,
        about=_about(names),
        settings=_settings(names),
        findings=[(finding, _verdicts(finding, names), _primary(finding, names)) for finding in FINDINGS],
        others=_table([claim for claim in CLAIMS if not _is_primary(claim)], names),
    )


def beyond(part: str) -> str:
    """Markdown: the claims of an optional part of the workflow, in every experiment whose evidence has them."""
    names = [*experiments(), *(name for name in BEYOND if name in _with_evidence())]
    return _table([claim for claim in CLAIMS if claim.needs == part], names)


def outcomes(name: str) -> str:
    """Markdown: per noise and model of an experiment beyond the paper its test accuracy, and the gap to its twin.

    Below it stand what it compares, and its verdicts on the paper's findings.
    """
    if name not in _with_evidence():
        return f"`{name}` was not run to the end yet."
    keys = ["noise", "model"]
    runs, phases = _read(name, "runs"), _read(name, "phases_by_seed")
    accuracy = phases[phases["metric"] == "accuracy"]
    means = accuracy.groupby([*keys, "quantity"], sort=False)["value"].mean().unstack()
    table = runs.groupby(keys, sort=False).agg(rate=("achieved_rate", "mean"), n=("seed", "nunique")).join(means)
    columns = {"wrong labels": table["rate"].map("{:.1%}".format), "n": table["n"]}
    for quantity, heading in QUANTITIES.items():
        columns[heading] = table[quantity].map(number)
    columns["noise fitted at epoch"] = table["fit_epoch"].map("{:.0f}".format, na_action="ignore")
    shown = pd.DataFrame(columns)
    if (EVIDENCE / name / "twins.csv").exists():
        twins = _read(name, "twins").set_index(keys)
        gap = [_estimate(row.gap, row.gap_low, row.gap_high) for row in twins.itertuples()]
        shown = shown.join(twins[["overfitting"]].assign(**{"gap to the twin": gap}))
    claims = _read(name, "claims").set_index(keys)
    for claim, heading in EFFECTS.items():
        of_claim = claims[claims["claim"] == claim]
        effects = [_estimate(row.effect, row.low, row.high) for row in of_claim.itertuples()]
        shown = shown.join(pd.DataFrame({heading: effects}, index=of_claim.index))
    if (EVIDENCE / name / "large_neurons.csv").exists():
        shown = shown.join(_with_one_large_neuron(_read(name, "large_neurons")))
    findings = _read(name, "findings")
    findings["shown"] = [f"{row.verdict}, {_count(row.because)}" for row in findings.itertuples()]
    verdicts = findings.pivot(index="noise", columns="finding", values="shown").rename(columns="finding {}".format)
    return (
        f"Test accuracy and cross-fitted recovery, means over the seeds of [`{name}`](evidence/{name}/runs.csv):\n\n"
        f"{_markdown(shown.fillna('–').reset_index())}\n\n"
        f"{_compared(accuracy, BEYOND[name].compares)}"
        f"Verdicts on the [paper's findings](evidence/{name}/findings.csv):\n\n"
        f"{_markdown(verdicts.reset_index())}"
    )


def _with_one_large_neuron(table: pd.DataFrame) -> pd.Series:
    """In how many seeds one neuron stands alone at the end in some layer, as text, by noise and model.

    It does so if its peak is at least twice the second largest one, and if it is the largest of its layer on at least
    half of the samples. `table` is `large_neurons.csv`.
    """
    alone = (table["peak"] >= 2 * table["runner_up"]) & (table["argmax_share"] >= 0.5)
    of_runs = alone.groupby([table["noise"], table["model"], table["seed"]], sort=False).any()
    counts = of_runs.groupby(level=[0, 1], sort=False).agg(["sum", "size"])
    return (counts["sum"].astype(str) + " of " + counts["size"].astype(str)).rename("seeds with one large neuron")


def _compared(accuracy: pd.DataFrame, key: str | None) -> str:
    """Markdown: difference of each model or noise to the first one, paired by seed.

    `key` is `model`, `noise`, or None for no text. `accuracy` holds the rows of the table `phases_by_seed` that are
    about accuracy.
    """
    if key is None:
        return ""
    within = {"model": "noise", "noise": "model"}[key]
    first = accuracy[key].iloc[0]
    rows = []
    for group, of_group in accuracy.groupby(within, sort=False):
        of_seeds = of_group.pivot(index="seed", columns=[key, "quantity"], values="value")
        for other in of_group[key].unique()[1:]:
            row = {within: group, key: f"{other} − {first}", "n": len(of_seeds)}
            for quantity, heading in QUANTITIES.items():
                differences = of_seeds[other, quantity] - of_seeds[first, quantity]
                row[heading] = _estimate(*t_interval(differences, LEVEL)[:3])
            rows.append(row)
    return (
        f"Differences to `{first}`, paired by seed, with {LEVEL * 100:g} % intervals:\n\n"
        f"{_markdown(pd.DataFrame(rows))}\n\n"
    )


def overview(names: list[str], base: str) -> str:
    """Markdown: a row per finding with its verdict in each experiment. `base` is the way from the page to docs/."""
    rows = []
    for finding in FINDINGS:
        row = {"finding": f"**{finding.title}.** {finding.statement}"}
        for name in names:
            found = _read(name, "findings")
            found = found[found["finding"] == finding.number]
            row[f"`{name}`"] = "<br>".join(
                f"[**{entry.verdict}**]({base}evidence/{name}/findings.csv#L{entry.Index + 2}): {_count(entry.because)}"
                for entry in found.itertuples()
            )
        rows.append(row)
    return _markdown(pd.DataFrame(rows))


def _count(because: str) -> str:
    """How many verdicts on the primary claims are *reproduced*, from the column `because` of the findings."""
    return because.split(" reproduced")[0].replace(" verdicts", " primary verdicts") + " reproduced"


def _about(names: list[str]) -> str:
    """Markdown: a row per experiment: its runs, and where and how long they were trained."""
    rows = []
    for name in names:
        runs = _read(name, "runs")
        commits = [f"`{commit[:7]}`" for commit in runs["git_commit"].dropna().unique()]
        rows.append(
            {
                "experiment": f"[`{name}`](evidence/{name}/runs.csv)",
                "models": ", ".join(
                    f"{model} {rows['hidden_layers'].iloc[0]} × {rows['width'].iloc[0]:,}"
                    for model, rows in runs.groupby("model", sort=False)
                ),
                "seeds": runs["seed"].nunique(),
                "wrong labels": f"{runs['noise_rate'].mean():.1%}",
                "training": f"{runs['cpu_seconds'].sum() / 3600:.2g} core-hours",
                "machine": ", ".join(runs["machine"].unique()),
                "trained at": ", ".join(commits) or "–",
            }
        )
    return _markdown(pd.DataFrame(rows))


def _settings(names: list[str]) -> str:
    """Markdown: our values of what the paper leaves open, for each experiment."""
    rows = []
    for name in names:
        runs = _read(name, "runs")
        values = {key: ", ".join(f"{value}" for value in runs[key].unique()) for key in OPEN}
        rows.append({"experiment": f"`{name}`"} | {key.replace("_", " "): value for key, value in values.items()})
    return _markdown(pd.DataFrame(rows))


def _verdicts(finding: Finding, names: list[str]) -> dict[str, str]:
    """The verdict on a finding by experiment."""
    found = {name: _read(name, "findings") for name in names}
    return {name: ", ".join(table.loc[table["finding"] == finding.number, "verdict"]) for name, table in found.items()}


def _primary(finding: Finding, names: list[str]) -> str:
    return _table([claim for claim in CLAIMS if claim.name in finding.primary], names)


def _is_primary(claim: Claim) -> bool:
    return any(claim.name in finding.primary for finding in FINDINGS)


def _table(claims: list[Claim], names: list[str]) -> str:
    """Markdown: one row per claim, experiment and model in scope. Each number links to its row of the evidence."""
    rows = []
    for claim in claims:
        for name in names:
            table = _read(name, "claims")
            for row in table[(table["claim"] == claim.name) & table["in_scope"]].itertuples():
                effect = _estimate(row.effect, row.low, row.high)
                rows.append(
                    {
                        "claim": f"[{claim.name}]({code_of(claim)})"
                        if not rows or rows[-1]["of"] != claim.name
                        else "",
                        "of": claim.name,
                        "experiment": f"`{name}`",
                        "model": row.model,
                        "effect, 95 % interval": f"[{effect}](evidence/{name}/claims.csv#L{row.Index + 2})",
                        "n": row.n,
                        "margin": f"{row.margin:g}",
                        "verdict": f"**{row.verdict}**",
                    }
                )
    return _markdown(pd.DataFrame(rows).drop(columns="of")) if rows else "No experiment with evidence has these claims."


def code_of(claim: Claim) -> str:
    """Link to the function that defines the effect of a claim."""
    function = getattr(claim.effect, "func", claim.effect)
    path = Path(inspect.getsourcefile(function)).resolve().relative_to(ROOT)
    return f"../{path}#L{inspect.getsourcelines(function)[1]}"


def _estimate(mean: float, low: float, high: float) -> str:
    return number(mean) if pd.isna(low) else f"{number(mean)} {interval(low, high)}"


def _read(name: str, table: str) -> pd.DataFrame:
    return pd.read_csv(EVIDENCE / name / f"{table}.csv")


def _markdown(table: pd.DataFrame) -> str:
    return table.to_markdown(index=False, disable_numparse=True)
