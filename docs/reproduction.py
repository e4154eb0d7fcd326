"""Write docs/reproduction.md from the evidence in docs/evidence: what the paper states, and what we found."""

import inspect
from pathlib import Path

import jinja2
import pandas as pd

from docs.evidence import BEYOND, ROOT
from docs.evidence_tables import counts, estimate, list_evidence, markdown, read
from docs.outcomes import outcomes, training_course
from epochwise.findings.claims import CLAIMS, Claim
from epochwise.findings.findings import FINDINGS, Finding

ORDER = ("cifar10", "cifar10_small", "mnist")  # the paper's data first
TEMPLATE = Path(__file__).with_suffix(".md.jinja")
# Settings that the public text of the paper leaves out, as columns of `runs.csv`.
OPTIONAL = ("measures", "interventions")  # parts whose claims have their own tables
OPEN = ("width", "learning_rate", "batch_size", "epochs", "input_scaling", "initialization", "precision")


def list_experiments() -> list[str]:
    """The experiments with evidence that repeat the paper: those of ORDER first."""
    found = list_evidence() - set(BEYOND)
    return [name for name in ORDER if name in found] + sorted(found - set(ORDER))


def page() -> str:
    """The text of docs/reproduction.md."""
    names = list_experiments()
    template = jinja2.Template(
        TEMPLATE.read_text("utf-8"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return template.render(
        experiments=names,
        about=_about(names),
        course=_course(names),
        outcomes=outcomes,
        beyond=_beyond,
        effect=_effect,
        settings=_settings(names),
        findings=[(finding, _verdicts(finding, names), _primary(finding, names)) for finding in FINDINGS],
        others=_table([claim for claim in CLAIMS if not (_is_primary(claim) or claim.needs in OPTIONAL)], names),
    )


def _beyond(part: str) -> str:
    """Markdown: the claims of an optional part of the workflow, in every experiment whose evidence has them."""
    names = [*list_experiments(), *(name for name in BEYOND if name in list_evidence())]
    return _table([claim for claim in CLAIMS if claim.needs == part], names)


def overview(names: list[str], base: str) -> str:
    """Markdown: a row per finding with its verdict in each experiment. `base` is the path from the page to docs/."""
    rows = []
    for finding in FINDINGS:
        row = {"finding": f"**{finding.title}.** {finding.statement}"}
        for name in names:
            found = read(name, "findings")
            found = found[found["finding"] == finding.number]
            row[f"`{name}`"] = "<br>".join(
                f"[**{entry.verdict}**]({base}evidence/{name}/findings.csv#L{entry.Index + 2}): {counts(entry.because)}"
                for entry in found.itertuples()
            )
        rows.append(row)
    return markdown(pd.DataFrame(rows))


def _about(names: list[str]) -> str:
    """Markdown: a row per experiment: its runs, and where and how long they were trained."""
    rows = []
    for name in names:
        runs = read(name, "runs")
        commits = [f"`{commit[:7]}`" for commit in runs["git_commit"].dropna().unique()]
        rows.append(
            {
                "experiment": f"[`{name}`](evidence/{name}/runs.csv)",
                "models": ", ".join(
                    f"{model} {rows['hidden_layers'].iloc[0]} × {rows['width'].iloc[0]:,}"
                    for model, rows in runs.groupby("model", sort=False)
                ),
                "seeds": runs["seed"].nunique(),
                "wrong labels": f"{runs['achieved_rate'].mean():.1%}",
                "training": f"{core_hours(runs):.2g} core-hours",
                "machine": ", ".join(runs["machine"].unique()),
                "trained at": ", ".join(commits) or "–",
            }
        )
    return markdown(pd.DataFrame(rows))


def core_hours(runs: pd.DataFrame) -> float:
    """Core-hours of training. A continued run recorded only its last epochs, so their rate counts for all epochs."""
    trained = runs["epochs"] - runs["resumed_from_epoch"].fillna(0)
    sums = runs.assign(trained=trained).groupby("model")[["cpu_seconds", "epochs", "trained"]].sum()
    return (sums["cpu_seconds"] * sums["epochs"] / sums["trained"]).sum() / 3600


def _course(names: list[str]) -> str:
    """Markdown: a row per experiment and model: test accuracy, fit of the noise, and the largest activation."""
    tables = [
        training_course(name).assign(experiment=f"[`{name}`](evidence/{name}/phases_by_seed.csv)") for name in names
    ]
    table = pd.concat(tables).drop(columns=["noise", "wrong labels"])
    return markdown(table[["experiment", *table.columns.drop("experiment")]])


def _settings(names: list[str]) -> str:
    """Markdown: our settings that the public text of the paper leaves out, for each experiment."""
    rows = []
    for name in names:
        runs = read(name, "runs")
        values = {key: ", ".join(f"{value}" for value in runs[key].unique()) for key in OPEN}
        rows.append({"experiment": f"`{name}`"} | {key.replace("_", " "): value for key, value in values.items()})
    return markdown(pd.DataFrame(rows))


def _verdicts(finding: Finding, names: list[str]) -> dict[str, str]:
    """The verdict on a finding by experiment."""
    found = {name: read(name, "findings") for name in names}
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
            table = read(name, "claims")
            for row in table[(table["claim"] == claim.name) & table["in_scope"]].itertuples():
                rows.append(
                    {
                        "claim": f"[{claim.name}]({code_of(claim)})"
                        if not rows or rows[-1]["of"] != claim.name
                        else "",
                        "of": claim.name,
                        "experiment": f"`{name}`",
                        "model": row.model,
                        "effect, 95 % interval": _linked(name, row),
                        "n": row.n,
                        "margin": f"{row.margin:g}",
                        "verdict": f"**{row.verdict}**",
                    }
                )
    return markdown(pd.DataFrame(rows).drop(columns="of")) if rows else "No experiment with evidence has these claims."


def _linked(name: str, row: tuple) -> str:
    """Markdown: the effect of a row of `claims.csv`, as a link to the row."""
    return f"[{estimate(row.effect, row.low, row.high)}](evidence/{name}/claims.csv#L{row.Index + 2})"


def _effect(name: str, claim: str, model: str) -> str:
    """Markdown: the effect of a claim in a model of an experiment with one noise, as a link to its row."""
    table = read(name, "claims")
    (row,) = table[(table["claim"] == claim) & (table["model"] == model)].itertuples()
    return _linked(name, row)


def code_of(claim: Claim) -> str:
    """Link to the function that defines the effect of a claim."""
    function = getattr(claim.effect, "func", claim.effect)
    path = Path(inspect.getsourcefile(function)).resolve().relative_to(ROOT)
    return f"../{path}#L{inspect.getsourcelines(function)[1]}"
