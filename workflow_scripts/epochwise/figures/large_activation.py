"""The large activation over epochs: in which layer one neuron stands out, when, and on how many samples."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme

ROWS = {
    "peak_over_median_active": "peak over median\npositive activation",
    "peak_over_runner_up": "peak over peak\nof the runner-up",
    "argmax_share": "share of samples on which it\nis the layer's largest",
}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """How far the neuron with the largest peak stands out in every hidden layer over epochs, per model."""
    table = panels.where(inputs["outliers"], measure=[*ROWS])
    curves = panels.curves(table, table["measure"], "layer " + table["layer"].astype(str))
    numbers = pd.concat([curves, panels.phase_marks(inputs["phases"])], ignore_index=True)
    colours = theme.layer_colours(table["layer"].max())

    figure, blocks = panels.blocks(numbers, 1.8 * len(ROWS))
    for block, of_noise in blocks:
        facets = panels.epoch_facets(block, of_noise, ROWS)
        for (model, measure), axes in facets.items():
            for layer, colour in colours.items():
                rows = panels.where(of_noise, model=model, quantity=measure, series=f"layer {layer}")
                panels.line(axes, rows, color=colour)
        for (_, measure), axes in facets.items():
            if measure.startswith("peak"):
                theme.plain_log(axes.yaxis)
            else:
                axes.set_ylim(theme.SHARE)
            if measure == "peak_over_runner_up":
                axes.set_ylim(bottom=0.95)  # at least 1 by definition, whatever the interval
    theme.legend(figure, panels.layer_handles(colours))
    panels.phase_legend(figure, numbers)
    return figure, numbers
