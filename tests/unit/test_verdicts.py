"""Verdicts, and numbers as people read them."""

import numpy as np
import pytest

from epochwise.findings.verdicts import interval, number, verdict, why_inconclusive


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
    assert verdict(low, high, n, 0.01) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.02, 0.05, "reproduced"), (0.0, 0.009, "contradicted"), (0.0, 0.01, "inconclusive")],
)
def test_an_effect_that_cannot_be_negative_is_contradicted_below_the_margin(low, high, expected):
    assert verdict(low, high, 3, 0.01, nonnegative=True) == expected
    assert verdict(low, high, 2, 0.01, nonnegative=True) == "inconclusive"


def test_numbers_for_people():
    assert [number(value) for value in (-0.12345, 0.0, 0.001, 0.0004, -2e-5)] == [
        "−0.123", "0.000", "0.001", "4e−04", "−2e−05",
    ]  # fmt: skip
    assert number(np.nan) == "–"
    assert (interval(-1, 2.5), interval(np.nan, np.nan)) == ("[−1.000, 2.500]", "–")


@pytest.mark.parametrize(
    ("low", "high", "n", "reason"),
    [
        (0.2, 0.3, 5, ""),
        (-0.3, -0.2, 5, ""),
        (0.05, 0.3, 5, "the interval contains the margin"),
        (-0.1, 0.3, 5, "the interval contains the margin"),
        (0.01, 0.05, 5, "the interval is below the margin"),
        (-0.1, 0.05, 5, "the interval is below the margin"),
        (0.0, 0.0, 5, "the interval is below the margin"),
        (0.2, 0.3, 2, "there are fewer than three seeds"),
    ],
)
def test_an_inconclusive_verdict_has_a_reason(low, high, n, reason):
    assert why_inconclusive(low, high, n, margin=0.1) == reason
