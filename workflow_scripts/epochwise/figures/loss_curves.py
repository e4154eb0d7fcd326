"""Loss of clean, noisy and test data over epochs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from epochwise.figures.learning import draw_curves
from epochwise.figures.scales import plain_log

ONE = {"loss": "loss: cross-entropy (nats)"}
TWO = {"loss": "trained loss (nats)", "cross_entropy": "cross-entropy (nats)"}
FLOOR = 0.01  # nats; a logarithmic axis ends here, because smaller losses would leave little room for the test loss
LOGARITHMIC = 10  # an axis whose largest loss is this many times the smallest is logarithmic


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Loss of every subset over epochs, per model.

    The first row has the trained loss. If this is not the cross-entropy of the outputs, a second row has that one.
    """
    return draw_curves(inputs, TWO if _differ(inputs["curves"]) else ONE, _complete)


def _differ(curves: pd.DataFrame) -> bool:
    """Whether the trained loss is another than the cross-entropy anywhere."""
    keys = ["noise", "model", "epoch", "subset"]
    wide = curves.pivot(index=keys, columns="measure", values="mean")
    return not np.allclose(wide["loss"], wide["cross_entropy"], equal_nan=True)


def _complete(axes: Axes) -> None:
    low, high = axes.dataLim.minposy, axes.dataLim.ymax
    if high > LOGARITHMIC * low:
        axes.set_ylim(bottom=max(FLOOR, low))
        plain_log(axes.yaxis)
