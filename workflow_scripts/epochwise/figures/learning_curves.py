"""Learning curves: accuracy and loss of clean, noisy and test data over epochs."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import plain_log

ROWS = {"accuracy": "accuracy", "loss": "loss: cross-entropy (nats)"}
FLOOR = 0.01  # nats; the axis ends here, because smaller losses would leave little room for the test loss


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Accuracy and loss of every subset over epochs, per model: means and intervals over seeds."""
    numbers = combine(where(inputs["curves"], subset=[*theme.SUBSETS]), select_marks(inputs["phases"]))

    figure, blocks = panels.blocks(numbers, 1.8 * len(ROWS))
    for block, of_noise in blocks:
        facets = panels.epoch_facets(block, of_noise, ROWS)
        for (model, measure), axes in facets.items():
            for subset, style in theme.SUBSETS.items():
                panels.line(axes, where(of_noise, model=model, measure=measure, subset=subset), **style)
        for (_, measure), axes in facets.items():
            if measure == "loss":
                axes.set_ylim(bottom=max(FLOOR, axes.dataLim.minposy))
                plain_log(axes.yaxis)
            else:
                axes.set_ylim(theme.SHARE)
    legend(figure, handles(theme.SUBSETS.values()))
    phase_legend(figure, numbers)
    return figure, numbers
