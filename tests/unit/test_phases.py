"""Phases read off curves drawn by hand, and the largest fall against trying all pairs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwise.analysis.phases import first_epoch, peak_and_dip, phases, smooth

EPOCHS = [0, 1, 3, 10, 30, 100, 300]
SETTINGS = {"fitted": 0.99, "learned": 0.5, "smoothing": 0, "min_dip": 0.01}
WEAK = [0.1, 0.7, 0.8, 0.5, 0.6, 0.65, 0.7]
STRONG = [0.1, 0.7, 0.8, 0.5, 0.6, 0.65, 0.9]
NO_DIP = [0.1, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9]
FALLING = [0.1, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4]
CLEAN = [0.1, 0.5, 0.9, 1, 1, 1, 1]
NOISY = [0.1, 0.0, 0.1, 0.6, 0.98, 0.99, 1]


def quantities(test, metric="accuracy", noisy=NOISY, **settings):
    """{quantity: value} for test, clean and noisy curves; the metric that is not asked for is flat."""
    curves = {
        ("test", metric): test,
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
    return table[table["metric"] == metric].set_index("quantity")["value"].to_dict()


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
@pytest.mark.parametrize(("metric", "sign"), [("accuracy", 1), ("loss", -1)])
def test_quantities_of_curves_drawn_by_hand(test, expected, metric, sign):
    found = quantities([sign * value for value in test], metric)
    turned = {name: sign * value if name in ("peak", "dip", "final") else value for name, value in expected.items()}
    assert {name: found[name] for name in turned} == pytest.approx(turned, nan_ok=True)


def test_epochs_of_fitting_and_learning():
    found = quantities(WEAK)
    wanted = {"fit_epoch": 100, "clean_epoch": 1, "noisy_epoch": 10, "last_epoch": 300}
    assert {name: found[name] for name in wanted} == wanted


def test_noise_that_is_never_fitted_leaves_no_epoch_and_nothing_after_it():
    found = quantities(WEAK, noisy=[0.1, 0.2, 0.3, 0.4, 0.45, 0.45, 0.4])
    assert all(np.isnan(found[name]) for name in ("fit_epoch", "noisy_epoch", "after_fit"))
    assert found["recovery"] == pytest.approx(0.2)


def test_without_noisy_data_nothing_is_fitted():
    found = quantities(WEAK, noisy=[None] * 7)
    assert all(np.isnan(found[name]) for name in ("fit_epoch", "noisy_epoch", "after_fit"))


def test_a_fall_smaller_than_asked_is_no_dip_and_the_peak_is_that_of_the_whole_curve():
    assert quantities(WEAK, min_dip=0.29)["dip_epoch"] == 10
    found = quantities(STRONG, min_dip=0.31)
    assert np.isnan(found["dip_epoch"]) and (found["peak_epoch"], found["fall"], found["recovery"]) == (300, 0, 0)


def test_the_curve_is_smoothed_before_it_is_read():
    found = quantities(WEAK, smoothing=1)
    assert (found["peak_epoch"], found["peak"]) == (3, pytest.approx((0.7 + 0.8 + 0.5) / 3))
    assert (found["dip_epoch"], found["dip"]) == (30, pytest.approx((0.5 + 0.6 + 0.65) / 3))
    assert found["final"] == pytest.approx((0.65 + 0.7) / 2)


def test_first_epoch_is_the_first_at_or_above_the_level():
    curve = pd.Series([0.2, 0.5, 0.1, 0.9], [0, 4, 5, 9])
    assert (first_epoch(curve, 0.5), first_epoch(curve, 0.51)) == (4, 9)
    assert np.isnan(first_epoch(curve, 0.91))


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
