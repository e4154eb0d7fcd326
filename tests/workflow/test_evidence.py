"""The evidence that the documentation copies from a finished experiment, and the page that is made from it."""

import re

import pandas as pd
import pytest
from docs import evidence, evidence_tables, outcomes, reproduction

from epochwise.findings.claims import CLAIMS
from epochwise.findings.findings import FINDINGS
from epochwise.findings.verdicts import number

LINK = re.compile(r"\[([^]]*)\]\(evidence/digits/claims\.csv#L(\d+)\)")


@pytest.fixture
def collected(finished, tmp_path, monkeypatch):
    """The folder with the evidence of the tiny run."""
    for module in (evidence, evidence_tables):
        monkeypatch.setattr(module, "EVIDENCE", tmp_path / "evidence")
    monkeypatch.setattr(evidence, "PICTURES", tmp_path / "figures")
    evidence.collect(finished.results / "digits")
    return tmp_path / "evidence" / "digits"


def test_tables_numbers_and_pictures_are_copied(finished, collected):
    results = finished.results / "digits"
    claims = pd.read_csv(collected / "claims.csv").fillna({"reading": ""})
    pd.testing.assert_frame_equal(
        claims, pd.read_parquet(results / "claims.parquet"), check_dtype=False, rtol=1e-5, check_names=False
    )
    drawn = {path.name for path in (results / "figures").glob("*.csv")}
    assert {path.name for path in (collected / "figures").iterdir()} == drawn
    runs = pd.read_csv(collected / "runs.csv")
    assert (
        len(runs) == 4
        and (runs["cpu_seconds"] > 0).all()
        and runs["achieved_rate"].between(0.29, 0.31).all()
        and (runs["requested_rate"] == 0.3).all()
    )
    rules = pd.read_csv(collected / "records.csv")["rule"].value_counts()
    assert rules["train"] == 4 and {"dataset", "corrupt", "claims"} <= set(rules.index)
    assert {path.stem for path in (collected.parents[1] / "figures" / "digits").iterdir()} == set(evidence.SHOWN)


def test_each_number_of_the_page_links_to_its_row(collected):
    page = reproduction.page()
    lines = (collected / "claims.csv").read_text().splitlines()
    claims = pd.read_csv(collected / "claims.csv")
    found = LINK.findall(page)
    for text, line in found:
        row = claims.iloc[int(line) - 2]
        assert lines[int(line) - 1].startswith(f"{row['claim']},"), "no cell contains a line break"
        assert text.replace("−", "-").startswith(f"{row['effect']:.3f}"[:5]) or "e" in text or "–" in text
    assert len(found) == claims["in_scope"].sum() > len(CLAIMS), "all rows in scope"


def test_the_page_names_the_function_that_defines_each_claim(collected):
    page = reproduction.page()
    claims = pd.read_csv(collected / "claims.csv")
    shown = set(claims[claims["in_scope"]]["claim"])
    for claim in (claim for claim in CLAIMS if claim.name in shown):
        path, line = re.search(rf"\[{claim.name}\]\(\.\./(\S+)#L(\d+)\)", page).groups()
        name = getattr(claim.effect, "func", claim.effect).__name__
        assert (evidence.ROOT / path).read_text().splitlines()[int(line) - 1].startswith(f"def {name}(")


def test_evidence_with_the_findings_of_earlier_code_has_a_table_of_its_own(collected):
    names = ["digits"]
    current = reproduction.overview(names, "docs/")
    assert "No run with the paper's settings" in current and "earlier versions" not in current
    assert all(finding.statement in current for finding in FINDINGS)
    findings = pd.read_csv(collected / "findings.csv")
    findings.assign(statement="An earlier statement.").to_csv(collected / "findings.csv", index=False)
    earlier = reproduction.overview(names, "docs/")
    assert "Verdicts on earlier versions" in earlier and "An earlier statement." in earlier
    assert not any(finding.statement in earlier for finding in FINDINGS)
    assert "No experiment was judged on this finding yet." in reproduction.page()


def test_claims_that_no_longer_exist_are_listed(collected):
    claims = pd.read_csv(collected / "claims.csv")
    assert "no longer exist" not in reproduction.page()
    claims.replace({"claim": {CLAIMS[0].name: "an_earlier_claim"}}).drop(columns="reading").to_csv(
        collected / "claims.csv", index=False
    )
    page = reproduction.page()
    assert "`an_earlier_claim`" in page.split("These claims no longer exist")[1]


def test_widths_of_today_and_of_earlier_code_are_described():
    today = pd.DataFrame({"widths": ["2048-1024-512", "256-256"]})
    earlier = pd.DataFrame({"hidden_layers": [6], "width": [1024]})
    assert [*evidence_tables.describe_widths(today)] == ["2048-1024-512", "2 × 256"]
    assert [*evidence_tables.describe_widths(earlier)] == ["6 × 1,024"]


def test_the_time_of_a_continued_run_counts_all_its_epochs():
    runs = pd.DataFrame({"model": ["a", "b", "b"], "cpu_seconds": [3600.0, 1800.0, 0.0], "epochs": 600})
    assert reproduction.core_hours(runs.assign(resumed_from_epoch=float("nan"))) == pytest.approx(1.5)
    assert reproduction.core_hours(runs.assign(resumed_from_epoch=[None, 450, 600])) == pytest.approx(1 + 2 * 2)


def test_models_are_compared_by_seed(finished, collected, monkeypatch):
    monkeypatch.setitem(evidence.BEYOND, "digits", evidence.Question((), compares="model"))
    differences = outcomes.outcomes("digits").split("Differences to `mlp3`")[1]
    line = next(line for line in differences.splitlines() if "mlp7" in line)
    phases = pd.read_parquet(finished.results / "digits" / "summary" / "phases_by_seed.parquet")
    at_end = phases.query("curve == 'accuracy' and measure == 'final'").groupby("model")["value"].mean()
    cells = [cell.strip() for cell in line.split("|")]
    assert (
        cells[1] == "symmetric30" and cells[3] == "2" and cells[6].startswith(number(at_end["mlp7"] - at_end["mlp3"]))
    )


def test_an_unfinished_experiment_has_no_evidence(finished, collected):
    with pytest.raises(FileNotFoundError):
        evidence.collect(finished.results / "nothing")


def test_the_course_of_training_comes_from_all_seeds_and_layers(finished, collected):
    phases = pd.read_parquet(finished.results / "digits" / "summary" / "phases_by_seed.parquet")
    peaks = phases.query("curve == 'accuracy' and measure == 'peak'").groupby("model")["value"].mean()
    outliers = pd.concat(pd.read_parquet(path) for path in (finished.results / "digits").glob("*/*/*/outliers.parquet"))
    at_end = outliers[outliers["epoch"] == outliers["epoch"].max()]
    table = outcomes.training_course("digits").set_index("model")
    assert table["peak"].to_dict() == {model: number(peak) for model, peak in peaks.items()}
    assert max(table["largest over second neuron, at most"].astype(float)) == pytest.approx(
        (at_end["largest_activation"] / at_end["second_largest_activation"]).max(), abs=1e-3
    )
    assert set(table["seeds with one large neuron"]) <= {"0 of 2", "1 of 2", "2 of 2"}
