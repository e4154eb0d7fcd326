"""The activation of the followed neuron on noisy training data, class by class over epochs."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, legend
from epochwise.figures.numbers import at_end, combine, layer_with_largest_ratio, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, rate_steps_per_epoch

MEASURE = "class_mean"
ROWS = {MEASURE: "mean activation of\nthe followed neuron"}
MOST_CLASSES = 12  # more classes than these are not named in the legend
BAND = 0.08  # opacity of an interval, because the intervals of many classes lie on each other


def draw_classes(inputs: dict, grouping: str) -> tuple[Figure, pd.DataFrame]:
    """Mean activation on the noisy training data of each class, per model, in the layer with the largest ratio.

    The y axis of a model shows the classes of both groupings, so that the two figures can be compared.

    Args:
        inputs: the summary tables `large_by_class`, `outliers`, `phases` and `runs`, and the training images.
        grouping: which label forms the classes: `true` or `given`.
    """
    names = inputs["train_images"].class_names
    table = _select_layers(inputs["large_by_class"], inputs["outliers"])
    table = table.assign(measure=MEASURE, class_name=table["class"].map(dict(enumerate(names))))
    numbers = combine(where(table, grouping=grouping), select_marks(inputs["phases"]))
    colours = theme.class_colours(len(names))
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, 2.6 + SECOND_AXIS)
    for block, of_noise in blocks:
        for (model, measure), axes in panels.epoch_facets(block, of_noise, ROWS, per_epoch, sharey=False).items():
            of_panel = where(of_noise, model=model, measure=measure)
            axes.title.set_text(f"{axes.get_title()}\nlayer {of_panel['layer'].iloc[0]}")
            if of_panel["value"].isna().all():
                panels.no_value(axes)
            for number, rows in of_panel.groupby("class"):
                panels.line(axes, rows, band=BAND, color=colours[number])
            axes.set_ylim(_limits(where(table, noise=of_panel["noise"].iloc[0], model=model)))
    if len(names) <= MOST_CLASSES:
        legend(figure, handles({"color": colours[i], "label": panels.short(name)} for i, name in enumerate(names)))
    phase_legend(figure, numbers)
    return figure, numbers


def _select_layers(table: pd.DataFrame, outliers: pd.DataFrame) -> pd.DataFrame:
    """The rows of each model's layer with the largest ratio. A model without rows gets one per grouping, without value.

    It has none if no label is wrong.
    """
    parts = []
    for row in at_end(outliers).drop_duplicates(["noise", "model"]).itertuples():
        run = {
            "noise": row.noise,
            "model": row.model,
            "layer": layer_with_largest_ratio(outliers, row.noise, row.model),
        }
        rows = where(table, **run)
        if rows.empty:
            empty = run | {"epoch": row.epoch, "class": 0, "mean": np.nan, "low": np.nan, "high": np.nan, "n": 0}
            rows = pd.DataFrame([empty | {"grouping": grouping} for grouping in ("true", "given")])
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """The y range of a model: from 0 to the largest mean or end of an interval, with a margin."""
    highest = rows[["mean", "high"]].max().max()
    highest = highest if highest > 0 else 1.0
    return -0.03 * highest, 1.05 * highest
