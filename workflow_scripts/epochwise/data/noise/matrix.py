"""Noise with any transition matrix: row y holds the probabilities of the given labels of class y."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from epochwise.data.noise import NoiseSettings
from epochwise.data.sources import Source
from epochwise.workflow.errors import InputError

Row = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=2)]
TOLERANCE = 1e-6  # of the sum of a row, because decimal fractions are rounded


class Settings(NoiseSettings):
    """The keys of this kind."""

    matrix: Annotated[list[Row], Field(min_length=2)]
    """Of kind `matrix`: the transition matrix, one row per true class. Entry j of row i is the share of samples of
    class i that get the label j. Each row sums to 1."""


def given_labels(true: np.ndarray, classes: int, settings: Mapping, random: np.random.Generator) -> np.ndarray:
    """Give the n samples of class i the label j exactly n·T[i, j] times, rounded up or down at random.

    The rounding keeps the expectation (systematic sampling): c(j) = floor(n·(T[i, 0] + … + T[i, j]) + u), with one u
    per class, uniform in [0, 1), and the label j is given c(j) − c(j − 1) times. For example, 10 samples with the row
    (0.75, 0.25) and u = 0.2 get 7 times the label 0 and 3 times the label 1.

    Args:
        true: true labels (N,), integers in 0..classes−1.
        classes: number of classes K.
        settings: `matrix`, the transition matrix T: K rows of K shares, each row with the sum 1.
        random: generator of this draw.

    Returns:
        Given labels (N,), of the dtype of `true`.
    """
    given = true.copy()
    for label, row in enumerate(np.asarray(settings["matrix"], float)):
        members = random.permutation(np.flatnonzero(true == label))
        bounds = np.round(len(members) * np.cumsum(row) / row.sum(), 9)  # so that 0.1 + 0.2 counts as 0.3
        ends = np.minimum(np.floor(bounds + random.random()).astype(int), len(members))
        counts = np.diff(ends, prepend=0)
        given[members] = np.repeat(np.arange(classes), counts)
    return given


def check(settings: Mapping, source: Source) -> None:
    """Raise InputError if the matrix does not have a row and a column per class, or if a row does not sum to 1."""
    matrix, classes = settings["matrix"], source.classes
    if len(matrix) != classes:
        raise InputError(f"matrix: it has {len(matrix)} rows, but the data have {classes} classes; give one row each.")
    for name, row in zip(source.class_names, matrix, strict=True):
        if len(row) != classes:
            raise InputError(
                f"matrix: the row of class {name!r} has {len(row)} entries, but the data have {classes} classes; give "
                "one entry each."
            )
        if abs(sum(row) - 1) > TOLERANCE:
            raise InputError(f"matrix: the row of class {name!r} sums to {sum(row):.9g}; make it sum to 1.")
