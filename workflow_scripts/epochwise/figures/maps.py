"""Test error as a map over epochs and widths, and over epochs and noise rates (Nakkiran et al. 2020)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, legend
from epochwise.figures.numbers import where
from epochwise.figures.scales import (
    SECOND_AXIS,
    epoch_axis,
    plain_log,
    rate_steps_axis,
    rate_steps_per_epoch,
    shared_rate_steps,
)

THRESHOLD = 0.99  # training accuracy at which the training data count as interpolated
FEWEST = 3  # widths or rates of a map
CURVES = 4  # epochs of the model-wise curves
MARK = {"color": "white", "linewidth": 1.4}
WIDTH = "width of the first layer"
HEIGHT = 2.3 + SECOND_AXIS  # inches of a row of panels


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """A map per noise and depth with at least three widths, over epochs and widths; beside it test error by width.

    The width of a network is that of its first layer, because widths may differ from layer to layer. Of several models
    with the same one, the first is shown. Per depth with at least three noise rates, there is also a map over epochs
    and rates of its widest network. The line shows the first epoch at which 99 % of the training samples have their
    given labels. The numbers have the columns `noise`, `model`, `epoch`, `value` of `numbers`, and

    - `part`: name of the row of panels,
    - `by`, `size`: width or rate, and its value,
    - `train`: training accuracy on the given labels.
    """
    numbers = _numbers(inputs["curves"], inputs["runs"])
    parts = list(numbers.groupby("part", sort=False))
    per_epoch = rate_steps_per_epoch(inputs["runs"])
    figure = theme.figure(HEIGHT * max(len(parts), 1))
    blocks = figure.subfigures(max(len(parts), 1), 1, squeeze=False)[:, 0]
    if not parts:
        axes = blocks[0].subplots()
        axes.imshow([[np.nan]], aspect="auto")
        axes.set(xticks=[], yticks=[])
        panels.no_value(axes)
    highest = numbers["value"].max()
    for block, (part, rows) in zip(blocks, parts, strict=False):
        block.suptitle(part, fontweight="normal")
        _row(block, rows, highest, shared_rate_steps(per_epoch, rows["model"].unique()))
    if parts:
        legend(figure, handles([{**MARK, "color": "0.5", "label": "training data interpolated (99 %)"}]))
    return figure, numbers


def _numbers(curves: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Test error and training accuracy by epoch of every map."""
    about = runs.drop_duplicates(["noise", "model"]).drop(columns="seed")
    about = about.assign(width=about["widths"].str.split("-").str[0].astype(int))
    wide = where(curves, measure="accuracy", subset=["test", "train"])
    wide = wide.pivot(index=["noise", "model", "epoch"], columns="subset", values="mean").reset_index()
    table = about.merge(wide.assign(value=1 - wide["test"]), on=["noise", "model"])  # in the order of the runs
    widest = table["width"] == table.groupby("hidden_layers")["width"].transform("max")
    kinds = (
        ("width", ["noise", "hidden_layers"], table),
        ("achieved_rate", ["hidden_layers", "width"], table[widest]),
    )
    found = []
    for by, keys, candidates in kinds:
        for key, rows in candidates.groupby(keys, sort=False):
            if rows[by].nunique() >= FEWEST:
                rows = rows.drop_duplicates(["epoch", by])  # of several models of one width, the first
                named = ", ".join(_named(name, value) for name, value in zip(keys, key, strict=True))
                size = rows[by].astype(float)
                found.append(rows.assign(part=named, by="width" if by == "width" else "rate", size=size))
    names = ["part", "by", "noise", "model", "size", "epoch", "value", "train"]
    return pd.concat(found or [table.head(0).reindex(columns=names)], ignore_index=True)[names]


def _named(key: str, value) -> str:
    return {"noise": f"{value}", "hidden_layers": f"{value} hidden layers", "width": f"{value} units in the first"}[key]


def _row(block: SubFigure, rows: pd.DataFrame, highest: float, per_epoch: float | None) -> None:
    """A map, and its curves at a few epochs. A model that ends earlier has no value after its end."""
    by_width = rows["by"].iloc[0] == "width"
    left, right = block.subplots(1, 2, width_ratios=[1.5, 1])
    errors = _fill_between(rows.pivot(index="size", columns="epoch", values="value"))
    epochs, sizes = errors.columns.to_numpy(float), errors.index.to_numpy(float)
    left.set_facecolor(theme.MISSING)
    image = left.pcolormesh(epochs, sizes, errors, cmap="cividis", vmin=0, vmax=highest, shading="nearest")
    block.colorbar(image, ax=left, label="test error")
    train = rows.pivot(index="size", columns="epoch", values="train")
    reached = train.ge(THRESHOLD)
    first = reached.idxmax(axis=1).where(reached.any(axis=1)).astype(float)
    left.plot(first, sizes, **MARK)
    epoch_axis(left, int(epochs[-1]))
    left.set_xlabel("epoch", labelpad=1)
    left.set_ylabel(WIDTH if by_width else "share of wrong labels")
    if per_epoch:
        rate_steps_axis(left, int(epochs[-1]), per_epoch)
    chosen = np.unique(epochs[np.linspace(0, len(epochs) - 1, CURVES + 1).round().astype(int)[1:]])
    for epoch, colour in zip(chosen, theme.layer_colours(len(chosen)).values(), strict=True):
        right.plot(sizes, errors[epoch], "o-", color=colour, label=f"epoch {epoch:.0f}")
    right.set(xlabel=left.get_ylabel(), ylabel="test error")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1.05), handlelength=1)
    for axis in (left.yaxis, right.xaxis) if by_width else ():
        _log(axis.axes, axis)


def _fill_between(table: pd.DataFrame) -> pd.DataFrame:
    """A network that was not evaluated at an epoch keeps the value before, until its last epoch."""
    return table.ffill(axis=1).where(table.bfill(axis=1).notna())


def _log(axes: Axes, axis) -> None:
    plain_log(axis)
    axes.margins(0.02)
