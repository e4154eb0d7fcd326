"""Verdicts over seeds, and how numbers are written for people."""

import pandas as pd

from epochwise.findings.intervals import MIN_SEEDS

REPRODUCED, CONTRADICTED, INCONCLUSIVE = "reproduced", "contradicted", "inconclusive"
NOT_APPLICABLE = "not applicable"  # no run of the model has what the claim is about


def verdict(low: float, high: float, n: int, margin: float, nonnegative: bool = False) -> str:
    """The verdict on an effect that a claim says is positive, from its interval over `n` seeds.

    *reproduced*: the whole interval is above the margin. *contradicted*: the whole interval is below 0, or below the
    margin if the effect is `nonnegative`, which means that it cannot be below 0. Everything else, and every effect with
    fewer than three seeds, is *inconclusive*.
    """
    if n < MIN_SEEDS:
        return INCONCLUSIVE
    if low > margin:
        return REPRODUCED
    return CONTRADICTED if high < (margin if nonnegative else 0) else INCONCLUSIVE


def why_inconclusive(low: float, high: float, n: int, margin: float) -> str:
    """Why the verdict on an effect is *inconclusive*, in few words; empty if it is another.

    If the interval contains the margin, more seeds may show an effect. If it is below, they hardly will.
    """
    if verdict(low, high, n, margin) != INCONCLUSIVE:
        return ""
    if n < MIN_SEEDS:
        return "there are fewer than three seeds"
    return "the interval is below the margin" if high <= margin else "the interval contains the margin"


def number(value: float) -> str:
    """A number for people, or a dash if it is missing.

    >>> number(-0.25), number(0.00004), number(float("nan"))
    ('−0.250', '4e−05', '–')
    """
    if pd.isna(value):
        return "–"
    digits = ".3f" if value == 0 or abs(value) >= 0.001 else ".0e"
    return f"{value:{digits}}".replace("-", "−")


def interval(low: float, high: float) -> str:
    """An interval for people, or a dash if there is none."""
    return "–" if pd.isna(low) else f"[{number(low)}, {number(high)}]"
