"""Every claim judged over seeds, and the page that lists them."""

import dataclasses

import numpy as np
import pytest

from epochwise import catalogue
from epochwise.analysis.separation import SEPARATION_MEASURES
from epochwise.findings import claim as scopes
from epochwise.findings import claims, judging

from .runs_by_hand import outliers, run_by_hand, with_phases

MARGINS = {"accuracy": 0.01, "fit": 0.0, "loss": 0.01, "octaves": 0.1, "single": 1.0, "share": 0.1, "depth": 0.0}
MARGINS |= {"cosine": 0.01, "explained": 0.05}
NAMES = [claim.name for claim in claims.CLAIMS]
WEIGHTS = {"large": 1000, "small": 10}
IN_SCOPE = {
    scopes.ALL_MODELS: {"large", "small"},
    scopes.LARGEST_MODEL: {"large"},
    scopes.SMALLER_MODELS: {"small"},
    scopes.LARGER_MODELS: {"large"},
    scopes.DEEP_MODELS: {"large", "small"},  # both have four hidden layers
}


@pytest.fixture
def run():
    return run_by_hand()


@pytest.fixture
def judged(run):
    """Two noises and two models; of the small model some runs never fit their noise."""
    runs = {}
    for noise in ("low", "high"):
        for seed in range(4):
            recovery = 0.2 + 0.01 * seed
            runs[noise, "large", seed] = with_phases(run, recovery_cross_fitted=recovery)
            fit_epoch = np.nan if seed < 2 else 20.0
            runs[noise, "small", seed] = with_phases(run, recovery_cross_fitted=-recovery, fit_epoch=fit_epoch)
    return judging.judge(runs, WEIGHTS, MARGINS, 0.95)


def test_every_claim_is_judged_for_every_noise_and_model(judged):
    assert judged.columns.tolist() == judging.CLAIMS_TABLE.names
    groups = [(noise, model) for noise in ("low", "high") for model in ("large", "small")]
    assert len(judged) == len(NAMES) * 4
    for name, block in judged.groupby("claim", sort=False):
        assert list(zip(block["noise"], block["model"], strict=True)) == groups
        assert (block["margin"] == MARGINS[next(c.margin for c in claims.CLAIMS if c.name == name)]).all()


def test_models_that_a_claim_does_not_speak_of_are_out_of_scope(judged):
    for claim in claims.CLAIMS:
        rows = judged[judged["claim"] == claim.name]
        assert set(rows.loc[rows["in_scope"], "model"]) == IN_SCOPE[claim.scope]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (scopes.ALL_MODELS, "abc"),
        (scopes.LARGEST_MODEL, "c"),
        (scopes.SMALLER_MODELS, "ab"),
        (scopes.LARGER_MODELS, "bc"),
        (scopes.DEEP_MODELS, "c"),
    ],
)
def test_which_models_are_in_scope(scope, expected):
    weights, layers = {"c": 9, "a": 1, "b": 5}, {"a": 2, "b": 3, "c": 4}
    found = {model for model in weights if judging.is_in_scope(scope, model, weights, layers[model])}
    assert found == set(expected)


def test_a_single_model_is_the_largest_and_a_larger_one_but_not_a_smaller_one():
    found = {scope for scope in IN_SCOPE if judging.is_in_scope(scope, "m", {"m": 7}, 4)}
    assert found == set(IN_SCOPE) - {scopes.SMALLER_MODELS}


def test_names_are_unique_and_figures_margins_and_measures_exist():
    assert len(set(NAMES)) == len(NAMES)
    for claim in claims.CLAIMS:
        assert set(claim.figures) <= {figure.name for figure in catalogue.FIGURES}
        assert claim.margin in MARGINS and claim.finding in (1, 2, 3)
        assert claim.source in (claims.PAPER, claims.OURS) and claim.scope in IN_SCOPE
        assert bool(claim.reading) == (claim.source == claims.PAPER)
        assert claim.reading[:3] in {"", *(f"{number}: " for number in range(1, 8))}
        measure = getattr(claim.effect, "keywords", {}).get("measure")
        assert claim.needs == "measures" or measure is None or measure in {m.name for m in SEPARATION_MEASURES}


def test_runs_without_the_effect_are_not_counted(judged):
    rows = judged[judged["claim"] == "regeneralization_weak_accuracy"].set_index(["noise", "model"])
    large, small = rows.loc[("low", "large")], rows.loc[("low", "small")]
    # deviation of 0.20, 0.21, 0.22, 0.23 is 0.0129099; t(0.975, 3) = 3.182446
    assert large["effect"] == pytest.approx(0.215)
    assert large["low"] == pytest.approx(0.215 - 3.182446 * 0.0129099 / 2, abs=1e-6)
    assert (large["n"], large["verdict"]) == (4, "reproduced")
    assert (small["n"], small["verdict"]) == (2, "inconclusive")
    assert small["effect"] == pytest.approx(-0.225) and np.isnan(small["low"])
    both = judged[judged["claim"] == "second_descent_accuracy"].set_index(["noise", "model"])
    assert both.loc[("high", "small"), "verdict"] == "contradicted"


