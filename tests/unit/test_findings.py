"""The verdict on each of the paper's findings, from the verdicts on its primary claims."""

import numpy as np
import pandas as pd
import pytest

from epochwise.findings import claims, findings
from epochwise.findings.findings import FINDINGS
from epochwise.findings.judging import is_in_scope
from epochwise.findings.verdicts import CONTRADICTED, INCONCLUSIVE, NOT_APPLICABLE, REPRODUCED

CLAIMS = {claim.name: claim for claim in claims.CLAIMS}
PRIMARY = [(finding, name) for finding in FINDINGS for name in finding.primary]


def speaks_of(claim, model):
    return is_in_scope(claim.scope, model, {"large": 9, "small": 1}, 4)


def claims_table(changes=None):
    """Every claim for two noises and two models, reproduced; `changes` = {(claim, noise, model): verdict}.

    A model that a claim does not speak of contradicts it.
    """
    rows = []
    for claim in claims.CLAIMS:
        for noise in ("low", "high"):
            for model in ("large", "small"):
                in_scope = speaks_of(claim, model)
                row = {"claim": claim.name, "noise": noise, "model": model, "in_scope": in_scope, "n": 5}
                row |= {"effect": 0.25, "low": 0.125, "high": 0.375, "margin": 0.01, "seeds_needed": np.nan}
                row["verdict"] = (changes or {}).get(
                    (claim.name, noise, model), REPRODUCED if in_scope else CONTRADICTED
                )
                rows.append(row)
    return pd.DataFrame(rows)


def verdicts(changes=None):
    found = findings.judge_findings(claims_table(changes))
    return found.set_index(["finding", "noise"])["verdict"].to_dict()


def test_a_finding_is_reproduced_if_all_its_primary_claims_in_scope_are():
    assert verdicts() == {(number, noise): REPRODUCED for number in (1, 2, 3) for noise in ("low", "high")}


@pytest.mark.parametrize(("finding", "name"), PRIMARY, ids=[name for _, name in PRIMARY])
@pytest.mark.parametrize("verdict", [INCONCLUSIVE, CONTRADICTED, NOT_APPLICABLE])
def test_one_primary_claim_of_one_model_decides_and_only_for_its_noise(finding, name, verdict):
    model = "large" if speaks_of(CLAIMS[name], "large") else "small"
    found = verdicts({(name, "high", model): verdict})
    assert found.pop((finding.number, "high")) == (CONTRADICTED if verdict == CONTRADICTED else INCONCLUSIVE)
    assert set(found.values()) == {REPRODUCED}


@pytest.mark.parametrize(("finding", "name"), PRIMARY, ids=[name for _, name in PRIMARY])
def test_a_smaller_model_counts_only_where_it_is_in_scope(finding, name):
    expected = INCONCLUSIVE if speaks_of(CLAIMS[name], "small") else REPRODUCED
    assert verdicts({(name, "low", "small"): INCONCLUSIVE})[finding.number, "low"] == expected


def test_a_contradiction_outweighs_an_inconclusive_claim():
    first, second = FINDINGS[1].primary[:2]
    found = verdicts({(first, "low", "large"): INCONCLUSIVE, (second, "low", "small"): CONTRADICTED})
    assert found[2, "low"] == CONTRADICTED


def test_claims_that_are_not_primary_decide_nothing():
    primary = {name for _, name in PRIMARY}
    others = {(name, "low", "large"): CONTRADICTED for name in CLAIMS if name not in primary}
    assert others and set(verdicts(others).values()) == {REPRODUCED}


@pytest.mark.parametrize(("finding", "name"), PRIMARY, ids=[name for _, name in PRIMARY])
def test_primary_claims_exist_and_are_the_papers_about_this_finding(finding, name):
    assert CLAIMS[name].finding == finding.number
    assert CLAIMS[name].source == claims.PAPER


def test_a_finding_without_its_primary_claims_is_not_reproduced():
    table = claims_table()
    missing = FINDINGS[0].primary[0]
    found = findings.judge_findings(table[table["claim"] != missing]).set_index(["finding", "noise"])
    assert found["verdict"][1, "low"] == INCONCLUSIVE and found["verdict"][2, "low"] == REPRODUCED
    assert found["because"][1, "low"].endswith(f"; no such model: {missing}")


def test_the_table_and_the_page_give_the_evidence_of_each_verdict():
    table = claims_table()
    found = findings.judge_findings(table)
    assert found.columns.tolist() == findings.FINDINGS_TABLE.names
    assert found["finding"].tolist() == [1, 1, 2, 2, 3, 3]
    text = findings.to_markdown(found, table, 0.95)
    for row in found.to_dict("records"):
        assert row["because"] in text and row["title"] in text
        primary = [CLAIMS[name] for name in FINDINGS[row["finding"] - 1].primary]
        verdicts = sum(speaks_of(claim, model) for claim in primary for model in ("large", "small"))
        assert row["because"] == f"{verdicts} of {verdicts} verdicts reproduced"
