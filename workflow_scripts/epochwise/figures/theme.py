"""The look of all figures: style, colours and sizes; and how a figure is saved."""

import logging
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from epochwise.workflow.files import atomic

WIDTH = 7.0  # inches: the text width of a journal page
MIN_PANEL = 1.6  # inches: if more columns are needed than fit, the figure becomes wider and its panels stay readable
TEXT, SMALL = 8, 7  # points
CHARACTER = SMALL / 72 * 0.62  # inches: mean width of a small character

# Okabe & Ito (2008)
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
DARK = "0.15"  # grey of text and axes
MISSING = "0.88"  # grey of cells without a value
SHARE = (-0.02, 1.02)  # limits of an axis of shares: an interval may reach further, a share cannot

# Seaborn's style for papers, as plain settings, and our sizes on top.
STYLE = (
    sns.axes_style("ticks")
    | sns.plotting_context("paper")
    | {
        "font.family": "DejaVu Sans",  # comes with Matplotlib, so text looks the same on every machine
        "font.size": TEXT,
        "axes.titlesize": TEXT,
        "axes.labelsize": TEXT,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.titlesize": TEXT,
        "figure.titleweight": "bold",
        "figure.labelsize": TEXT,
        "figure.constrained_layout.h_pad": 0.05,
        "figure.constrained_layout.w_pad": 0.05,
        "legend.fontsize": SMALL,
        "legend.title_fontsize": TEXT,
        "legend.frameon": False,
        "lines.linewidth": 1.3,
        "lines.markersize": 2.5,
        "image.interpolation": "nearest",
        "pdf.fonttype": 42,  # text stays text
    }
    | {
        f"{axis}.{key}": value
        for axis in ("xtick", "ytick")
        for key, value in {
            "labelsize": SMALL,
            "major.width": 0.6,
            "minor.width": 0.4,
            "major.size": 3,
            "minor.size": 1.5,
        }.items()
    }
)

THRESHOLD = {"color": BLACK, "linestyle": ":", "linewidth": 1.1}  # line at the ratio of a large activation

# How a subset of the data is drawn, by its name in the tables.
SUBSETS = {
    "clean": {"color": BLUE, "label": "clean data"},
    "noisy_given": {"color": VERMILION, "label": "noisy data, given labels"},
    "noisy_true": {"color": ORANGE, "label": "noisy data, true labels"},
    "train": {"color": "0.6", "linestyle": "--", "label": "all training data, given labels"},
    "test": {"color": BLACK, "label": "test data"},
}

logging.getLogger("fontTools").setLevel(logging.WARNING)  # at INFO it logs every table of a font


@contextmanager
def use_theme() -> Iterator[None]:
    """Use Matplotlib's own defaults with STYLE on top, whatever the user has set. Draw and save figures inside."""
    defaults = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
    with mpl.rc_context(defaults | STYLE):
        yield


def figure(height: float, columns: int = 1) -> Figure:
    """An empty figure, `height` inches high and a page wide, or wider if `columns` panels need more."""
    return Figure(figsize=(max(WIDTH, MIN_PANEL * columns), height), layout="constrained")


def wrap(name: str, inches: float) -> str:
    """A name from the configuration, broken into lines that are at most so wide."""
    return textwrap.fill(name, max(8, int(inches / CHARACTER)))


def model_colours(models: Sequence[str]) -> dict[str, tuple]:
    """A colour per model. Models are categories, so the colours have no order."""
    order = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, BLACK)
    colours = order if len(models) <= len(order) else sns.color_palette("husl", len(models))
    return dict(zip(models, colours, strict=False))


def layer_colours(layers: int) -> dict[int, tuple]:
    """A colour per hidden layer, 1 to `layers`: from dark (first layer) to bright (last layer)."""
    return dict(enumerate(mpl.colormaps["viridis"](np.linspace(0, 0.9, layers)), start=1))


def class_colours(classes: int) -> dict[int, tuple]:
    """A colour per class, from 0. Classes are categories, so the colours have no order."""
    colours = sns.color_palette("tab10" if classes <= 10 else "husl", classes)
    return dict(enumerate(colours))


def save(figure: Figure, numbers: pd.DataFrame, pdf: str | Path, png: str | Path, csv: str | Path, dpi: int) -> None:
    """Write a figure as PDF and PNG (`dpi` dots per inch) and its numbers as CSV.

    Each file is written atomically. Without dates inside, the same figure gives the same bytes.
    """
    figure.set_dpi(dpi)  # text sizes are rounded to whole dots, so the layout must know the final resolution
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is done; without this each file, and each later call, would redo it
    with atomic(pdf) as temporary:
        figure.savefig(temporary, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    with atomic(png) as temporary:
        figure.savefig(temporary, dpi=dpi, metadata={"Software": None})
    with atomic(csv) as temporary:
        numbers.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")
