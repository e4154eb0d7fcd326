"""The paper's three findings, each with the verdict of its primary claims."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from epochwise.findings.verdicts import CONTRADICTED, INCONCLUSIVE, REPRODUCED, interval, number

# One row per finding and noise. `because` lists the primary claims with effect, interval and number of seeds.
FINDINGS_TABLE = pa.schema(
    [
        ("finding", pa.int32()),
        ("title", pa.string()),
        ("statement", pa.string()),
        ("noise", pa.string()),
        ("verdict", pa.string()),
        ("because", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One of the paper's findings, and the claims that decide its verdict, chosen before any run was judged."""

    number: int
    title: str
    statement: str
    primary: tuple[str, ...]


FINDINGS = (
    Finding(
        number=1,
        title="Benign overfitting",
        statement="The largest network recovers on test data after it has fitted the noisy training data perfectly.",
        primary=("regeneralization_after_fit_accuracy",),
    ),
    Finding(
        number=2,
        title="Signal separation",
        statement="Noisy data are learned after clean data, and their signals separate more and more in outer layers.",
        primary=(
            "noisy_after_clean",
            "separation_grows_with_depth_cosine",
            "separation_grows_with_epochs_cosine",
        ),
    ),
    Finding(
        number=3,
        title="Large activation",
        statement="In all models a single, very large activation emerges, and it follows the input, not the output.",
        primary=("large_activation_single", "large_activation_follows_input"),
    ),
)


def judge_findings(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per finding and noise, as the table FINDINGS_TABLE, from the table CLAIMS_TABLE.

    A finding is *reproduced* if its primary claims are reproduced for all models in their scope, *contradicted* if one
    of them is contradicted, else *inconclusive*.
    """
    rows = []
    for noise, of_noise in claims[claims["in_scope"]].groupby("noise", sort=False):
        for finding in FINDINGS:
            primary = of_noise[of_noise["claim"].isin(finding.primary)]
            rows.append(
                {
                    "finding": finding.number,
                    "title": finding.title,
                    "statement": finding.statement,
                    "noise": noise,
                    "verdict": _verdict(primary["verdict"]),
                    "because": "; ".join(map(_evidence, primary.itertuples())),
                }
            )
    return pd.DataFrame(rows).sort_values("finding", kind="stable", ignore_index=True)


def to_markdown(findings: pd.DataFrame) -> str:
    """The findings for people: a table with one row per finding and noise."""
    shown = {
        "finding": findings["finding"].astype(str) + ". " + findings["title"],
        "the paper states": findings["statement"],
        "noise": findings["noise"],
        "verdict": findings["verdict"],
        "because": findings["because"],
    }
    return "# Findings\n\n" + pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True) + "\n"


def _verdict(verdicts: pd.Series) -> str:
    if (verdicts == CONTRADICTED).any():
        return CONTRADICTED
    return REPRODUCED if len(verdicts) and (verdicts == REPRODUCED).all() else INCONCLUSIVE


def _evidence(row) -> str:
    return f"{row.claim}, {row.model}: {number(row.effect)} {interval(row.low, row.high)}, n = {row.n}, {row.verdict}"
