"""The one look of all figures, and how a figure is saved. Importing this module sets Matplotlib's style."""

import logging
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from epochwise.workflow.files import atomic

WIDTH = 7.0  # inches: the text width of a journal page
MIN_PANEL = 1.6  # inches: more columns than fit make the figure wider instead of the panels unreadable
TEXT, SMALL = 8, 7  # points
CHARACTER = SMALL / 72 * 0.62  # inches: mean width of a small character
LEGEND_ROW = 0.17  # inches
HANDLE = 2.2  # length of a line in a legend, in font sizes

logging.getLogger("fontTools").setLevel(logging.WARNING)  # at INFO it tells of every table of a font

# DejaVu Sans comes with Matplotlib, so text is set alike on every machine.
sns.set_theme(
    context="paper",
    style="ticks",
    palette="colorblind",
    rc={
        "font.family": "DejaVu Sans",
        "font.size": TEXT,
        "axes.titlesize": TEXT,
        "axes.labelsize": TEXT,
        "figure.titlesize": TEXT,
        "figure.labelsize": TEXT,
        "legend.title_fontsize": TEXT,
        "figure.titleweight": "bold",
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "xtick.minor.size": 1.5,
        "ytick.minor.size": 1.5,
        "lines.linewidth": 1.3,
        "lines.markersize": 2.5,
        "image.interpolation": "nearest",
        "figure.constrained_layout.h_pad": 0.05,
        "figure.constrained_layout.w_pad": 0.05,
        "pdf.fonttype": 42,  # text stays text
    },
)

# Okabe & Ito (2008)
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
MISSING = "0.88"  # grey of cells without a value
SHARE = (-0.02, 1.02)  # limits of an axis of shares: intervals may reach further, shares cannot

SUBSETS = {
    "clean": {"color": BLUE, "label": "clean data"},
    "noisy_given": {"color": VERMILION, "label": "noisy data, given labels"},
    "noisy_true": {"color": ORANGE, "label": "noisy data, true labels"},
    "train": {"color": "0.6", "linestyle": "--", "label": "all training data"},
    "test": {"color": BLACK, "label": "test data"},
}


def figure(height: float, columns: int = 1) -> Figure:
    """An empty figure of a page's width, wider if `columns` panels need it; sizes in inches."""
    return Figure(figsize=(max(WIDTH, MIN_PANEL * columns), height), layout="constrained")


def wrapped(name: str, inches: float) -> str:
    """A name of the configuration, broken into lines that fit."""
    return textwrap.fill(name, max(8, int(inches / CHARACTER)))


def model_colours(models: Sequence[str]) -> dict[str, tuple]:
    """A colour per model: categories."""
    order = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, BLACK)
    colours = order if len(models) <= len(order) else sns.color_palette("husl", len(models))
    return dict(zip(models, colours, strict=False))


def layer_colours(layers: int) -> dict[int, tuple]:
    """A colour per hidden layer 1..layers: ordered, from dark (first) to bright (last)."""
    return dict(enumerate(mpl.colormaps["viridis"](np.linspace(0, 0.9, layers)), start=1))


def legend_columns(labels: Sequence[str], inches: float) -> int:
    """As many even columns as fit for a legend with these labels."""
    widths = [len(label) * CHARACTER + 0.5 for label in labels]
    for rows in range(1, len(labels) + 1):
        columns = math.ceil(len(labels) / rows)
        if sum(max(part) for part in np.array_split(widths, columns)) <= inches:
            return columns
    return 1


def legend(figure: Figure, handles: Sequence[Artist], side: str = "lower") -> None:
    """A legend below (`lower`) or above (`upper`) all panels, as wide as they are; the figure grows by its height."""
    if not handles:
        return
    columns = legend_columns([handle.get_label() for handle in handles], figure.get_figwidth())
    figure.set_figheight(figure.get_figheight() + 0.1 + LEGEND_ROW * math.ceil(len(handles) / columns))
    figure.legend(handles=handles, loc=f"outside {side} center", ncols=columns, handlelength=HANDLE)


def epoch_axis(axes: Axes, last: int) -> None:
    """Epochs 0 to `last`, logarithmic in epoch + 1, so that the untrained network (epoch 0) has a place."""
    axes.set_xscale("function", functions=(np.log1p, np.expm1))
    margin = 0.02 * np.log1p(last)
    axes.set_xlim(np.expm1(-margin), np.expm1(np.log1p(last) + margin))
    decades = 10 ** np.arange(int(np.log10(last)) + 1)
    axes.set_xticks([0, *decades], [f"{epoch:d}" for epoch in (0, *decades)])
    between = np.outer(decades, np.arange(2, 10)).ravel()
    axes.xaxis.set_minor_locator(FixedLocator(between[between <= last]))
    axes.xaxis.set_minor_formatter(NullFormatter())


def plain_log(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis, unless it spans many decades; call it when all is drawn."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
    if decades < 5:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def save(figure: Figure, numbers: pd.DataFrame, pdf: str | Path, png: str | Path, csv: str | Path, dpi: int) -> None:
    """Write a figure as PDF and PNG (`dpi` dots per inch) and its numbers as CSV: atomically, with no date inside."""
    figure.set_dpi(dpi)  # sizes of text are whole dots: what fits at one resolution may be cut off at another
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is settled: both files, now and on every later call, are set alike
    with atomic(pdf) as temporary:
        figure.savefig(temporary, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    with atomic(png) as temporary:
        figure.savefig(temporary, dpi=dpi, metadata={"Software": None})
    with atomic(csv) as temporary:
        numbers.to_csv(temporary, index=False, lineterminator="\n")
