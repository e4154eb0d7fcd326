"""The large activation over epochs: in which layer one neuron stands out, when, and on how many samples."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import layer_handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, plain_log, rate_steps_per_epoch

# By measure of the summary table `outliers`.
ROWS = {
    "largest_over_median_active": "largest activation over\nmedian positive activation",
    "largest_over_second": "largest activation over that\nof the second neuron",
    "argmax_share": "share of samples on which\nthis neuron is the largest",
}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """How far the largest neuron of every hidden layer stands out over epochs, per model."""
    table = where(inputs["outliers"], measure=[*ROWS])
    numbers = combine(table, select_marks(inputs["phases"]))
    colours = theme.layer_colours(table["layer"].max())
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, 1.8 * len(ROWS) + SECOND_AXIS)
    for block, of_noise in blocks:
        facets = panels.epoch_facets(block, of_noise, ROWS, per_epoch)
        for (model, measure), axes in facets.items():
            for layer, colour in colours.items():
                panels.line(axes, where(of_noise, model=model, measure=measure, layer=layer), color=colour)
        for (_, measure), axes in facets.items():
            if measure == "argmax_share":
                axes.set_ylim(theme.SHARE)
                continue
            if measure == "largest_over_second":
                axes.set_ylim(bottom=0.95)  # the ratio is at least 1 by definition, even where its interval is not
            plain_log(axes.yaxis)
    legend(figure, layer_handles(colours))
    phase_legend(figure, numbers)
    return figure, numbers
