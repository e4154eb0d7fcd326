"""The texts of the report: a caption per figure with the claims that it shows, and the page of findings and claims."""

import re
from pathlib import Path

import pandas as pd
from jinja2 import Environment

from epochwise.catalogue import FIGURES, PAGES
from epochwise.findings.claim import PUBLIC_READING
from epochwise.findings.claims import ALL_MODELS, CLAIMS, PAPER
from epochwise.findings.findings import FINDINGS, Finding
from epochwise.findings.judging import SEEDS_EXPLAINED, format_claims, format_reasons, whose

TEMPLATE = Path(__file__).with_suffix(".html.jinja")


def caption(name: str, claims: pd.DataFrame, level: float) -> str:
    """The caption of a figure or page in reStructuredText: what it shows, what the paper reports there, and its claims.

    `claims` is the table CLAIMS_TABLE, and `level` the level of its intervals, 0 to 1.
    """
    figure = next((figure for figure in FIGURES if figure.name == name), None)
    parts = [plain(figure.caption if figure else PAGES[name])]
    if figure and figure.reading:
        parts.append(f"**In the paper,** {PUBLIC_READING}: {plain(figure.reading)}")
    shown = claims[claims["claim"].isin([claim.name for claim in CLAIMS if name in claim.figures])]
    for _, rows in shown.groupby("claim", sort=False):
        first = rows.iloc[0]
        table = format_claims(rows).rename(columns={"interval": f"{level * 100:g}% interval"})
        statement, definition = plain(first["statement"]), plain(first["definition"])
        parts.append(f"**{introduce(first)}:** {statement} **Measured:** {definition}.")
        parts.append(table.map(plain).to_markdown(index=False, tablefmt="grid", disable_numparse=True))
    if (shown["reading"] != "").any() and not (figure and figure.reading):
        parts.append(f"The public reading: what the paper states, {PUBLIC_READING}.")
    return "\n\n".join(parts) + "\n"


def introduce(claim: pd.Series) -> str:
    """How a text begins that quotes the statement of `claim`, a row of CLAIMS_TABLE.

    A statement of the paper that we know from the public reading only is not quoted as the paper's own words.
    """
    begins = whose(claim["source"])
    return f"{begins}, by the public reading" if claim["reading"] and claim["source"] == PAPER else begins


def explain_verdicts(claims: pd.DataFrame) -> pd.Series:
    """Why each row is inconclusive or not applicable; empty if it is neither."""
    return format_reasons(claims).mask(claims["verdict"] == "not applicable", "no run has what the claim is about")


def plain(text: str) -> str:
    r"""Text for reStructuredText in which no character is markup: |r| and a name such as `mlp_` would be.

    >>> print(plain("|r| of mlp_"))
    \|r\| of mlp\_
    """
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def claims_page(experiment: str, claims: pd.DataFrame, findings: pd.DataFrame, level: float) -> str:
    """One self-contained HTML page: the findings with their reasons, then the claims, grouped by finding.

    Args:
        experiment: its name, for the title.
        claims: the table CLAIMS_TABLE.
        findings: the table FINDINGS_TABLE.
        level: level of the intervals, 0 to 1.
    """
    # `word` is the plain verdict, which decides the colour. `verdict` is in brackets if the model is out of scope.
    about = claims[["claim", "finding", "source", "statement", "definition", "reading", "scope", "in_scope"]]
    words = [claims["verdict"].rename("word"), explain_verdicts(claims).rename("reason")]
    no_effect = claims["claim"].map({claim.name: claim.no_effect for claim in CLAIMS}).rename("no_effect")
    rows = pd.concat([about, format_claims(claims), *words, no_effect], axis=1)
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(TEMPLATE.read_text("utf-8"))
    return page.render(
        experiment=experiment,
        level=f"{level * 100:g}%",
        seeds_explained=SEEDS_EXPLAINED,
        public_reading=PUBLIC_READING,
        noises=[*claims["noise"].unique()],
        findings=[_about_finding(finding, rows, findings) for finding in FINDINGS],
    )


def _about_finding(finding: Finding, rows: pd.DataFrame, findings: pd.DataFrame) -> dict:
    """What the page shows of a finding: its verdict on each noise with the reasons, and its claims."""
    rows = rows[rows["finding"] == finding.number].assign(primary=rows["claim"].isin(finding.primary))
    verdicts = findings[findings["finding"] == finding.number].to_dict("records")
    for verdict in verdicts:
        reasons = rows[rows["primary"] & rows["in_scope"] & (rows["noise"] == verdict["noise"])]
        verdict["reasons"] = _claims(reasons)
    return {"about": finding, "verdicts": verdicts, "claims": _claims(rows)}


def _claims(rows: pd.DataFrame) -> list[dict]:
    """The claims among `rows`, each with what its rows have in common and with its rows."""
    return [
        {
            **of_claim.iloc[0],
            "whose": introduce(of_claim.iloc[0]).replace("The paper states", "Stated by the paper"),
            "everywhere": of_claim.iloc[0]["scope"] == ALL_MODELS,
            "rows": of_claim.to_dict("records"),
        }
        for _, of_claim in rows.groupby("claim", sort=False)
    ]
