"""Measures of layers over epochs, with the range of their null."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, layer_handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, rate_steps_per_epoch

NULL = {"color": "0.6", "linewidth": 5, "alpha": 0.5, "label": "permuted labels (range, last layer)"}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """A row of panels per measure, a column per model, and a line per hidden layer.

    The numbers have the columns of `numbers`, and

    - `null_low`, `null_high`: the range of the measure with permuted labels, if it depends on them.
    """
    table = inputs["measures"]
    numbers = combine(table, select_marks(inputs["phases"]))
    numbers[["null_low", "null_high"]] = table[["null_low", "null_high"]].reset_index(drop=True)
    rows = {name: name.replace("_", " ", 1).replace("_", "\n", 1) for name in table["measure"].unique()}
    colours = theme.layer_colours(table["layer"].max())
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, 1.15 * len(rows) + SECOND_AXIS)
    for block, of_noise in blocks:
        for (model, measure), axes in panels.epoch_facets(block, of_noise, rows, per_epoch).items():
            of_panel = where(of_noise, model=model, measure=measure)
            last = where(of_panel, layer=of_panel["layer"].max())
            if last["null_low"].notna().any():
                band = last["epoch"].to_numpy(float), last["null_low"], last["null_high"]
                axes.fill_between(*band, color=NULL["color"], alpha=NULL["alpha"], linewidth=0)
            for layer, colour in colours.items():
                panels.line(axes, where(of_panel, layer=layer), color=colour)
    legend(figure, [*layer_handles(colours), *handles([NULL])])
    phase_legend(figure, numbers)
    return figure, numbers
