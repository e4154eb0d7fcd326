"""Paths of the test data that are predicted wrongly, compared with clean and with noisy training data."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures.test_paths import draw_paths


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Cosines of wrongly predicted test data with clean and with noisy training data, by layer, over epochs.

    Besides the columns of `numbers`, the numbers have of each model's last layer

    - `split_half`: cosine of two random halves of these test data,
    - `null_low`, `null_high`: range of the cosine if right and wrong predictions are permuted within each class.
    """
    return draw_paths(inputs, "wrong")
