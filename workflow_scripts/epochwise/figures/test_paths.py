"""Paths of test data: whether predictions that are right run with clean training data, and wrong ones with noisy."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from epochwise.analysis.separation import MEAN_OVER_CLASSES
from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, layer_handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, rate_steps_per_epoch

# By measure and reference.
ROWS = {
    ("cosine", "clean"): "cosine\nwith clean data",
    ("cosine", "noisy"): "cosine\nwith noisy data",
    ("cosine_centred", "clean"): "centred cosine\nwith clean data",
    ("cosine_centred", "noisy"): "centred cosine\nwith noisy data",
}
OF_LAST_LAYER = ["split_half", "null_low", "null_high"]
CEILING = {
    "color": theme.BLACK,
    "linestyle": "--",
    "linewidth": 0.9,
    "label": "upper limit: two halves of these test data, last layer",
}
NULL = {"color": "0.8", "label": "right and wrong predictions permuted, last layer"}
HEIGHT = 1.3  # inches of a row


def draw_paths(inputs: dict[str, pd.DataFrame], predictions: str) -> tuple[Figure, pd.DataFrame]:
    """Cosines of the mean activation of test data with those of clean and of noisy training data, over epochs.

    Both rows of a measure have the same y axis, so that they can be compared. Besides the columns of `numbers`, the
    numbers have those of OF_LAST_LAYER, for the last layer of each model.

    Args:
        inputs: the summary tables `test_paths`, `phases` and `runs`.
        predictions: which test data: those predicted `correct` or `wrong`.
    """
    table = where(inputs["test_paths"], predictions=predictions, **{"class": MEAN_OVER_CLASSES}).drop(columns="class")
    numbers = combine(table, select_marks(inputs["phases"]))
    last = table["layer"] == table.groupby(["noise", "model"])["layer"].transform("max")
    numbers[OF_LAST_LAYER] = table.loc[last, OF_LAST_LAYER].reindex(table.index).reset_index(drop=True)
    colours = theme.layer_colours(table["layer"].max())
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, HEIGHT * len(ROWS) + SECOND_AXIS)
    for block, of_noise in blocks:
        facets = panels.epoch_facets(block, of_noise, ROWS, per_epoch)
        for (model, (measure, reference)), axes in facets.items():
            of_panel = where(of_noise, model=model, measure=measure, reference=reference)
            _draw_panel(axes, of_panel, colours)
        for measure in dict.fromkeys(measure for measure, _ in ROWS):
            _share_limits([axes for (_, (of_row, _)), axes in facets.items() if of_row == measure])
    legend(figure, [*layer_handles(colours), *handles([CEILING]), Patch(**NULL)])
    phase_legend(figure, numbers)
    return figure, numbers


def _draw_panel(axes: Axes, rows: pd.DataFrame, colours: dict[int, tuple]) -> None:
    """A line per layer, and of the last layer the range of the null and the upper limit."""
    if rows["value"].isna().all():
        panels.no_value(axes)
    last = where(rows, layer=rows["layer"].max())
    epochs = last["epoch"].to_numpy(float)
    axes.fill_between(epochs, last["null_low"], last["null_high"], color=NULL["color"], linewidth=0, zorder=-1)
    axes.plot(epochs, last["split_half"], **CEILING)
    for layer, colour in colours.items():
        panels.line(axes, where(rows, layer=layer), color=colour)


def _share_limits(axes: list[Axes]) -> None:
    """Give all panels the y range that shows all of them."""
    limits = [panel.get_ylim() for panel in axes]
    for panel in axes:
        panel.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
