"""Phases read from curves drawn by hand, the largest fall compared with all pairs, and recoveries of simulated runs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwise.analysis.phases import (
    cross_fitted_recovery,
    epoch_of_fall,
    first_epoch,
    lasting_epoch,
    peak_and_dip,
    phases,
    smooth,
)

EPOCHS = [0, 1, 3, 10, 30, 100, 300]
SETTINGS = {"fitted": 0.99, "learned": 0.5, "smoothing": 0, "min_dip": 0.01}
WEAK = [0.1, 0.7, 0.8, 0.5, 0.6, 0.65, 0.7]
STRONG = [0.1, 0.7, 0.8, 0.5, 0.6, 0.65, 0.9]
NO_DIP = [0.1, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9]
FALLING = [0.1, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4]
CLEAN = [0.1, 0.5, 0.9, 1, 1, 1, 1]
NOISY = [0.1, 0.0, 0.1, 0.6, 0.98, 0.99, 1]


def measures(test, curve="accuracy", noisy=NOISY, **settings):
    """{measure: value} for test, clean and noisy curves; the curve that is not asked for is flat."""
    curves = {
        ("test", curve): test,
        ("clean", "accuracy"): CLEAN,
        ("noisy_given", "accuracy"): noisy,
    }
    history = pd.DataFrame(
        [
            {"epoch": epoch, "subset": subset}
            | {m: curves.get((subset, m), [0.5] * 7)[position] for m in ("accuracy", "loss")}
            for subset in ("noisy_given", "clean", "test")
            for position, epoch in enumerate(EPOCHS)
        ]
    )
    table = phases(history.sample(frac=1, random_state=0), **(SETTINGS | settings))
    return table[table["curve"] == curve].set_index("measure")["value"].to_dict()


MISSING = {"dip_epoch": np.nan, "dip": np.nan}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (WEAK, {"peak_epoch": 3, "peak": 0.8, "dip_epoch": 10, "dip": 0.5, "final": 0.7, "fall": 0.3, "recovery": 0.2,
                "surplus": -0.1, "after_fit": 0.05}),
        (STRONG, {"peak_epoch": 3, "peak": 0.8, "dip_epoch": 10, "dip": 0.5, "final": 0.9, "fall": 0.3, "recovery": 0.4,
                  "surplus": 0.1, "after_fit": 0.25}),
        (NO_DIP, MISSING | {"peak_epoch": 300, "peak": 0.9, "final": 0.9, "fall": 0, "recovery": 0, "surplus": 0,
                            "after_fit": 0.05}),
        (FALLING, {"peak_epoch": 1, "peak": 0.8, "dip_epoch": 300, "dip": 0.4, "final": 0.4, "fall": 0.4, "recovery": 0,
                   "surplus": -0.4, "after_fit": -0.05}),
    ],
    ids=["weak", "strong", "no dip", "only falling"],
)  # fmt: skip
@pytest.mark.parametrize(("curve", "sign"), [("accuracy", 1), ("loss", -1)])
def test_measures_of_curves_drawn_by_hand(test, expected, curve, sign):
    found = measures([sign * value for value in test], curve)
    turned = {name: sign * value if name in ("peak", "dip", "final") else value for name, value in expected.items()}
    assert {name: found[name] for name in turned} == pytest.approx(turned, nan_ok=True)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([2.3, 5.0, 4.6, 4.4, 1.0, 1.2, 0.9], 10),  # a tenth of 4.1 is fallen at 4.59
        ([5.0, 4.51, 4.5, 0.0, 0.0, 0.0, 0.0], 3),  # exactly a tenth counts
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], np.nan),
        ([np.nan] * 7, np.nan),
    ],
)
def test_the_fall_of_the_loss_begins_a_tenth_below_its_maximum(curve, expected):
    assert epoch_of_fall(pd.Series(curve, EPOCHS)) == pytest.approx(expected, nan_ok=True)


def test_the_loss_of_noisy_data_begins_to_fall_and_all_data_are_fitted():
    curve = [2.3, 5.0, 4.6, 4.4, 1.0, 1.2, 0.9]
    rows = [
        {"epoch": epoch, "subset": subset, "accuracy": accuracy, "loss": loss}
        for subset, accuracies, losses in (("noisy_given", NOISY, curve), ("clean", CLEAN, WEAK), ("test", WEAK, WEAK))
        for epoch, accuracy, loss in zip(EPOCHS, accuracies, losses, strict=True)
    ]
    found = phases(pd.DataFrame(rows), **SETTINGS).set_index(["curve", "measure"])["value"]
    assert found["loss", "noisy_fall_epoch"] == 10 and ("accuracy", "noisy_fall_epoch") not in found
    assert found["accuracy", "fit_margin"] == pytest.approx(1 - 0.99)
    assert measures(WEAK, noisy=[0.4] * 7)["fit_margin"] == pytest.approx(0.4 - 0.99)
    assert measures(WEAK, noisy=[np.nan] * 7)["fit_margin"] == pytest.approx(1 - 0.99)


def test_epochs_of_fitting_and_learning():
    found = measures(WEAK)
    wanted = {"fit_epoch": 100, "clean_epoch": 1, "noisy_epoch": 10, "last_epoch": 300}
    assert {name: found[name] for name in wanted} == wanted


def test_noise_that_is_never_fitted_leaves_no_epoch_and_nothing_after_it():
    found = measures(WEAK, noisy=[0.1, 0.2, 0.3, 0.4, 0.45, 0.45, 0.4])
    assert all(np.isnan(found[name]) for name in ("fit_epoch", "noisy_epoch", "after_fit"))
    assert found["recovery"] == pytest.approx(0.2)


def test_without_noisy_data_nothing_is_fitted():
    found = measures(WEAK, noisy=[None] * 7)
    assert all(np.isnan(found[name]) for name in ("fit_epoch", "noisy_epoch", "after_fit"))


def test_a_fall_smaller_than_asked_is_no_dip_and_the_peak_is_that_of_the_whole_curve():
    assert measures(WEAK, min_dip=0.29)["dip_epoch"] == 10
    found = measures(STRONG, min_dip=0.31)
    assert np.isnan(found["dip_epoch"]) and (found["peak_epoch"], found["fall"], found["recovery"]) == (300, 0, 0)


def test_the_curve_is_smoothed_before_it_is_read():
    found = measures(WEAK, smoothing=1)
    assert (found["peak_epoch"], found["peak"]) == (3, pytest.approx((0.7 + 0.8 + 0.5) / 3))
    assert (found["dip_epoch"], found["dip"]) == (30, pytest.approx((0.5 + 0.6 + 0.65) / 3))
    assert found["final"] == pytest.approx((0.65 + 0.7) / 2)


def test_first_epoch_is_the_first_at_or_above_the_level():
    curve = pd.Series([0.2, 0.5, 0.1, 0.9], [0, 4, 5, 9])
    assert (first_epoch(curve, 0.5), first_epoch(curve, 0.51)) == (4, 9)
    assert np.isnan(first_epoch(curve, 0.91))


@pytest.mark.parametrize(
    ("noisy", "expected"),
    [
        ([0.1, 0.5, 0.98, 0.99, 1, 1, 1], 10),
        ([0.1, 0.5, 1, 1, 0.6, 1, 1], 3),  # one spike
        ([0.1, 0.5, 1, 0.6, 1, 0.98, 1], 3),  # two spikes apart from each other
        ([0.1, 0.5, 1, 1, 0.6, 0.98, 1], 300),  # two adjacent low evaluations
        ([0.1, 1, 0.5, 0.5, 1, 0.5, 1], 30),
        ([0.1, 0.5, 1, 1, 1, 1, 0.9], 3),  # a spike at the end
        ([0.1, 0.5, 1, 1, 1, 0.9, 0.9], np.nan),
        ([0.1, 0.5, 0.9, 0.98, 0.98, 0.98, 0.98], np.nan),
    ],
)
def test_noise_is_fitted_from_the_epoch_that_lasts_except_for_single_evaluations(noisy, expected):
    found = measures(WEAK, noisy=noisy)
    assert found["fit_epoch"] == pytest.approx(expected, nan_ok=True)
    after = np.nan if np.isnan(expected) else 0.7 - WEAK[EPOCHS.index(expected)]
    assert found["after_fit"] == pytest.approx(after, nan_ok=True)


@given(st.lists(st.sampled_from([0.5, 0.98, 0.99, 1.0, np.nan]), min_size=1, max_size=12))
def test_the_lasting_epoch_is_the_first_after_which_no_two_adjacent_evaluations_are_low(values):
    reached = [value >= 0.99 for value in values]
    lasting = [
        i
        for i in range(len(values))
        if reached[i] and all(reached[j] or reached[j + 1] for j in range(i, len(values) - 1))
    ]
    found = lasting_epoch(pd.Series(values, [3 * i for i in range(len(values))]), 0.99)
    assert found == pytest.approx(3 * lasting[0] if lasting else np.nan, nan_ok=True)


CURVE = st.lists(st.integers(-9, 9), min_size=1, max_size=25).map(lambda x: np.array(x, np.float64))


@given(CURVE)
def test_peak_and_dip_are_the_largest_fall_of_all_pairs(curve):
    peak, dip = peak_and_dip(curve)
    falls = {(i, j): curve[i] - curve[j] for j in range(len(curve)) for i in range(j + 1)}
    assert curve[peak] - curve[dip] == max(falls.values())
    assert curve[dip] == curve[peak:].min()
    if max(falls.values()) > 0:
        assert peak < dip
        assert peak == min(i for i in range(dip + 1) if curve[i] == curve[: dip + 1].max())
    else:
        assert peak == dip == list(curve).index(curve.max())


@given(CURVE, st.integers(0, 30))
def test_smoothing_is_the_mean_over_neighbours(curve, radius):
    found = smooth(pd.Series(curve, 2 ** np.arange(len(curve))), radius)
    expected = [curve[max(i - radius, 0) : i + radius + 1].mean() for i in range(len(curve))]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found.index.tolist() == [2**i for i in range(len(curve))]


# -- cross-fitted recovery ---------------------------------------------------------------------------------------------

SEEDS, EVALUATIONS, HALF, REPEATS = 5, 50, 300, 200
READ = {"smoothing": 1, "min_dip": 0.01}


def simulated(truth, random):
    """Accuracy of SEEDS runs on two halves of a test set, by epoch and seed, around the curve `truth` (EVALUATIONS,).

    Training fluctuates: each run departs from the truth, and the departures of consecutive evaluations are correlated.
    The test set is a sample: each image has a difficulty that all runs and epochs share, and is classified correctly
    where the accuracy of the run at this epoch exceeds it.
    """
    departures = np.zeros((SEEDS, EVALUATIONS))
    for t in range(1, EVALUATIONS):
        departures[:, t] = 0.7 * departures[:, t - 1] + random.normal(0, 0.01, SEEDS)
    halves = []
    for _ in range(2):
        difficulty = random.random(HALF)
        luck = random.normal(0, 0.1, (SEEDS, EVALUATIONS, HALF))  # of an image in a run at an epoch
        correct = difficulty + luck < (truth + departures)[:, :, None]
        halves.append(pd.DataFrame(correct.mean(2).T, columns=range(SEEDS)))
    return halves


def plain(curves_a, curves_b):
    """The recovery that each run reads from its own curve on the whole test set."""
    recoveries = []
    for seed in range(SEEDS):
        curve = smooth((curves_a[seed] + curves_b[seed]) / 2, READ["smoothing"]).to_numpy()
        peak, dip = peak_and_dip(curve)
        recoveries.append(curve[-1] - curve[dip] if curve[peak] - curve[dip] >= READ["min_dip"] else 0.0)
    return np.mean(recoveries)


def repeated(truth, random):
    """Cross-fitted and plain recovery, each the mean over seeds, in REPEATS simulations."""
    simulations = [simulated(truth, random) for _ in range(REPEATS)]
    return (
        np.array([cross_fitted_recovery(*halves, **READ).mean() for halves in simulations]),
        np.array([plain(*halves) for halves in simulations]),
    )


def standard_error(values):
    return values.std(ddof=1) / np.sqrt(len(values))


FALLS_TO_A_PLATEAU = np.concatenate([np.linspace(0.2, 0.6, 10), np.linspace(0.6, 0.5, 10), np.full(30, 0.5)])


@pytest.mark.parametrize("truth", [FALLS_TO_A_PLATEAU, np.full(EVALUATIONS, 0.5)], ids=["a fall", "constant"])
def test_without_a_recovery_the_cross_fitted_one_is_0_and_the_plain_one_is_not(random, truth):
    cross_fitted, plain = repeated(truth, random)
    assert abs(cross_fitted.mean()) < 3 * standard_error(cross_fitted)
    assert standard_error(cross_fitted) < 0.002  # so that a bias as large as the margin of the claims would be seen
    assert plain.mean() > 0.01 and plain.mean() > 10 * standard_error(plain)


def test_a_real_recovery_is_found_with_its_size(random):
    truth = np.concatenate([np.linspace(0.2, 0.6, 10), np.linspace(0.6, 0.4, 10), np.linspace(0.4, 0.5, 30)])
    smoothed = smooth(pd.Series(truth), READ["smoothing"]).to_numpy()
    size = smoothed[-1] - smoothed[15:].min()
    cross_fitted, plain = repeated(truth, random)
    assert cross_fitted.mean() == pytest.approx(size, abs=0.005)
    assert plain.mean() > cross_fitted.mean()


def test_a_cross_fitted_recovery_worked_by_hand():
    a = pd.DataFrame({1: [0.5, 0.5, 0.5, 0.5], 2: [0.5, 0.8, 0.2, 0.4], 3: [0.5, 0.6, 0.4, 0.4]})
    b = pd.DataFrame({1: [0.1, 0.2, 0.3, 0.7], 2: [0.5, 0.7, 0.8, 0.9], 3: [0.9, 0.7, 0.6, 0.9]})
    found = cross_fitted_recovery(a, b, smoothing=0, min_dip=0.01)
    # Seed 1: on a the others fall to their minimum at position 2 → 0.7 − 0.3 on b. On b they have 0.7, 0.7, 0.7, 0.9:
    # no dip → 0.
    assert found[1] == pytest.approx((0.4 + 0) / 2)
    # Seed 2: on a the others have 0.5, 0.55, 0.45, 0.45 → 0.9 − 0.8 on b. On b 0.5, 0.45, 0.45, 0.8 → 0.4 − 0.8 on a.
    assert found[2] == pytest.approx((0.1 - 0.4) / 2)


def test_a_cross_fitted_recovery_needs_two_other_seeds():
    curves = pd.DataFrame({4: WEAK, 9: WEAK})
    found = cross_fitted_recovery(curves, curves, smoothing=0, min_dip=0.01)
    assert found.index.tolist() == [4, 9] and found.isna().all()
