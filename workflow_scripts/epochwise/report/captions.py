"""The texts of the report: a caption per figure with the claims that it shows, and the page of claims and findings."""

from pathlib import Path

import pandas as pd
from jinja2 import Environment

from epochwise.catalogue import FIGURES, PAGES
from epochwise.findings.claims import CLAIMS, PAPER, for_people
from epochwise.findings.verdicts import CONTRADICTED, REPRODUCED

# Okabe–Ito blue and vermilion: colour-blind readers can tell them apart, and the word is there in any case.
COLOURS = {REPRODUCED: "color: #0072b2; font-weight: bold", CONTRADICTED: "color: #d55e00; font-weight: bold"}
TEMPLATE = Path(__file__).with_suffix(".html.jinja")


def caption(name: str, claims: pd.DataFrame, level: float) -> str:
    """The caption of a figure or page in reStructuredText: what it shows, then each claim with what was measured.

    `claims` is the table CLAIMS_TABLE, and `level` the level of its intervals.
    """
    parts = [{**{figure.name: figure.caption for figure in FIGURES}, **PAGES}[name]]
    shown = [claim.name for claim in CLAIMS if name in claim.figures]
    for _, rows in claims[claims["claim"].isin(shown)].groupby("claim", sort=False):
        first = rows.iloc[0]
        table = for_people(rows).rename(columns={"interval": f"{level * 100:g}% interval"})
        parts.append(f"**{_whose(first['source'])}:** {first['statement']} **Measured:** {first['measure']}.")
        parts.append(table.to_markdown(index=False, tablefmt="grid", disable_numparse=True))
    return "\n\n".join(parts) + "\n"


def claims_page(claims: pd.DataFrame, findings: pd.DataFrame, level: float) -> str:
    """One self-contained HTML page with the findings and the claims."""
    repeated = claims["claim"].duplicated()
    words = {
        "statement": claims["statement"].mask(repeated, ""),
        "whose": claims["source"].map(_whose).mask(repeated, ""),
        "measured": claims["measure"].mask(repeated, ""),
    }
    shown = findings[["finding", "title", "statement", "noise", "verdict", "because"]]
    return (
        Environment(autoescape=False, trim_blocks=True)
        .from_string(TEMPLATE.read_text("utf-8"))
        .render(
            findings=_table(shown.rename(columns={"statement": "the paper states"}), "findings"),
            claims=_table(pd.concat([pd.DataFrame(words), for_people(claims)], axis=1), "claims"),
            level=f"{level * 100:g}",
        )
    )


def _table(table: pd.DataFrame, name: str) -> str:
    styled = table.style.map(lambda verdict: COLOURS.get(verdict, ""), subset="verdict").hide(axis="index")
    return styled.format(escape="html").set_uuid(name).to_html(table_attributes=f'class="{name}"')


def _whose(source: str) -> str:
    return "The paper states" if source == PAPER else "Our stricter reading"
