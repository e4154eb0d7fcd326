"""Is overfitting benign, tempered or catastrophic? Runs compared with their twins without noise, over seeds."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from epochwise.analysis.runs import NETWORK
from epochwise.findings.intervals import MIN_SEEDS, over_seeds

BENIGN, TEMPERED, CATASTROPHIC, UNDECIDED = "benign", "tempered", "catastrophic", "undecided"
NEAR_CHANCE = 0.9  # an error above this share of the error of guessing counts as that of guessing


def classify_overfitting(by_run: pd.DataFrame, classes: Mapping[str, int], margin: float, level: float) -> pd.DataFrame:
    """The gaps between runs and twins over seeds with their kind of overfitting, as the summary table `twins`.

    The kinds are those of Mallinar et al. (2022), made operational:

    - *benign*: the whole interval of the gap is below `margin`.
    - *catastrophic*: the whole interval of the test error is above 0.9 times the error 1 − 1/K of guessing.
    - *tempered*: the whole interval of the gap is above `margin`, and the test error is not that of guessing.
    - *undecided*: everything else, and fewer than three seeds.

    Args:
        by_run: what `epochwise.analysis.twins.compare_with_twins` returns.
        classes: number of classes K, by noise.
        margin: a smaller gap does not count.
        level: level of the intervals, 0 to 1.
    """
    names = ("achieved_rate", "twin_error", "test_error", "gap", "slope")
    parts = {name: over_seeds(by_run, NETWORK, name, level) for name in names}
    table = parts["gap"][[*NETWORK, "n"]].assign(**{name: part["mean"] for name, part in parts.items()})
    for name in ("test_error", "gap", "slope"):
        table[f"{name}_low"], table[f"{name}_high"] = parts[name]["low"], parts[name]["high"]
    catastrophic = table["test_error_low"] > NEAR_CHANCE * (1 - 1 / table["noise"].map(classes))
    cases = [table["n"] < MIN_SEEDS, catastrophic, table["gap_high"] < margin, table["gap_low"] > margin]
    return table.assign(overfitting=np.select(cases, [UNDECIDED, CATASTROPHIC, BENIGN, TEMPERED], UNDECIDED))
