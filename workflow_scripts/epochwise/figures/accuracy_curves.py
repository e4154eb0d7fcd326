"""Accuracy of clean, noisy and test data over epochs."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import theme
from epochwise.figures.learning import draw_curves

ROWS = {"accuracy": "accuracy"}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Accuracy of every subset over epochs, per model."""
    return draw_curves(inputs, ROWS, lambda axes: axes.set_ylim(theme.SHARE))
