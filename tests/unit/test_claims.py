"""Each claim's effect on a run made by hand, and the verdict."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from epochwise.analysis.phases import phases
from epochwise.findings import claims
from epochwise.workflow.tables import SCHEMAS

EFFECTS = {claim.name: claim.effect for claim in claims.CLAIMS}
MARGINS = {"accuracy": 0.01, "loss": 0.01, "octaves": 0.1, "single": 1.0, "cosine": 0.01, "explained": 0.05}

# Accuracy 0.8 at epoch 3, 0.5 at epoch 10, 0.7 at epoch 64; loss (turned so that more is better) ends above its peak.
PHASES = {
    ("accuracy", "fall"): 0.3,
    ("accuracy", "recovery"): 0.2,
    ("accuracy", "surplus"): -0.1,
    ("accuracy", "after_fit"): 0.05,
    ("loss", "recovery"): 0.9,
    ("loss", "surplus"): 0.4,
    ("loss", "after_fit"): -0.6,
    ("accuracy", "dip_epoch"): 10.0,
    ("accuracy", "fit_epoch"): 20.0,
    ("accuracy", "clean_epoch"): 2.0,
    ("accuracy", "noisy_epoch"): 16.0,
    ("accuracy", "last_epoch"): 64.0,
}


def separation(cosines, measure="cosine", other=0.5):
    """The table for {(epoch, layer): mean over classes by true label}; all else is `other`."""
    return pd.DataFrame(
        [
            {"epoch": e, "layer": layer, "grouping": g, "class": c, "cosine": other, "cosine_centred": other}
            | ({measure: value} if (g, c) == ("true", -1) else {})
            for (e, layer), value in cosines.items()
            for g in ("true", "given")
            for c in (-1, 0, 1)
        ]
    )


def outliers(ratios, peaks=None):
    """The table for {(epoch, layer): peak over median positive activation}, with (peak, runner-up) by layer."""
    peaks = peaks or {}
    rows = []
    for (epoch, layer), ratio in ratios.items():
        peak, runner_up = peaks.get(layer, (1.0, 1.0))
        rows.append(
            {"epoch": epoch, "layer": layer, "peak": peak, "runner_up": runner_up, "peak_over_median_active": ratio}
        )
    return pd.DataFrame(rows)


def followed(r2, eta2, layer, epoch=64, rho=()):
    rows = [("input", "r2", r2), ("input", "spearman", 0.99)]
    rows += [("output", "eta2", value) for value in eta2] + [("output", "spearman", value) for value in rho]
    rows.append(("output", "auc", 0.97))
    return [dict(zip(("side", "statistic", "value"), row, strict=True), epoch=epoch, layer=layer) for row in rows]


@pytest.fixture
def run():
    """A run of four layers that shows what the paper claims; layers 1 and 2 are the shallow ones."""
    cosines = {(0, 1): 0.9, (0, 2): 0.9, (0, 3): 0.9, (0, 4): 0.8}
    cosines |= {(64, 1): 0.7, (64, 2): 0.6, (64, 3): 0.5, (64, 4): 0.1}
    ratios = {(0, layer): 1.0 for layer in (1, 2, 3, 4)}
    ratios |= {(9, 1): 3.0, (9, 2): 4.0, (9, 3): 99.0, (9, 4): 99.0}  # the snapshot nearest the dip
    ratios |= {(64, 1): 16.0, (64, 2): 32.0, (64, 3): 8.0, (64, 4): 2.0}
    return claims.Run(
        PHASES,
        separation(cosines),
        outliers(ratios, {1: (100.0, 1.0), 2: (40.0, 5.0), 3: (1000.0, 1.0)}),
        pd.DataFrame(
            followed(0.9, [0.0, 0.0], 1) + followed(0.6, [0.1, 0.25, 0.2], 2) + followed(0.0, [0.9], 2, epoch=9)
        ),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("double_descent", 0.2),
        ("double_descent_in_larger_models", 0.2),  # of one run, before the first model's is taken off
        ("regeneralization_weak_accuracy", 0.2),
        ("regeneralization_weak_loss", 0.9),
        ("regeneralization_strong_accuracy", -0.1),
        ("regeneralization_strong_loss", 0.4),
        ("regeneralization_after_fit_accuracy", 0.05),
        ("regeneralization_after_fit_loss", -0.6),
        ("noisy_after_clean", 3),  # epochs 2 and 16
        ("separation_grows_with_depth_cosine", 0.7 - 0.1),
        ("separation_grows_with_epochs_cosine", 0.8 - 0.1),
        ("large_activation_single", 3),  # layer 2: 40 over 5
        ("large_activation_shallow", 2),  # 32 over 8
        ("large_activation_evolves", 3),  # 4 at epoch 9, 32 at the end
        ("large_activation_follows_input", 0.6 - 0.25),
    ],
)
def test_the_effect_of_each_claim(run, name, expected):
    assert EFFECTS[name](run) == pytest.approx(expected)


def test_an_output_that_is_no_class_is_followed_too(run):
    table = pd.DataFrame(followed(0.6, [0.1, 0.25], 2, rho=[-0.7, 0.3]))
    run = dataclasses.replace(run, large_activation=table)
    assert EFFECTS["large_activation_follows_input"](run) == pytest.approx(0.6 - 0.49)


def test_centred_claims_read_the_centred_cosine(run):
    cosines = {(0, 1): 0.4, (0, 2): 0.5, (64, 1): 0.3, (64, 2): -0.2}
    run = dataclasses.replace(run, separation=separation(cosines, "cosine_centred"))
    assert EFFECTS["separation_grows_with_depth_cosine_centred"](run) == pytest.approx(0.5)
    assert EFFECTS["separation_grows_with_epochs_cosine_centred"](run) == pytest.approx(0.7)


def test_no_claim_is_untested(run):
    tested = {mark.args[1][i][0] for mark in test_the_effect_of_each_claim.pytestmark for i in range(len(mark.args[1]))}
    centred = {f"separation_grows_with_{by}_cosine_centred" for by in ("depth", "epochs")}
    assert tested | centred == set(EFFECTS)


def with_phases(run, **changes):
    return dataclasses.replace(run, phases=run.phases | {("accuracy", name): value for name, value in changes.items()})


def test_double_descent_needs_both_a_fall_and_a_recovery(run):
    assert EFFECTS["double_descent"](with_phases(run, recovery=0.0)) == 0
    assert EFFECTS["double_descent"](with_phases(run, fall=0.05)) == 0.05


def test_noise_learned_after_the_end_counts_as_learned_at_the_end(run):
    assert EFFECTS["noisy_after_clean"](with_phases(run, noisy_epoch=np.nan)) == 5  # epochs 2 and 64
    assert EFFECTS["noisy_after_clean"](with_phases(run, noisy_epoch=0.0, clean_epoch=0.0)) == 0
    assert EFFECTS["noisy_after_clean"](with_phases(run, noisy_epoch=2.0, clean_epoch=8.0)) == -2


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        *(
            (f"regeneralization_{kind}_{metric}", "fit_epoch")
            for kind in ("weak", "strong")
            for metric in ("accuracy", "loss")
        ),
        ("regeneralization_after_fit_accuracy", "after_fit"),
        ("noisy_after_clean", "clean_epoch"),
        ("large_activation_evolves", "dip_epoch"),
    ],
)
def test_an_effect_that_a_run_cannot_have_is_missing(run, name, missing):
    assert np.isnan(EFFECTS[name](with_phases(run, **{missing: np.nan})))


def test_the_snapshot_nearest_the_dip_is_the_nearest_in_octaves(run):
    ratios = {(0, 1): 1.0, (9, 1): 2.0, (40, 1): 4.0, (100, 1): 32.0}
    run = dataclasses.replace(with_phases(run, dip_epoch=20.0), outliers=outliers(ratios))
    assert EFFECTS["large_activation_evolves"](run) == 3  # from epoch 40, though 9 is fewer epochs away


def test_a_run_of_one_layer_has_no_deep_layer(run):
    run = dataclasses.replace(run, outliers=outliers({(0, 1): 2.0, (64, 1): 4.0}, {1: (8.0, 2.0)}))
    assert np.isnan(EFFECTS["large_activation_shallow"](run))
    assert EFFECTS["large_activation_single"](run) == 2


def test_a_run_of_one_layer_has_no_difference_by_depth(run):
    run = dataclasses.replace(run, separation=separation({(0, 1): 0.9, (64, 1): 0.4}))
    assert np.isnan(EFFECTS["separation_grows_with_depth_cosine"](run))


def test_without_noisy_data_they_are_not_learned_after_the_clean_ones(run):
    history = pd.DataFrame(
        [
            {"epoch": epoch, "subset": subset, "accuracy": value, "loss": value}
            for epoch in (0, 1, 64)
            for subset, value in (("clean", 0.9), ("test", 0.9), ("noisy_given", None))
        ]
    )
    table = phases(history, fitted=0.99, learned=0.5, smoothing=0, min_dip=0.01)
    run = dataclasses.replace(
        run,
        phases=table.set_index(["metric", "quantity"])["value"].to_dict(),
        separation=run.separation.assign(cosine=np.nan, cosine_centred=np.nan),
    )
    assert np.isnan(EFFECTS["noisy_after_clean"](run))


def test_the_large_activation_is_sought_in_shallow_layers_that_are_not_silent(run):
    ratios = {(64, 1): 2.0, (64, 2): np.nan, (64, 3): 50.0, (64, 4): 50.0}
    run = dataclasses.replace(run, outliers=outliers(ratios, {1: (6.0, 3.0), 2: (0.0, 0.0), 3: (99.0, 1.0)}))
    assert EFFECTS["large_activation_single"](run) == 1
    assert EFFECTS["large_activation_follows_input"](run) == pytest.approx(0.9)


# -- verdicts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "n", "expected"),
    [
        (0.02, 0.05, 3, "reproduced"),
        (0.01, 0.05, 3, "inconclusive"),  # not past the margin
        (0.005, 0.05, 3, "inconclusive"),
        (-0.02, 0.05, 3, "inconclusive"),
        (-0.02, 0.0, 3, "inconclusive"),
        (-0.02, -0.001, 3, "contradicted"),
        (0.02, 0.05, 2, "inconclusive"),
        (-0.02, -0.001, 2, "inconclusive"),
        (np.nan, np.nan, 0, "inconclusive"),
    ],
)
def test_the_verdict_follows_from_interval_n_and_margin(low, high, n, expected):
    assert claims.verdict(low, high, n, 0.01) == expected


@pytest.fixture
def judged(run):
    """Two noises and two models; of the small model some runs never fit their noise."""
    runs = {}
    for noise in ("low", "high"):
        for seed in range(4):
            recovery = 0.2 + 0.01 * seed
            runs[noise, "large", seed] = with_phases(run, recovery=recovery)
            runs[noise, "small", seed] = with_phases(run, recovery=-recovery, fit_epoch=np.nan if seed < 2 else 20.0)
    return claims.judge(runs, MARGINS, 0.95)


def test_every_claim_is_judged_for_every_noise_and_model(judged):
    assert judged.columns.tolist() == SCHEMAS["claims"].names
    groups = [(noise, model) for noise in ("low", "high") for model in ("large", "small")]
    assert len(judged) == len(EFFECTS) * 4
    for name, block in judged.groupby("claim", sort=False):
        assert list(zip(block["noise"], block["model"], strict=True)) == groups
        assert (block["margin"] == MARGINS[next(c.margin for c in claims.CLAIMS if c.name == name)]).all()


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
    silent = dataclasses.replace(run, outliers=outliers({(64, 1): 4.0, (64, 2): 0.0}, {1: (8.0, 0.0)}))
    table = claims.judge({("n", "m", seed): silent for seed in range(3)}, MARGINS, 0.95).set_index("claim")
    for name in ("large_activation_single", "large_activation_shallow"):
        assert (table.loc[name, "n"], table.loc[name, "verdict"]) == (0, "inconclusive")


def test_the_markdown_names_every_claim_model_and_verdict(judged):
    text = claims.to_markdown(judged, 0.95)
    sections = dict(zip(EFFECTS, text.split("\n## ")[1:], strict=True))
    for claim in claims.CLAIMS:
        section = sections[claim.name]
        assert section.startswith(claim.name) and claim.statement in section and claim.measure in section
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line[:1] == "|"]
        assert [row[:2] for row in cells[2:]] == [[n, m] for n in ("low", "high") for m in ("large", "small")]
        rows = judged[judged["claim"] == claim.name]
        assert [row[-1] for row in cells[2:]] == rows["verdict"].tolist()
        assert [row[4] for row in cells[2:]] == rows["n"].astype(str).tolist()
    assert "95%" in text


def test_numbers_for_people():
    assert [claims.number(value) for value in (-0.12345, 0.0, 0.001, 0.0004, -2e-5)] == [
        "−0.123", "0.000", "0.001", "4e−04", "−2e−05",
    ]  # fmt: skip
    assert claims.number(np.nan) == "–"
    assert (claims.interval(-1, 2.5), claims.interval(np.nan, np.nan)) == ("[−1.000, 2.500]", "–")
