"""Signal separation over epochs by true and by given label, plain and centred, layer by layer."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures.layer_cosines import draw_cosines

# By measure and grouping.
ROWS = {
    ("cosine", "true"): "cosine\nby true label",
    ("cosine", "given"): "cosine\nby given label",
    ("cosine_centred", "true"): "centred cosine\nby true label",
    ("cosine_centred", "given"): "centred cosine\nby given label",
}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Cosines of clean and noisy class means, averaged over classes, of every hidden layer over epochs, per model."""
    return draw_cosines(inputs, ROWS, height=1.25)
