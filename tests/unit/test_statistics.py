"""p values, bootstrap intervals, effect sizes and numbers of seeds, compared with independent computations."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from epochwise.findings import statistics
from epochwise.findings.intervals import t_interval
from epochwise.findings.verdicts import REPRODUCED, verdict

EFFECTS = st.lists(st.floats(-1, 1).map(lambda value: round(value, 3)), min_size=3, max_size=12).map(np.array)


@settings(deadline=None)
@given(EFFECTS, st.sampled_from([0.0, 0.01, 0.1]), st.sampled_from([0.8, 0.95]))
def test_p_and_verdict_agree(effects, margin, level):
    _, low, high, n = t_interval(effects, level)
    p = statistics.p_above(effects, margin)
    if abs(low - margin) > 1e-9:
        assert (p < (1 - level) / 2) == (verdict(low, high, n, margin) == REPRODUCED)


def test_p_is_the_tail_of_the_t_distribution():
    effects = np.array([0.02, 0.05, 0.03, 0.07])
    t = (effects.mean() - 0.01) / (effects.std(ddof=1) / 2)
    assert statistics.p_above(effects, 0.01) == pytest.approx(1 - special.stdtr(3, t), rel=1e-9)


def test_holm_by_hand():
    p = pd.Series([0.04, np.nan, 0.01, 0.03], index=[7, 8, 9, 3])
    # In ascending order: 3 × 0.01, 2 × 0.03, and 1 × 0.04, which may not be below 0.06.
    corrected = statistics.holm(p)
    np.testing.assert_allclose(corrected.loc[[9, 3, 7]], [0.03, 0.06, 0.06])
    assert np.isnan(corrected.loc[8]) and statistics.holm(pd.Series([np.nan])).isna().all()


def test_the_bootstrap_interval_is_that_of_all_resamples():
    effects = np.array([0.1, 0.2, 0.25, 0.3])  # nearly symmetric, so that the corrections are small
    means = effects[np.stack(np.meshgrid(*[range(4)] * 4), -1).reshape(-1, 4)].mean(1)
    low, high = statistics.bootstrap_interval(effects, 0.8)
    np.testing.assert_allclose([low, high], np.quantile(means, [0.1, 0.9]), atol=0.02)
    assert (low, high) == statistics.bootstrap_interval(effects, 0.8)


def test_equal_effects_and_few_seeds():
    same = np.full(4, 0.25)
    assert statistics.bootstrap_interval(same, 0.95) == (0.25, 0.25)
    assert (statistics.p_above(same, 0.25), statistics.p_above(same, 0.2)) == (1, 0)
    assert np.isnan(statistics.effect_size(same)) and np.isnan(statistics.seeds_needed(same, 0.01, 0.95))
    two = same[:2]
    found = [statistics.p_above(two, 0), statistics.effect_size(two), *statistics.bootstrap_interval(two, 0.95)]
    assert np.isnan([*found, statistics.seeds_needed(two, 0, 0.95)]).all()


@pytest.mark.parametrize(("mean", "decided"), [(0.05, "reproduced"), (-0.04, "contradicted")])
def test_the_seeds_needed_decide_four_of_five_simulated_experiments(mean, decided):
    margin, deviation, random = 0.01, 0.04, np.random.default_rng(0)
    observed = np.array([-1, 0, 1]) * deviation + mean
    n = int(statistics.seeds_needed(observed, margin, 0.95))
    draws = random.normal(mean, deviation, (4000, n))
    half = special.stdtrit(n - 1, 0.975) * draws.std(1, ddof=1) / np.sqrt(n)
    share = np.mean(draws.mean(1) - half > margin if decided == "reproduced" else draws.mean(1) + half < 0)
    assert 0.78 < share < 0.9  # a whole number of seeds has a little more power than asked for


@pytest.mark.parametrize("mean", [0.0, 0.005, 0.01])
def test_no_number_of_seeds_decides_an_effect_between_zero_and_the_margin(mean):
    assert np.isnan(statistics.seeds_needed(np.array([-0.01, 0, 0.01]) + mean, 0.01, 0.95))
