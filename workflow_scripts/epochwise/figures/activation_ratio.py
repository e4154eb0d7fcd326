"""How far the followed neuron of each layer is above the others of its layer over epochs (equation 5 of the paper)."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, layer_handles, legend
from epochwise.figures.numbers import combine, large_ratio, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, plain_log, rate_steps_per_epoch

ROWS = {"followed_rms_ratio": "activation over\nroot mean square of the others"}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """The ratio of every hidden layer's followed neuron over epochs, per model, and the threshold of a large one.

    Followed is the neuron that has the largest activation of its layer at the last epoch.
    """
    numbers = combine(where(inputs["outliers"], measure=[*ROWS]), select_marks(inputs["phases"]))
    colours = theme.layer_colours(numbers["layer"].max())
    threshold = large_ratio(inputs["outliers"])
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, 2.6 + SECOND_AXIS)
    for block, of_noise in blocks:
        facets = panels.epoch_facets(block, of_noise, ROWS, per_epoch)
        for (model, measure), axes in facets.items():
            of_panel = where(of_noise, model=model, measure=measure)
            if of_panel["value"].isna().all():
                panels.no_value(axes)
            if threshold is not None:
                axes.axhline(threshold, **theme.THRESHOLD)
            for layer, colour in colours.items():
                panels.line(axes, where(of_panel, layer=layer), color=colour)
        for axes in facets.values():
            plain_log(axes.yaxis)
    lines = [] if threshold is None else [{**theme.THRESHOLD, "label": f"large from {threshold:g}"}]
    legend(figure, [*layer_handles(colours), *handles(lines)])
    phase_legend(figure, numbers)
    return figure, numbers
