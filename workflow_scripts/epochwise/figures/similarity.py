"""Similarity of layers by linear CKA: between layers, between epochs, and between seeds."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.numbers import where
from epochwise.figures.scales import THOUSANDS, name_thousands

TITLES = {
    "layers": "layers, last epoch",
    "epochs": "epochs, last layer",
    "seeds": "seeds, by layer and epoch",
}
NORM, COLOURS = Normalize(0, 1), "cividis"  # 1: the same up to rotation, scale and shift
HEIGHT = 2.1  # inches of a row
LONG_EPOCH = 1000  # from this epoch on, fewer epochs are named


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Three maps per noise and model, with the same colours.

    The numbers have the columns of `numbers`, and

    - `kind`: what is compared: `layers`, `epochs` or `seeds`,
    - `other_epoch`, `other_layer`: those of the other layer. Each pair is there once.
    """
    table = inputs["similarity"].rename(columns={"mean": "value"})
    runs = list(table.groupby(["noise", "model"], sort=False))
    figure = theme.figure(max(HEIGHT * len(runs), HEIGHT))
    grid = figure.subplots(max(len(runs), 1), 3, squeeze=False)
    drawn = []
    for axes, title in zip(grid[0], TITLES.values(), strict=True):
        axes.set_title(title)
    for row, ((noise, model), block) in zip(grid, runs, strict=False):
        for axes, kind in zip(row, TITLES, strict=True):
            cells = _cells(block, kind)
            drawn.append(cells)
            _map(axes, cells, *_AXES[kind])
        named = theme.wrap(f"{model}, {noise}" if table["noise"].nunique() > 1 else model, HEIGHT - 0.6)
        row[0].set_ylabel(f"{named}\nlayer")
    if not runs:
        for axes in grid[0]:
            panels.no_value(axes)
        return figure, table
    figure.colorbar(ScalarMappable(NORM, COLOURS), ax=grid, label="linear CKA", shrink=min(1, 2 / len(runs)))
    names = ["noise", "model", "kind", "epoch", "other_epoch", "layer", "other_layer", "value", "n"]
    return figure, pd.concat(drawn, ignore_index=True)[names]


_AXES = {"layers": ("layer", "other_layer"), "epochs": ("epoch", "other_epoch"), "seeds": ("layer", "epoch")}


def _cells(block: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The rows of one map: of layers at the last epoch, of epochs in the last layer, all of seeds."""
    rows = where(block, kind=kind)
    if kind == "layers":
        return where(rows, epoch=block["epoch"].max())
    return where(rows, layer=block["layer"].max()) if kind == "epochs" else rows


def _map(axes: Axes, cells: pd.DataFrame, row: str, column: str) -> None:
    """Draw the cells by two of their columns. Cells without a value stay grey, and so do those of a single seed."""
    axes.set_xlabel(column.removeprefix("other_"))
    axes.set_ylabel(row)
    if cells.empty:
        axes.imshow([[np.nan]], norm=NORM, cmap=COLOURS, aspect="auto")
        axes.set(xticks=[], yticks=[])
        panels.no_value(axes)
        return
    symmetric = column.startswith("other_")
    rows, columns = (np.unique(cells[name]) for name in (row, column))
    if symmetric:
        rows = columns = np.union1d(rows, columns)
    values = np.full((len(rows), len(columns)), np.nan)
    at = np.searchsorted(rows, cells[row]), np.searchsorted(columns, cells[column])
    values[at] = cells["value"]
    if symmetric:
        values[at[::-1]] = cells["value"]
        np.fill_diagonal(values, 1)
    axes.set_facecolor(theme.MISSING)
    axes.imshow(values, norm=NORM, cmap=COLOURS, aspect="auto", origin="lower")
    for axis, names in (("x", columns), ("y", rows)):
        long = max(names) >= LONG_EPOCH
        positions, shown = panels.ticks([*names], most=4 if axis == "x" and long else 6)
        axes.set(**{f"{axis}ticks": positions, f"{axis}ticklabels": [_name(name) for name in shown]})
    axes.tick_params(length=0)


def _name(number: int) -> str:
    return name_thousands(number) if number >= THOUSANDS and number % 100 == 0 else str(number)
