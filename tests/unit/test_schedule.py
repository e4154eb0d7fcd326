"""Log-spaced epochs."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwise.workflow.schedule import log_spaced, selected

LAST, PER_DECADE = st.integers(1, 20_000), st.integers(1, 60)


@pytest.mark.parametrize(
    ("last", "per_decade", "expected"),
    [
        (1, 5, [0, 1]),
        (2, 1, [0, 1, 2]),
        (9, 1, [0, 1, 9]),
        (100, 5, [0, 1, 2, 3, 4, 6, 10, 16, 25, 40, 63, 100]),
        (120, 5, [0, 1, 2, 3, 4, 6, 10, 16, 25, 40, 63, 100, 120]),
        (1000, 3, [0, 1, 2, 5, 10, 22, 46, 100, 215, 464, 1000]),
    ],
)
def test_known_schedules(last, per_decade, expected):
    assert log_spaced(last, per_decade) == expected


@given(LAST, PER_DECADE)
def test_starts_untrained_ends_last_and_increases(last, per_decade):
    epochs = log_spaced(last, per_decade)
    assert epochs[:2] == [0, 1] and epochs[-1] == last
    assert all(a < b for a, b in itertools.pairwise(epochs))


@given(LAST, PER_DECADE)
def test_no_step_is_longer_than_asked_but_for_rounding(last, per_decade):
    epochs = log_spaced(last, per_decade)[1:]
    step = 10 ** (1 / per_decade)
    assert all(b - 0.5 <= (a + 0.5) * step * (1 + 1e-9) for a, b in itertools.pairwise(epochs))


@given(LAST, LAST, PER_DECADE)
def test_a_longer_run_looks_at_the_same_epochs(a, b, per_decade):
    short, long = (log_spaced(last, per_decade) for last in sorted((a, b)))
    assert short[:-1] == [epoch for epoch in long if epoch < short[-1]]


@pytest.mark.parametrize(
    ("stride", "expected"), [(1, [0, 1, 3, 9, 30]), (2, [0, 3, 30]), (3, [0, 1, 30]), (4, [0, 30]), (99, [0, 30])]
)
def test_every_nth_snapshot_is_counted_from_the_last_and_the_first_is_among_them(stride, expected):
    assert selected([0, 1, 3, 9, 30], stride) == expected
