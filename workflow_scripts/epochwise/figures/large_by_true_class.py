"""The activation of the followed neuron on noisy training data, by true class."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures.large_by_class import draw_classes


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Mean activation of the followed neuron on the noisy training data of each true class, over epochs, per model."""
    return draw_classes(inputs, "true")
