"""Learning curves: a row of panels per measure, with clean, noisy and test data over epochs."""

from collections.abc import Callable, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, rate_steps_per_epoch

HEIGHT = 2.1  # inches of a row


def draw_curves(
    inputs: dict[str, pd.DataFrame], rows: Mapping[str, str], complete: Callable[[Axes], None]
) -> tuple[Figure, pd.DataFrame]:
    """The curves of every subset over epochs, per model: means and intervals over seeds.

    Args:
        inputs: the summary tables `curves`, `phases` and `runs`.
        rows: labels of the y axes, by measure of `curves`.
        complete: sets the y axis of a panel, when everything is drawn.
    """
    curves = where(inputs["curves"], subset=[*theme.SUBSETS], measure=[*rows])
    numbers = combine(curves, select_marks(inputs["phases"]))
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, HEIGHT * len(rows) + SECOND_AXIS)
    for block, of_noise in blocks:
        facets = panels.epoch_facets(block, of_noise, rows, per_epoch)
        for (model, measure), axes in facets.items():
            for subset, style in theme.SUBSETS.items():
                panels.line(axes, where(of_noise, model=model, measure=measure, subset=subset), **style)
        for axes in facets.values():
            complete(axes)
    legend(figure, handles(theme.SUBSETS.values()))
    phase_legend(figure, numbers)
    return figure, numbers
