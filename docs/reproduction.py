"""Write docs/reproduction.md from the evidence in docs/evidence: what the paper states, and what we found."""

import inspect
from collections.abc import Callable
from pathlib import Path

import jinja2
import pandas as pd

from docs import evidence
from docs.evidence import BEYOND, ROOT, SHOWN
from docs.evidence_tables import (
    counts,
    describe_widths,
    estimate,
    has_current_findings,
    list_evidence,
    markdown,
    read,
)
from docs.outcomes import outcomes, training_course
from epochwise.findings.claims import CLAIMS, Claim
from epochwise.findings.findings import FINDINGS, Finding

PAPER_SETTINGS = ("paper", "paper_mlp7")  # experiments with the settings of the paper
ORDER = (*PAPER_SETTINGS, "cifar10_uniform", "cifar10_small", "mnist")  # the paper's settings and data first
TEMPLATE = Path(__file__).with_suffix(".md.jinja")
OPTIONAL = ("measures", "interventions")  # parts whose claims have their own tables
# Settings that the page compares, as columns of `runs.csv`. Evidence of earlier code has no column `loss`.
COMPARED = ("learning_rate", "batch_size", "epochs", "loss", "input_scaling", "initialization", "precision")
ONLY_LOSS_OF_EARLIER_CODE = "cross_entropy"
NOTHING_YET = "No experiment with evidence has these claims."


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
        with_paper_settings=[name for name in names if name in PAPER_SETTINGS],
        overview=overview(names, ""),
        about=_about(names),
        course=_course(names),
        outcomes=outcomes,
        beyond=_beyond,
        effect=_effect,
        settings=_settings(names),
        findings=[(finding, _verdicts(finding, names), _primary(finding, names)) for finding in FINDINGS],
        others=_table([claim for claim in CLAIMS if not (_is_primary(claim) or claim.needs in OPTIONAL)], names),
        earlier=_earlier(names),
        pictures=_pictures,
    )


def _beyond(part: str) -> str:
    """Markdown: the claims of an optional part of the workflow, in every experiment whose evidence has them."""
    names = [*list_experiments(), *(name for name in BEYOND if name in list_evidence())]
    return _table([claim for claim in CLAIMS if claim.needs == part], names)


def overview(names: list[str], base: str) -> str:
    """Markdown: a row per finding with its verdict in each experiment. `base` is the path from the page to docs/.

    Experiments that earlier code judged have a table of their own, because their findings are others.
    """
    current = [name for name in names if has_current_findings(name)]
    earlier = [name for name in names if name not in current]
    parts = []
    if current:
        about = "Verdicts on the findings, as a public reading of the full text reports them:"
        parts += [about, _verdicts_by_finding(current, base)]
    if earlier:
        about = "Verdicts on earlier versions of the findings, which we made from the abstract of the paper alone:"
        parts += [about, _verdicts_by_finding(earlier, base)]
    if not set(names) & set(PAPER_SETTINGS):
        without = "No run with the paper's settings has finished yet. These runs have other settings."
        parts[0] = f"{without} {parts[0]}" if parts else without
    return "\n\n".join(parts)


def _verdicts_by_finding(names: list[str], base: str) -> str:
    """Markdown: a row per finding, in the words of the evidence of these experiments, and a column per experiment."""
    findings = {name: read(name, "findings") for name in names}
    rows = []
    for first in findings[names[0]].drop_duplicates("finding").itertuples():
        row = {"finding": f"**{first.title}.** {first.statement}"}
        for name, found in findings.items():
            row[f"`{name}`"] = "<br>".join(
                f"[**{entry.verdict}**]({base}evidence/{name}/findings.csv#L{entry.Index + 2}): {counts(entry.because)}"
                for entry in found[found["finding"] == first.finding].itertuples()
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
                    f"{model} {describe_widths(rows).iloc[0]}" for model, rows in runs.groupby("model", sort=False)
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
    """Markdown: a row per experiment with its widths and its settings of training."""
    rows = []
    for name in names:
        runs = read(name, "runs")
        runs["loss"] = runs.get("loss", ONLY_LOSS_OF_EARLIER_CODE)
        row = {"experiment": f"`{name}`", "widths": ", ".join(describe_widths(runs).unique())}
        row |= {key.replace("_", " "): ", ".join(f"{value}" for value in runs[key].unique()) for key in COMPARED}
        rows.append(row)
    return markdown(pd.DataFrame(rows))


def _pictures(name: str) -> str:
    """Markdown: the pictures of an experiment, two in a row."""
    kept = [figure for figure in SHOWN if (evidence.PICTURES / name / f"{figure}.png").exists()]
    cells = [f"![{figure.replace('_', ' ')}](figures/{name}/{figure}.png)" for figure in kept]
    cells += [""] * (len(cells) % 2)
    rows = [f"| {left} | {right} |" for left, right in zip(cells[::2], cells[1::2], strict=True)]
    return "\n".join(["| | |", "|---|---|", *rows])


def _verdicts(finding: Finding, names: list[str]) -> dict[str, str]:
    """The verdict on a finding by experiment, without those that earlier code judged by other claims."""
    found = {name: read(name, "findings") for name in names if has_current_findings(name)}
    return {name: ", ".join(table.loc[table["finding"] == finding.number, "verdict"]) for name, table in found.items()}


def _primary(finding: Finding, names: list[str]) -> str:
    return _table([claim for claim in CLAIMS if claim.name in finding.primary], names)


def _earlier(names: list[str]) -> str:
    """Markdown: claims in the evidence that today's code does not have; empty if there are none."""
    known = {claim.name for claim in CLAIMS}
    tables = [read(name, "claims") for name in names]
    gone = [claim for table in tables for claim in table["claim"].unique() if claim not in known]
    links = {claim: f"`{claim}`" for claim in dict.fromkeys(gone)}
    return _rows(links, names) if links else ""


def _is_primary(claim: Claim) -> bool:
    return any(claim.name in finding.primary for finding in FINDINGS)


def _table(claims: list[Claim], names: list[str]) -> str:
    """Markdown: one row per claim, experiment and model in scope. Each number links to its row of the evidence."""
    return _rows({claim.name: f"[{claim.name}]({code_of(claim)})" for claim in claims}, names)


def _rows(claims: dict[str, str], names: list[str]) -> str:
    """Markdown: the table of `_table` about these claims, each with the text to show for it."""
    rows = []
    for claim, text in claims.items():
        first = True
        for name in names:
            table = read(name, "claims")
            for row in table[(table["claim"] == claim) & table["in_scope"]].itertuples():
                rows.append(
                    {
                        "claim": text if first else "",
                        "experiment": f"`{name}`",
                        "model": row.model,
                        "effect, 95 % interval": _linked(name, row),
                        "n": row.n,
                        "margin": f"{row.margin:g}",
                        "verdict": f"**{row.verdict}**",
                    }
                )
                first = False
    return markdown(pd.DataFrame(rows)) if rows else NOTHING_YET


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
    return link_to_code(getattr(claim.effect, "func", claim.effect))


def link_to_code(function: Callable) -> str:
    """Link from a page of docs/ to the first line of a function of this project."""
    path = Path(inspect.getsourcefile(function)).resolve().relative_to(ROOT)
    return f"../{path}#L{inspect.getsourcelines(function)[1]}"
