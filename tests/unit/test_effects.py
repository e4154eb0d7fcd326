"""Each claim's effect on a run made by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from epochwise.analysis.phases import phases
from epochwise.findings.claims import CLAIMS

from .runs_by_hand import followed, outliers, run_by_hand, separation, with_phases

EFFECTS = {claim.name: claim.effect for claim in CLAIMS}


@pytest.fixture
def run():
    return run_by_hand()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("second_descent_accuracy", 0.2),
        ("second_descent_loss", 0.7),
        ("second_descent_only_in_largest", -0.2),  # of one run, before another model's is taken off
        ("all_data_fitted", 0.005),
        ("ends_below_first_peak", 0.1),
        ("separation_weaker_in_smallest", 0.8 - 0.1),
        ("separation_begins_with_noisy_loss", 0),  # cosine at epoch 8, loss at epoch 16
        ("test_paths_correct", 0.95 - 0.55),
        ("test_paths_wrong", 0.9 - 0.6),
        ("test_paths_weaker_in_smallest", 0.9 - 0.6),
        ("large_activation_ratio", 2),  # 40 is four times 10
        ("large_activation_grows", 1),  # from 20 in layer 3 at epoch 9 to 40 in layer 2
        ("large_activation_in_first_layers", (3.5 - 2) / 4),
        ("large_activation_follows_true_class", 0.3 - 0.1),
        ("large_activation_later_in_smaller", np.log2(9)),
        ("double_descent_in_larger_models", 0.2),
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
        ("large_activation_shallow", 2.5 / 4 - 2 / 4),  # the middle of four layers is 2.5
        ("large_activation_grows_over_runner_up", 3 - 1),  # 6 over 3 in layer 3 at the dip
        ("large_activation_grows_over_median", 3),  # 4 in layer 3 at the dip, 32 in layer 2 at the end
        ("large_activation_grows_in_share", 0.75 - 0.25),
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
    optional = {claim.name for claim in CLAIMS if claim.needs != "phases"}  # tested in test_causes.py and below
    assert tested | centred | optional == set(EFFECTS)


def test_effects_of_further_measures(run):
    assert EFFECTS["noisy_data_recognizable"](run) == pytest.approx(0.9 - 0.5)
    assert EFFECTS["noisy_data_join_their_given_class"](run) == pytest.approx(0.9 - 0.6)
    without = dataclasses.replace(run, measures=run.measures.head(0))
    assert np.isnan(EFFECTS["noisy_data_recognizable"](without))


def test_double_descent_needs_both_a_fall_and_a_recovery(run):
    assert EFFECTS["second_descent_accuracy"](with_phases(run, recovery_cross_fitted=0.0)) == 0
    assert EFFECTS["second_descent_accuracy"](with_phases(run, fall=0.05)) == 0.05


def test_noise_learned_after_the_end_counts_as_learned_at_the_end(run):
    assert EFFECTS["noisy_after_clean"](with_phases(run, noisy_epoch=np.nan)) == 5  # epochs 2 and 64
    assert EFFECTS["noisy_after_clean"](with_phases(run, noisy_epoch=0.0, clean_epoch=0.0)) == 0
    assert EFFECTS["noisy_after_clean"](with_phases(run, noisy_epoch=2.0, clean_epoch=8.0)) == -2


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        *(
            (f"regeneralization_{kind}_{curve}", "fit_epoch")
            for kind in ("weak", "strong")
            for curve in ("accuracy", "loss")
        ),
        ("regeneralization_after_fit_accuracy", "after_fit"),
        ("noisy_after_clean", "clean_epoch"),
        ("second_descent_accuracy", "recovery_cross_fitted"),
        ("all_data_fitted", "fit_margin"),
        *((f"large_activation_grows_{by}", "dip_epoch") for by in ("over_runner_up", "over_median", "in_share")),
    ],
)
def test_an_effect_that_a_run_cannot_have_is_missing(run, name, missing):
    assert np.isnan(EFFECTS[name](with_phases(run, **{missing: np.nan})))


def test_the_snapshot_nearest_the_dip_is_the_nearest_in_octaves(run):
    ratios = {(0, 1): 1.0, (9, 1): 2.0, (40, 1): 4.0, (100, 1): 32.0}
    run = dataclasses.replace(with_phases(run, dip_epoch=20.0), outliers=outliers(ratios))
    assert EFFECTS["large_activation_grows_over_median"](run) == 3  # from epoch 40, though 9 is fewer epochs away


@pytest.mark.parametrize(
    ("layers", "layer", "expected"),
    [(1, 1, 0), (2, 1, 0.25), (2, 2, -0.25), (3, 2, 0), (6, 3, 0.5 / 6), (6, 6, -2.5 / 6)],
)
def test_a_layer_is_shallow_before_the_middle_of_the_network(run, layers, layer, expected):
    ratios = {(64, number): 9.0 if number == layer else 1.0 for number in range(1, layers + 1)}
    run = dataclasses.replace(run, outliers=outliers(ratios))
    assert EFFECTS["large_activation_shallow"](run) == pytest.approx(expected)


def test_a_neuron_that_stays_as_it_is_has_not_grown_even_if_noise_moves_it_from_layer_to_layer(run):
    random = np.random.default_rng(0)
    grown = []
    for _ in range(500):
        ratios = {(epoch, layer): random.uniform(4, 8) for epoch in (9, 64) for layer in range(1, 7)}
        grown.append(EFFECTS["large_activation_grows_over_median"](dataclasses.replace(run, outliers=outliers(ratios))))
    assert abs(np.mean(grown)) < 3 * np.std(grown) / np.sqrt(len(grown)) and np.std(grown) > 0.05


def test_a_run_of_one_layer_has_no_difference_by_depth(run):
    run = dataclasses.replace(run, separation=separation({(0, 1): 0.9, (64, 1): 0.4}))
    assert np.isnan(EFFECTS["separation_grows_with_depth_cosine"](run))


def test_without_noisy_data_they_are_not_learned_after_the_clean_ones(run):
    history = pd.DataFrame(
        [
            {"epoch": epoch, "subset": subset, "accuracy": value, "loss": value, "cross_entropy": value}
            for epoch in (0, 1, 64)
            for subset, value in (("clean", 0.9), ("test", 0.9), ("noisy_given", None))
        ]
    )
    table = phases(history, fitted=0.99, learned=0.5, smoothing=0, min_dip=0.01)
    run = dataclasses.replace(
        run,
        phases=table.set_index(["curve", "measure"])["value"].to_dict(),
        separation=run.separation.assign(value=np.nan),
    )
    assert np.isnan(EFFECTS["noisy_after_clean"](run))


def test_the_large_activation_is_sought_in_layers_that_are_not_silent(run):
    ratios = {(64, 1): 2.0, (64, 2): np.nan, (64, 3): 1.0, (64, 4): 1.5}
    activations = {(64, 1): (6.0, 3.0), (64, 2): (0.0, 0.0), (64, 3): (99.0, 1.0)}
    run = dataclasses.replace(run, outliers=outliers(ratios, activations))
    assert EFFECTS["large_activation_single"](run) == 1
    assert EFFECTS["large_activation_follows_input"](run) == pytest.approx(0.9)


def with_ratios(run, ratios):
    """The run with these ratios over the threshold, by epoch and layer."""
    return dataclasses.replace(run, outliers=outliers(ratios, over_threshold=ratios))


@pytest.mark.parametrize(
    ("ratios", "anywhere", "first"),
    [
        ({(64, 1): 0.9, (64, 4): 1.0}, False, False),
        ({(9, 1): 9.0, (64, 1): 0.9}, False, False),  # only the end counts
        ({(64, 1): 0.9, (64, 4): 1.1}, True, False),
        ({(64, 3): 1.1, (64, 4): 0.9}, True, True),
        ({(64, 1): np.nan}, False, False),
    ],
)
def test_where_claims_about_the_large_activation_apply(run, ratios, anywhere, first):
    run = with_ratios(run, ratios)
    applies = {claim.name: claim.applies for claim in CLAIMS if claim.applies}
    assert applies.pop("large_activation_grows")(run) is first
    others = {"in_first_layers", "follows_true_class", "later_in_smaller", "follows_input"}
    assert set(applies) == {f"large_activation_{name}" for name in others}
    assert all(applies_to(run) is anywhere for applies_to in applies.values())


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ({(1, 1): 2.0, (8, 1): 0.5, (64, 1): 2.0, (128, 2): 3.0}, 6),  # at epoch 8 it is not large
        ({(0, 1): 2.0, (64, 1): 2.0}, 0),
        ({(8, 1): 2.0, (64, 1): 0.5}, np.nan),
    ],
)
def test_an_activation_is_large_from_when_on_it_stays_above_the_threshold(run, ratios, expected):
    effect = EFFECTS["large_activation_later_in_smaller"](with_ratios(run, ratios))
    assert effect == pytest.approx(expected, nan_ok=True)


def test_the_ratio_grows_over_the_last_tenfold_of_epochs_in_the_first_three_layers(run):
    ratios = {(10, 1): 1.0, (100, 1): 2.0, (100, 4): 99.0, (1000, 2): 16.0, (1000, 4): 99.0}
    run = with_ratios(run, ratios)
    assert EFFECTS["large_activation_grows"](run) == 3
    assert EFFECTS["large_activation_ratio"](run) == 4
    assert EFFECTS["large_activation_in_first_layers"](run) == pytest.approx((3.5 - 4) / 4)
