"""Every claim judged over seeds, and the page that lists them."""

import dataclasses

import numpy as np
import pytest

from epochwise import catalogue
from epochwise.analysis.separation import SEPARATION_MEASURES
from epochwise.findings import claims, judging

from .runs_by_hand import outliers, run_by_hand, with_phases

MARGINS = {"accuracy": 0.01, "loss": 0.01, "octaves": 0.1, "single": 1.0, "share": 0.1, "depth": 0.0}
MARGINS |= {"cosine": 0.01, "explained": 0.05}
NAMES = [claim.name for claim in claims.CLAIMS]
WEIGHTS = {"large": 1000, "small": 10}


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


def test_claims_about_the_largest_model_are_out_of_scope_for_the_other(judged):
    for claim in claims.CLAIMS:
        in_scope = judged[judged["claim"] == claim.name].groupby("model")["in_scope"].unique()
        assert in_scope["large"].tolist() == [True]
        assert in_scope["small"].tolist() == [claim.scope == claims.ALL_MODELS]


def test_names_are_unique_and_figures_margins_and_measures_exist():
    assert len(set(NAMES)) == len(NAMES)
    for claim in claims.CLAIMS:
        assert set(claim.figures) <= {figure.name for figure in catalogue.FIGURES}
        assert claim.margin in MARGINS and claim.finding in (1, 2, 3)
        assert claim.source in (claims.PAPER, claims.OURS) and claim.scope in (claims.ALL_MODELS, claims.LARGEST_MODEL)
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
    both = judged[judged["claim"] == "double_descent"].set_index(["noise", "model"])
    assert both.loc[("high", "small"), "verdict"] == "contradicted"


def test_models_are_compared_with_the_first_one_seed_by_seed(judged):
    rows = judged[judged["claim"] == "double_descent_in_larger_models"].set_index(["noise", "model"])
    first, other = rows.loc[("low", "large")], rows.loc[("low", "small")]
    assert np.isnan(first["effect"]) and (first["n"], first["verdict"]) == (0, "inconclusive")
    # −2 × (0.20, 0.21, 0.22, 0.23): deviation 0.0258199; t(0.975, 3) = 3.182446
    assert other["effect"] == pytest.approx(-0.43)
    assert other["high"] == pytest.approx(-0.43 + 3.182446 * 0.0258199 / 2, abs=1e-6)
    assert (other["n"], other["verdict"]) == (4, "contradicted")


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
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line[:1] == "|"]
        assert [row[:2] for row in cells[2:]] == [[n, m] for n in ("low", "high") for m in ("large", "small")]
        rows = judged[judged["claim"] == claim.name]
        written = [row.verdict if row.in_scope else f"({row.verdict})" for row in rows.itertuples()]
        assert [row[-1] for row in cells[2:]] == written
        assert [row[4] for row in cells[2:]] == rows["n"].astype(str).tolist()
    assert "95%" in text
