"""Legends outside the panels."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from epochwise.figures import theme

ROW = 0.17  # inches: height of a row of a legend
LINE = 2.2  # length of a line in a legend, in font sizes
MOST_LAYERS = 8  # more layers than these are not all named, because their colours have an order


def fitting_columns(labels: Sequence[str], inches: float) -> int:
    """The largest number of even columns in which a legend with these labels is at most so wide."""
    widths = [len(label) * theme.CHARACTER + 0.5 for label in labels]
    for rows in range(1, len(labels) + 1):
        columns = math.ceil(len(labels) / rows)
        if sum(max(part) for part in np.array_split(widths, columns)) <= inches:
            return columns
    return 1


def legend(figure: Figure, handles: Sequence[Artist], side: str = "lower") -> None:
    """Add a legend below (`lower`) or above (`upper`) all panels. The figure grows by the legend's height."""
    if not handles:
        return
    columns = fitting_columns([handle.get_label() for handle in handles], figure.get_figwidth())
    figure.set_figheight(figure.get_figheight() + 0.1 + ROW * math.ceil(len(handles) / columns))
    figure.legend(handles=handles, loc=f"outside {side} center", ncols=columns, handlelength=LINE)


def handles(styles: Iterable[Mapping]) -> list[Line2D]:
    """Legend entries of lines, from their styles. Each style has a `label`."""
    return [Line2D([], [], **style) for style in styles]


def layer_handles(colours: Mapping[int, tuple]) -> list[Line2D]:
    """Legend entries of hidden layers, at most MOST_LAYERS of them."""
    chosen = np.unique(np.linspace(1, len(colours), min(len(colours), MOST_LAYERS)).round().astype(int))
    return handles({"color": colours[layer], "label": f"layer {layer}"} for layer in chosen)
