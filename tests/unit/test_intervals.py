"""Means and t intervals against SciPy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from epochwise.findings.intervals import over_seeds, t_interval

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=12)


@given(VALUES, st.floats(0.01, 0.99), st.integers(0, 4))
def test_the_interval_is_that_of_scipy_and_ignores_missing_values(values, level, missing):
    mean, low, high, n = t_interval(np.array([*values, *[np.nan] * missing]), level)
    assert (mean, n) == (pytest.approx(np.mean(values)), len(values))
    scale = stats.sem(values)
    expected = stats.t.interval(level, n - 1, np.mean(values), scale) if scale > 0 else (mean, mean)
    assert (low, high) == pytest.approx(expected, abs=1e-9)


def test_an_interval_worked_by_hand():
    # mean 2, deviation 1, n 3: 4.302653 / sqrt(3) on either side
    assert t_interval(np.array([1, 2, 3]), 0.95) == pytest.approx((2, -0.484138, 4.484138, 3), abs=1e-6)


@pytest.mark.parametrize(
    ("values", "mean", "n"), [([], np.nan, 0), ([np.nan], np.nan, 0), ([4.0], 4, 1), ([1.0, np.nan, 2.0], 1.5, 2)]
)
def test_fewer_than_three_values_have_no_interval(values, mean, n):
    assert t_interval(np.array(values), 0.95) == pytest.approx((mean, np.nan, np.nan, n), nan_ok=True)


VALUE_OR_NONE = st.one_of(st.floats(-1e3, 1e3), st.just(np.nan))
ROWS = st.lists(st.tuples(st.sampled_from("zab"), st.integers(-1, 1), VALUE_OR_NONE), min_size=1, max_size=40)


@given(ROWS, st.sampled_from([0.5, 0.95]))
def test_over_seeds_is_the_interval_of_each_group_in_order_of_appearance(rows, level):
    table = pd.DataFrame(rows, columns=["model", "class", "value"])
    found = over_seeds(table, ["model", "class"], "value", level)
    assert found.columns.tolist() == ["model", "class", "mean", "low", "high", "n"]
    groups = {}
    for model, c, value in rows:
        groups.setdefault((model, c), []).append(value)
    assert list(found[["model", "class"]].itertuples(index=False, name=None)) == list(groups)
    for row, values in zip(found[["mean", "low", "high", "n"]].to_numpy(), groups.values(), strict=True):
        np.testing.assert_allclose(row, t_interval(np.array(values), level), rtol=1e-9, atol=1e-9)
