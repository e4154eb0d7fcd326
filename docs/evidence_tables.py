"""Read the tables of docs/evidence, and write their numbers in Markdown."""

import pandas as pd

from docs.evidence import EVIDENCE
from epochwise.findings.findings import FINDINGS
from epochwise.findings.verdicts import interval, number


def list_evidence() -> set[str]:
    """The experiments with evidence."""
    return {path.parent.name for path in EVIDENCE.glob("*/claims.csv")}


def has(name: str, table: str) -> bool:
    """Whether the evidence of an experiment has this table."""
    return (EVIDENCE / name / f"{table}.csv").exists()


def read(name: str, table: str) -> pd.DataFrame:
    """A table of the evidence of an experiment."""
    return pd.read_csv(EVIDENCE / name / f"{table}.csv")


def has_current_findings(name: str) -> bool:
    """Whether the findings of an experiment are those of today's code. Earlier code had others, with other claims."""
    return set(read(name, "findings")["statement"]) == {finding.statement for finding in FINDINGS}


def describe_widths(runs: pd.DataFrame) -> pd.Series:
    """The hidden layers of each run as text: "2048-1024-512", or "6 × 1,024" if all are equally wide.

    Evidence of earlier code has the columns `hidden_layers` and `width` in place of `widths`.
    """
    if "widths" not in runs:
        return pd.Series([f"{row.hidden_layers} × {row.width:,}" for row in runs.itertuples()], runs.index)
    return runs["widths"].astype(str).map(_shorten)


def _shorten(widths: str) -> str:
    layers = widths.split("-")
    return widths if len(set(layers)) > 1 else f"{len(layers)} × {int(layers[0]):,}"


def counts(because: str) -> str:
    """How many verdicts on the primary claims are *reproduced*, from the column `because` of the findings."""
    return because.split(" reproduced")[0].replace(" verdicts", " primary verdicts") + " reproduced"


def estimate(mean: float, low: float, high: float) -> str:
    """A number with its interval, if it has one."""
    return number(mean) if pd.isna(low) else f"{number(mean)} {interval(low, high)}"


def markdown(table: pd.DataFrame) -> str:
    """A table of texts in Markdown; a missing one is a dash."""
    return table.astype(object).fillna("–").to_markdown(index=False, disable_numparse=True)
