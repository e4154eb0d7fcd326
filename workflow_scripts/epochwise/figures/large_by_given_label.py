"""The activation of the followed neuron on noisy training data, by given label."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures.large_by_class import draw_classes


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Mean activation of the followed neuron on the noisy training data of each given label, over epochs, per model."""
    return draw_classes(inputs, "given")
