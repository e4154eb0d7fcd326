"""Signal separation: how similar the mean activations of clean and of noisy data of a true class are, by layer."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures.layer_cosines import draw_cosines

ROWS = {("cosine", "true"): "cosine of clean\nand noisy data"}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Cosine of clean and noisy class means by true label, averaged over classes, of every layer over epochs."""
    return draw_cosines(inputs, ROWS, height=2.6)
