"""Read the tables of docs/evidence, and write their numbers in Markdown."""

import pandas as pd

from docs.evidence import EVIDENCE
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


def counts(because: str) -> str:
    """How many verdicts on the primary claims are *reproduced*, from the column `because` of the findings."""
    return because.split(" reproduced")[0].replace(" verdicts", " primary verdicts") + " reproduced"


def estimate(mean: float, low: float, high: float) -> str:
    """A number with its interval, if it has one."""
    return number(mean) if pd.isna(low) else f"{number(mean)} {interval(low, high)}"


def markdown(table: pd.DataFrame) -> str:
    """A table of texts in Markdown; a missing one is a dash."""
    return table.astype(object).fillna("–").to_markdown(index=False, disable_numparse=True)
