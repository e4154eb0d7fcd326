"""Grids of panels, and what is drawn in a panel: lines with bands, rows of dots, images."""

import itertools
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FixedLocator

from epochwise.figures import theme
from epochwise.figures.numbers import where
from epochwise.figures.phase_marks import UNTRAINED, mark_phases
from epochwise.figures.scales import epoch_axis, rate_steps_axis

WIDEST = 7  # models beside each other; more continue in further blocks
LONGEST_NAME = 16  # characters of the name of a class

# -- grids -------------------------------------------------------------------------------------------------------------


def blocks(numbers: pd.DataFrame, height: float) -> tuple[Figure, list[tuple[SubFigure, pd.DataFrame]]]:
    """A figure with one block of panels per noise, and the numbers of each block.

    A block is `height` inches high. It is titled with its noise if there are several. More than WIDEST models are
    divided evenly among several blocks.
    """
    noises, models = numbers["noise"].unique(), numbers["model"].unique()
    lines = np.array_split(models, -(-len(models) // WIDEST))
    figure = theme.figure(len(noises) * len(lines) * (height + 0.3), len(lines[0]))
    subfigures = figure.subfigures(len(noises) * len(lines), 1, squeeze=False)[:, 0]
    parts = []
    for block, (noise, line) in zip(subfigures, itertools.product(noises, lines), strict=True):
        parts.append((block, where(numbers, noise=noise, model=list(line))))
        if len(noises) > 1:
            block.suptitle(noise)
    return figure, parts


def facets(
    block: SubFigure, numbers: pd.DataFrame, rows: Mapping[Hashable, str], **options
) -> dict[tuple[str, Hashable], Axes]:
    """A grid of panels, by model and key of `rows`: models are columns.

    The values of `rows` are labels of the y axes, which the panels of a row share. `options` are those of Matplotlib's
    `subplots`.
    """
    models = numbers["model"].unique()
    axes = block.subplots(len(rows), len(models), squeeze=False, **{"sharey": "row", **options})
    for model, top in zip(models, axes[0], strict=True):
        top.set_title(theme.wrap(model, block.get_figure(root=True).get_figwidth() / len(models) - 0.5))
    for label, left in zip(rows.values(), axes[:, 0], strict=True):
        left.set_ylabel(label)
    return {(model, row): axes[i, j] for j, model in enumerate(models) for i, row in enumerate(rows)}


def epoch_facets(
    block: SubFigure, numbers: pd.DataFrame, rows: Mapping[Hashable, str], per_epoch: Mapping[str, float], **options
) -> dict[tuple[str, Hashable], Axes]:
    """`facets` with epochs as x axis, a second axis below for learning rate × steps, and the phases marked.

    All panels have the epochs of the model that is trained longest. What a shorter training leaves empty is grey.
    `per_epoch` is learning rate × steps of one epoch by model, see `scales.rate_steps_per_epoch`.
    """
    panels = facets(block, numbers, rows, sharex="col", **options)
    names, longest = [*rows], int(numbers["epoch"].max())
    for (model, row), axes in panels.items():
        of_model = where(numbers, model=model)
        last = int(of_model["epoch"].max())
        epoch_axis(axes, longest)
        if last < longest:
            axes.axvspan(last, axes.get_xlim()[1], color=UNTRAINED["color"], linewidth=0, zorder=-2)
        mark_phases(axes, of_model, letters=row == names[0])
        if row == names[-1]:
            axes.set_xlabel("epoch", labelpad=1)
            rate_steps_axis(axes, longest, per_epoch[model])
    return panels


# -- drawing -----------------------------------------------------------------------------------------------------------


def line(axes: Axes, rows: pd.DataFrame, x: str = "epoch", band: float = 0.2, **style) -> None:
    """Draw means over seeds against column `x`, and their intervals, if there are any, with the opacity `band`."""
    position = rows[x].to_numpy(np.float64)
    axes.plot(position, rows["value"], **style)
    if rows["low"].notna().any():
        axes.fill_between(position, rows["low"], rows["high"], color=style["color"], alpha=band, linewidth=0)


def no_value(axes: Axes) -> None:
    """Write into a panel that there is nothing to show. For instance, without noise nothing can be separated."""
    axes.text(0.5, 0.5, "no value", transform=axes.transAxes, ha="center", va="center", color="0.5")


def dots(axes: Axes, rows: Mapping[str, pd.DataFrame], colours: Mapping[str, tuple]) -> None:
    """Draw a horizontal chart: one row per label of `rows`, and in each row one line per model in its colour.

    A mean over seeds is a large dot with its interval, a single seed (column `seed`) a small dot.
    """
    step = 0.8 / len(colours)
    for i, numbers in enumerate(rows.values()):
        for j, (model, colour) in enumerate(colours.items()):
            y = i + (j - (len(colours) - 1) / 2) * step
            of_model = where(numbers, model=model)
            single = of_model["seed"].notna() if "seed" in of_model else np.zeros(len(of_model), bool)
            _small_dots(axes, of_model.loc[single, "value"], y, step, colour)
            _large_dots(axes, of_model[~single], y, colour)
    axes.axvline(0, color="0.6", linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(rows)), rows)
    axes.yaxis.set_minor_locator(FixedLocator(np.arange(len(rows) - 1) + 0.5))
    axes.tick_params(axis="y", which="both", length=0)
    axes.grid(axis="y", which="minor", linewidth=0.4, color="0.85")
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _small_dots(axes: Axes, values: pd.Series, y: float, step: float, colour: tuple) -> None:
    """Single values, spread over most of the height `step` around `y`, so that they do not cover each other."""
    spread = np.linspace(-0.36, 0.36, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.plot(values, y + step * spread, "o", color=colour, markersize=2.2, alpha=0.6, markeredgewidth=0)


def _large_dots(axes: Axes, means: pd.DataFrame, y: float, colour: tuple) -> None:
    """Means with their intervals at height `y`."""
    axes.hlines(np.full(len(means), y), means["low"], means["high"], color=colour, linewidth=1.2)
    edge = {"markeredgecolor": "white", "markeredgewidth": 0.6}
    axes.plot(means["value"], [y] * len(means), "o", color=colour, markersize=4.2, **edge)


def images(
    block: SubFigure, pictures: np.ndarray, shape: tuple[int, int, int], texts: Sequence[str], columns: int
) -> None:
    """Draw images, each with its text below.

    Args:
        block: where to draw.
        pictures: uint8 values of shape (images, C·H·W).
        shape: (C, H, W) of an image, with one or three channels.
        texts: one text per image.
        columns: images beside each other.
    """
    for i, (picture, text) in enumerate(zip(pictures, texts, strict=True)):
        axes = block.add_subplot(-(-len(texts) // columns), columns, i + 1)
        array = picture.reshape(shape).transpose(1, 2, 0)
        axes.imshow(array.squeeze(), cmap="gray", vmin=0, vmax=255)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_anchor("N")
        axes.set_xlabel(text, fontsize=theme.SMALL, labelpad=2)


def ticks(names: Sequence, most: int) -> tuple[list[int], list]:
    """Positions and names of at most `most` rows or columns of a matrix, at even distances. Long texts are cut."""
    positions = list(range(0, len(names), -(-len(names) // most)))
    shown = [names[position] for position in positions]
    return positions, [short(name) if isinstance(name, str) else name for name in shown]


def short(name: str) -> str:
    """The name of a class as figures show it: cut after 15 characters, and with dollars that begin no formula."""
    cut = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    return cut.replace("$", r"\$")