@pytest.mark.parametrize(
    ("name", "reference", "other"),
    [
        ("double_descent_in_larger_models", "small", "large"),  # compared with the smallest model
        ("second_descent_only_in_largest", "large", "small"),
    ],
)
def test_models_are_compared_with_the_smallest_or_the_largest_one_seed_by_seed(judged, name, reference, other):
    rows = judged[judged["claim"] == name].set_index(["noise", "model"])
    itself, other = rows.loc[("low", reference)], rows.loc[("low", other)]
    assert np.isnan(itself["effect"]) and (itself["n"], itself["verdict"]) == (0, "inconclusive")
    # 2 × (0.20, 0.21, 0.22, 0.23): deviation 0.0258199; t(0.975, 3) = 3.182446
    assert other["effect"] == pytest.approx(0.43)
    assert other["low"] == pytest.approx(0.43 - 3.182446 * 0.0258199 / 2, abs=1e-6)
    assert (other["n"], other["verdict"], other["in_scope"]) == (4, "reproduced", True)


def test_a_claim_is_not_applicable_if_no_run_has_what_it_is_about(run):
    few = dataclasses.replace(run, outliers=outliers({(64, layer): 1.0 for layer in (1, 2, 3, 4)}))  # nothing is large
    runs = {("n", "large", seed): run for seed in range(4)}
    runs |= {("n", "small", seed): few if seed < 3 else run for seed in range(4)}
    runs |= {("n", "none", seed): few for seed in range(4)}
    weights = {"large": 9, "small": 5, "none": 1}
    table = judging.judge(runs, weights, MARGINS, 0.95).set_index(["claim", "model"])
    rows = table.loc["large_activation_follows_true_class"]
    assert rows["n"].to_dict() == {"large": 4, "small": 1, "none": 0}
    expected = {"large": "reproduced", "small": "inconclusive", "none": "not applicable"}
    assert rows["verdict"].to_dict() == expected
    later = table.loc["large_activation_later_in_smaller"]  # compared with the largest
    assert later["n"].to_dict() == {"large": 0, "small": 1, "none": 0}
    assert later.loc["none", "verdict"] == "not applicable"
    for name in ("large_activation_ratio", "second_descent_accuracy"):
        assert "not applicable" not in set(table.loc[name, "verdict"])
    reasons = judging.format_reasons(table)
    assert (reasons[table["verdict"] != "inconclusive"] == "").all()


def test_an_effect_that_cannot_be_negative_is_contradicted_below_its_margin(run):
    twice = dataclasses.replace(run, outliers=outliers({(64, 1): 4.0}, {(64, 1): (3.0, 2.0)}))
    table = judging.judge({("n", "m", seed): twice for seed in range(3)}, {"m": 9}, MARGINS, 0.95).set_index("claim")
    assert table.loc["large_activation_single", "verdict"] == "contradicted"
    assert judging.format_reasons(table)["large_activation_single"] == ""


def test_infinite_ratios_are_not_counted(run):
    silent = dataclasses.replace(run, outliers=outliers({(9, 1): 0.0, (64, 1): 4.0}, {(64, 1): (8.0, 0.0)}))
    table = judging.judge({("n", "m", seed): silent for seed in range(3)}, {"m": 9}, MARGINS, 0.95).set_index("claim")
    for name in ("single", "grows_over_runner_up", "grows_over_median"):
        name = f"large_activation_{name}"
        assert (table.loc[name, "n"], table.loc[name, "verdict"]) == (0, "inconclusive")


def test_the_markdown_names_every_claim_model_and_verdict(judged):
    text = judging.to_markdown(judged, 0.95)
    sections = dict(zip(NAMES, text.split("\n## ")[1:], strict=True))
    for claim in claims.CLAIMS:
        section = sections[claim.name]
        assert section.startswith(claim.name) and claim.statement in section and claim.definition in section
        assert claim.reading in section and ("Public reading" in section) == bool(claim.reading)
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line[:1] == "|"]
        assert [row[:2] for row in cells[2:]] == [[n, m] for n in ("low", "high") for m in ("large", "small")]
        rows = judged[judged["claim"] == claim.name]
        written = [row.verdict if row.in_scope else f"({row.verdict})" for row in rows.itertuples()]
        assert [row[-1] for row in cells[2:]] == written
        assert [row[4] for row in cells[2:]] == rows["n"].astype(str).tolist()
    assert "95%" in text
