"""Epochs at which something is looked at: dense at first, thinning out."""

import math


def log_spaced(last: int, per_decade: int) -> list[int]:
    """Epochs 0, 1, …, `last`: round(10^(k/per_decade)) for k = 0, 1, …, without repeats, and always 0 and `last`.

    All but `last` do not depend on `last`, so a longer run looks at the same epochs.
    """
    steps = range(math.floor(math.log10(last) * per_decade) + 1)
    return sorted({0, last, *(min(round(10 ** (k / per_decade)), last) for k in steps)})


def selected(epochs: list[int], stride: int) -> list[int]:
    """Every `stride`-th of ascending `epochs`, counted back from the last; and the first."""
    return sorted({epochs[0], *epochs[::-stride]})
