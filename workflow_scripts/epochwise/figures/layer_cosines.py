"""Cosines of clean and noisy class means over epochs: a row of panels per measure and grouping, a line per layer."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from epochwise.analysis.separation import MEAN_OVER_CLASSES
from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, layer_handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, rate_steps_per_epoch

# The highest cosine that sampling allows is one of uncentred means, so it belongs to the uncentred cosine only.
CEILINGS = {"cosine": "split_half"}
CEILING = {
    "color": theme.BLACK,
    "linestyle": "--",
    "linewidth": 0.9,
    "label": "upper limit: two halves of the clean data, last layer",
}


def draw_cosines(
    inputs: dict[str, pd.DataFrame], rows: Mapping[tuple[str, str], str], height: float
) -> tuple[Figure, pd.DataFrame]:
    """Cosines of clean and noisy class means, averaged over classes, of every hidden layer over epochs, per model.

    Args:
        inputs: the summary tables `separation`, `phases` and `runs`.
        rows: labels of the y axes, by measure and grouping.
        height: of a row, in inches.
    """
    numbers = _numbers(inputs, [*rows])
    colours = theme.layer_colours(inputs["separation"]["layer"].max())
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, height * len(rows) + SECOND_AXIS)
    for block, of_noise in blocks:
        for (model, (measure, grouping)), axes in panels.epoch_facets(block, of_noise, rows, per_epoch).items():
            of_panel = where(of_noise, model=model, grouping=grouping)
            if where(of_panel, measure=measure)["value"].isna().all():
                panels.no_value(axes)
            if measure in CEILINGS:
                panels.line(axes, where(of_panel, measure=CEILINGS[measure]), **CEILING)
            for layer, colour in colours.items():
                panels.line(axes, where(of_panel, measure=measure, layer=layer), color=colour)
    legend(figure, [*layer_handles(colours), *handles([CEILING])])
    phase_legend(figure, numbers)
    return figure, numbers


def _numbers(inputs: dict[str, pd.DataFrame], rows: list[tuple[str, str]]) -> pd.DataFrame:
    """The cosines of all layers, `split_half` of each model's last layer, and the marks."""
    table = where(inputs["separation"], **{"class": MEAN_OVER_CLASSES}).drop(columns="class")
    table = where(table, grouping=[*{grouping for _, grouping in rows}])
    cosines = where(table, measure=[*{measure for measure, _ in rows}])
    last = table["layer"] == table.groupby(["noise", "model"])["layer"].transform("max")
    ceiling = where(table[last], measure="split_half")
    return combine(cosines, ceiling, select_marks(inputs["phases"]))
