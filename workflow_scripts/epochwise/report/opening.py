"""What the report opens with: the three findings, then the paper's claims, each with effect, interval and verdict."""

import pandas as pd

from epochwise.findings.claim import PUBLIC_READING
from epochwise.findings.claims import PAPER
from epochwise.findings.findings import FINDINGS
from epochwise.findings.judging import SEEDS_EXPLAINED, format_claims
from epochwise.report.captions import explain_verdicts, plain

READING = "By the public reading"  # marks claims that we know from it


def opening(experiment: str, claims: pd.DataFrame, findings: pd.DataFrame, level: float) -> str:
    """The opening in reStructuredText. Its links are to pages in the same folder as the report.

    Args:
        experiment: its name.
        claims: the table CLAIMS_TABLE.
        findings: the table FINDINGS_TABLE.
        level: level of the intervals, 0 to 1.
    """
    parts = [
        _heading(f"Findings of {plain(experiment)}", "-"),
        "`Explorer <explorer.html>`__: curves, layers, neurons and samples at any epoch. "
        "`Findings and claims <claims.html>`__: every claim with its reasons.",
        "\n".join(f"- {line}" for line in _findings(findings)),
        _heading("Claims of the paper", "-"),
        "Effect: mean over seeds; a positive effect supports the claim. It is reproduced if the whole interval is "
        f"above the margin. {SEEDS_EXPLAINED} Models that a claim is not about are left out here. Not applicable: no "
        "run of the model has what the claim is about.",
    ]
    if (claims["reading"] != "").any():
        parts.append(f"{READING}: what the paper states, {PUBLIC_READING}.")
    for finding in FINDINGS:
        of_paper = (claims["finding"] == finding.number) & (claims["source"] == PAPER) & claims["in_scope"]
        if of_paper.any():
            parts += [f"**{finding.number}. {plain(finding.title)}**", _table(claims[of_paper], level)]
    return "\n\n".join(parts) + "\n"


def _heading(text: str, underline: str) -> str:
    return f"{text}\n{underline * len(text)}"


def _findings(findings: pd.DataFrame) -> list[str]:
    """One line per finding and noise: its verdict, what the paper states, and how many verdicts support it."""
    several = findings["noise"].nunique() > 1
    return [
        f"**{row.finding}. {plain(row.title)}: {row.verdict}**{' with ' + plain(row.noise) if several else ''}. "
        f"In the paper: {plain(row.statement)} Here: {plain(row.because.split(';')[0])}."
        for row in findings.itertuples()
    ]


def _table(claims: pd.DataFrame, level: float) -> str:
    """The claims, one row per noise and model. A statement is written once, in its first row."""
    rows = format_claims(claims)
    rows["verdict"] += explain_verdicts(claims).map(lambda reason: f": {reason}" if reason else "")
    repeated = claims["claim"].duplicated()
    statements = claims["statement"] + claims["reading"].map(lambda reading: f" ({READING.lower()})" if reading else "")
    rows.insert(0, "claim", statements.mask(repeated, ""))
    if claims["noise"].nunique() == 1:
        rows = rows.drop(columns="noise")
    rows = rows.drop(columns="n").rename(columns={"interval": f"{level * 100:g}% interval"})
    return rows.map(plain).to_markdown(index=False, tablefmt="grid", disable_numparse=True)
