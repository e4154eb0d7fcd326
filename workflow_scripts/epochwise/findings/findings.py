"""The paper's three findings, each with the verdict of its primary claims."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from epochwise.findings.claim import PUBLIC_READING
from epochwise.findings.judging import SEEDS_EXPLAINED, format_claims, format_reasons
from epochwise.findings.verdicts import CONTRADICTED, INCONCLUSIVE, NOT_APPLICABLE, REPRODUCED

# One row per finding and noise. `because` counts the verdicts of its primary claims and lists those not reproduced.
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
    """One of the paper's findings, and the claims that decide its verdict.

    They were chosen before a run with the paper's settings was judged.
    """

    number: int
    title: str
    statement: str
    primary: tuple[str, ...]


FINDINGS = (
    Finding(
        number=1,
        title="Double descent",
        statement="All models fit clean and noisy data, but only the largest one has a second descent: its test "
        "performance gets worse and better again.",
        primary=("second_descent_accuracy", "second_descent_only_in_largest", "all_data_fitted"),
    ),
    Finding(
        number=2,
        title="Signal separation",
        statement="Noisy data are learned after clean data, and their signals separate more and more in outer layers. "
        "Correctly predicted test data run with clean training data, wrongly predicted ones with noisy training data.",
        primary=(
            "noisy_after_clean",
            "separation_grows_with_epochs_cosine",
            "separation_grows_with_depth_cosine",
            "test_paths_correct",
            "test_paths_wrong",
        ),
    ),
    Finding(
        number=3,
        title="Large activation",
        statement="In one of the first three hidden layers a large activation emerges. It follows what the image "
        "shows, not the label that was given.",
        primary=(
            "large_activation_ratio",
            "large_activation_in_first_layers",
            "large_activation_follows_true_class",
        ),
    ),
)


def judge_findings(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per finding and noise, as the table FINDINGS_TABLE, from the table CLAIMS_TABLE.

    A finding is *reproduced* if its primary claims are reproduced for all models in their scope, *contradicted* if one
    of them is contradicted, else *inconclusive*. So it is not reproduced if a primary claim is not applicable to a
    model in its scope, or if the experiment has no model that it speaks of.
    """
    rows = []
    for noise, of_noise in claims.groupby("noise", sort=False):
        for finding in FINDINGS:
            primary = _primary(of_noise, finding)
            rows.append(
                {
                    "finding": finding.number,
                    "title": finding.title,
                    "statement": finding.statement,
                    "noise": noise,
                    "verdict": _verdict(primary, finding),
                    "because": _because(primary, finding),
                }
            )
    return pd.DataFrame(rows).sort_values("finding", kind="stable", ignore_index=True)


def to_markdown(findings: pd.DataFrame, claims: pd.DataFrame, level: float) -> str:
    """The findings for people: a table with one row per finding and noise, then the reasons of each verdict.

    Args:
        findings: the table FINDINGS_TABLE.
        claims: the table CLAIMS_TABLE.
        level: level of its intervals, 0 to 1.
    """
    shown = {
        "finding": findings["finding"].astype(str) + ". " + findings["title"],
        "in the paper": findings["statement"],
        "noise": findings["noise"],
        "verdict": findings["verdict"],
        "because": findings["because"].str.split(";").str[0],
    }
    table = pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)
    rule = (
        "A finding is reproduced if its primary claims are reproduced for all models that they speak of, contradicted "
        "if one of them is contradicted, else inconclusive. It is inconclusive, too, if a primary claim is not "
        f"applicable, or speaks of no model of the experiment. {SEEDS_EXPLAINED} What the paper states is written "
        f"{PUBLIC_READING}, in our words. All claims are in claims.md."
    )
    reasons = [_reasons(row, claims, level) for row in findings.itertuples()]
    return "\n".join([f"# Findings\n\n{rule}\n\n{table}\n", *reasons])


def _reasons(row, claims: pd.DataFrame, level: float) -> str:
    """A section on a finding with one noise: a sentence with numbers for each verdict on its primary claims."""
    primary = _primary(claims[claims["noise"] == row.noise], FINDINGS[row.finding - 1])
    shown = format_claims(primary).assign(claim=primary["claim"], reason=format_reasons(primary))
    lines = [
        f"- {of.claim}, {of.model}: {of.verdict} with the effect {of.effect}, its {level * 100:g}% interval "
        f"{of.interval} over {of.n} seeds, and the margin {of.margin}{of.reason and f', because {of.reason}'}."
        for of in shown.itertuples()
    ]
    return "\n".join([f"## {row.finding}. {row.title}, {row.noise}: {row.verdict}\n", *lines, ""])


def _primary(claims: pd.DataFrame, finding: Finding) -> pd.DataFrame:
    """The rows that decide a finding: its primary claims, of the models that they speak of."""
    return claims[claims["claim"].isin(finding.primary) & claims["in_scope"]]


def _verdict(primary: pd.DataFrame, finding: Finding) -> str:
    if (primary["verdict"] == CONTRADICTED).any():
        return CONTRADICTED
    all_judged = set(primary["claim"]) == set(finding.primary)
    return REPRODUCED if all_judged and (primary["verdict"] == REPRODUCED).all() else INCONCLUSIVE


def _because(primary: pd.DataFrame, finding: Finding) -> str:
    """How many verdicts of the primary claims are reproduced, and which ones are not.

    For instance "7 of 9 verdicts reproduced; inconclusive: noisy_after_clean (mlp3, mlp5)". A claim that speaks of no
    model of the experiment is listed as "no such model".
    """
    parts = [f"{(primary['verdict'] == REPRODUCED).sum()} of {len(primary)} verdicts reproduced"]
    for verdict in (CONTRADICTED, INCONCLUSIVE, NOT_APPLICABLE):
        models = primary[primary["verdict"] == verdict].groupby("claim", sort=False)["model"].agg(", ".join)
        if len(models):
            parts.append(f"{verdict}: " + ", ".join(f"{claim} ({names})" for claim, names in models.items()))
    without = [name for name in finding.primary if name not in set(primary["claim"])]
    return "; ".join(parts + (["no such model: " + ", ".join(without)] if without else []))
