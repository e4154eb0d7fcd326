"""What figures share: numbers in one long form, grids of panels, lines with bands, phases, dots, images.

Numbers of curves have the columns COLUMNS: `value` is a mean over seeds, `low` to `high` its interval (missing for
fewer than three seeds), `n` the number of seeds. Marks of phases are rows with the quantity `phase` and the epoch as
`value`.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from epochwise.figures import theme

COLUMNS = ["noise", "model", "quantity", "series", "epoch", "value", "low", "high", "n"]

# Phase marks: letter, quantity of the table `phases`, what it is, line style.
PHASES = {
    "P": ("peak_epoch", "P  first peak of test accuracy", (0, (5, 2))),
    "F": ("fit_epoch", "F  noise fitted", (0, (1, 1.2))),
    "D": ("dip_epoch", "D  dip of test accuracy", (0, (5, 1.5, 1, 1.5))),
}
WIDEST = 7  # models side by side
MARK = {"color": "0.45", "linewidth": 0.9}


# -- numbers -----------------------------------------------------------------------------------------------------------


def where(table: pd.DataFrame, **values) -> pd.DataFrame:
    """The rows whose columns equal `values` (a list: any of them)."""
    for column, value in values.items():
        table = table[table[column].isin(value) if isinstance(value, list) else table[column] == value]
    return table


def curves(table: pd.DataFrame, quantity: str | pd.Series, series: str | pd.Series) -> pd.DataFrame:
    """Rows of a summary table over epochs as numbers of curves."""
    table = table.assign(quantity=quantity, series=series, epoch=table["epoch"].astype("Int64"))
    return table.rename(columns={"mean": "value"})[COLUMNS]


def phase_marks(phases: pd.DataFrame) -> pd.DataFrame:
    """Mean epochs of P, F and D by test accuracy, each only where at least half of the seeds have it."""
    phases = where(phases, metric="accuracy")
    letters = {quantity: letter for letter, (quantity, *_) in PHASES.items()}
    marks = phases.assign(seeds=phases.groupby(["noise", "model"])["n"].transform("max"))
    marks = marks[marks["quantity"].isin(letters) & (marks["n"] > 0) & (2 * marks["n"] >= marks["seeds"])]
    marks = marks.assign(series=marks["quantity"].map(letters), quantity="phase", value=marks["mean"])
    return marks.reindex(columns=COLUMNS).assign(low=np.nan, high=np.nan).astype({"epoch": "Int64"})


def layer_that_stands_out(outliers: pd.DataFrame, noise: str, model: str) -> int:
    """The shallow layer that stands out at the last epoch, as the column `stands_out` of the summary says."""
    rows = where(outliers, noise=noise, model=model, epoch=outliers["epoch"].max(), stands_out=True)
    return int(rows["layer"].iloc[0])


# -- grids -------------------------------------------------------------------------------------------------------------


def blocks(numbers: pd.DataFrame, height: float) -> tuple[Figure, list[tuple[SubFigure, pd.DataFrame]]]:
    """A figure with a block of panels per noise (named if there are several), `height` inches each, and its numbers.

    Models stand side by side, at most WIDEST of them; more are shared out evenly to several blocks.
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


def facets(block: SubFigure, numbers: pd.DataFrame, rows: Mapping[str, str], **options) -> dict[tuple[str, str], Axes]:
    """Panels by model (columns) and key of `rows` (rows, with their y labels); `options` go to `subplots`."""
    models = numbers["model"].unique()
    axes = block.subplots(len(rows), len(models), sharey="row", squeeze=False, **options)
    for model, top in zip(models, axes[0], strict=True):
        top.set_title(theme.wrapped(model, block.get_figure(root=True).get_figwidth() / len(models) - 0.5))
    for label, left in zip(rows.values(), axes[:, 0], strict=True):
        left.set_ylabel(label)
    return {(model, row): axes[i, j] for j, model in enumerate(models) for i, row in enumerate(rows)}


def epoch_facets(block: SubFigure, numbers: pd.DataFrame, rows: Mapping[str, str]) -> dict[tuple[str, str], Axes]:
    """`facets` over the epoch axis, with the phases marked."""
    panels = facets(block, numbers, rows, sharex="col")
    names = [*rows]
    for (model, row), axes in panels.items():
        theme.epoch_axis(axes, int(numbers["epoch"].max()))
        mark_phases(axes, where(numbers, model=model), letters=row == names[0])
        if row == names[-1]:
            axes.set_xlabel("epoch")
    return panels


# -- drawing -----------------------------------------------------------------------------------------------------------


def line(axes: Axes, rows: pd.DataFrame, x: str = "epoch", **style) -> None:
    """A mean over seeds against column `x`, with its interval as a band where there is one."""
    position = rows[x].to_numpy(np.float64)
    axes.plot(position, rows["value"], **style)
    if rows["low"].notna().any():
        axes.fill_between(position, rows["low"], rows["high"], color=style["color"], alpha=0.2, linewidth=0)


def no_value(axes: Axes) -> None:
    """Say that a panel has nothing to show (without noise there is no separation, say)."""
    axes.text(0.5, 0.5, "no value", transform=axes.transAxes, ha="center", va="center", color="0.5")


def mark_phases(axes: Axes, numbers: pd.DataFrame, letters: bool) -> None:
    """Vertical lines at the phase marks among `numbers` (one noise and model), with `letters` above them or not."""
    marks = where(numbers, quantity="phase").sort_values("value")
    for mark in marks.itertuples():
        axes.axvline(mark.value, linestyle=PHASES[mark.series][2], zorder=0, **MARK)
    if letters:
        above(axes, marks["value"], marks["series"])


def above(axes: Axes, epochs: Sequence[float], texts: Sequence[str]) -> None:
    """Short texts just above the panel at ascending `epochs`, moved apart where they would touch; raises the title."""
    low, high = np.log1p(axes.get_xlim())
    at = (np.log1p(np.asarray(epochs, np.float64)) - low) / (high - low)
    gap = 0.13 * axes.get_figure(root=True).dpi / axes.bbox.width  # inches to shares of the panel's width
    for i in range(1, len(at)):
        at[i] = max(at[i], at[i - 1] + gap)
    for i in reversed(range(len(at))):
        at[i] = min(at[i], 1 - gap * (len(at) - 1 - i))
    for x, text in zip(at, texts, strict=True):
        axes.text(x, 1.01, text, transform=axes.transAxes, ha="center", va="bottom", fontsize=theme.SMALL, color="0.3")
    axes.set_title(axes.get_title(), pad=12)


def phase_legend(figure: Figure, numbers: pd.DataFrame) -> None:
    """What the phase marks among `numbers` mean, above all panels."""
    present = set(where(numbers, quantity="phase")["series"])
    marks = [
        Line2D([], [], linestyle=style, label=label, **MARK)
        for letter, (_, label, style) in PHASES.items()
        if letter in present
    ]
    theme.legend(figure, marks, "upper")


def handles(styles: Iterable[Mapping]) -> list[Line2D]:
    """Legend entries of lines, from their styles (with a label each)."""
    return [Line2D([], [], **style) for style in styles]


def layer_handles(colours: Mapping[int, tuple]) -> list[Line2D]:
    """Legend entries of hidden layers, at most eight: more are read off the order of colours."""
    chosen = np.unique(np.linspace(1, len(colours), min(len(colours), 8)).round().astype(int))
    return handles({"color": colours[layer], "label": f"layer {layer}"} for layer in chosen)


def dots(axes: Axes, numbers: pd.DataFrame, categories: Mapping[str, str], colours: Mapping[str, tuple]) -> None:
    """A horizontal chart: rows = `categories` (quantities to labels), beside each other the models in their `colours`.

    Series `mean` is a large dot with its interval, any other series a small dot.
    """
    step = 0.8 / len(colours)
    for i, quantity in enumerate(categories):
        for j, (model, colour) in enumerate(colours.items()):
            y = i + (j - (len(colours) - 1) / 2) * step
            rows = where(numbers, quantity=quantity, model=model)
            single = rows.loc[rows["series"] != "mean", "value"]
            spread = np.linspace(-0.36, 0.36, len(single)) if len(single) > 1 else np.zeros(len(single))
            axes.plot(single, y + step * spread, "o", color=colour, markersize=2.2, alpha=0.6, markeredgewidth=0)
            mean = where(rows, series="mean")
            axes.hlines(np.full(len(mean), y), mean["low"], mean["high"], color=colour, linewidth=1.2)
            axes.plot(
                mean["value"],
                [y] * len(mean),
                "o",
                color=colour,
                markersize=4.2,
                markeredgecolor="white",
                markeredgewidth=0.6,
            )
    axes.axvline(0, color="0.6", linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(categories)), categories.values())
    axes.yaxis.set_minor_locator(FixedLocator(np.arange(len(categories) - 1) + 0.5))
    axes.tick_params(axis="y", which="both", length=0)
    axes.grid(axis="y", which="minor", linewidth=0.4, color="0.85")
    axes.set_ylim(len(categories) - 0.5, -0.5)


def images(
    block: SubFigure, pictures: np.ndarray, shape: tuple[int, int, int], texts: Sequence[str], columns: int
) -> None:
    """Images (n, C·H·W) uint8 in CHW order, `columns` side by side, each with its text below."""
    for i, (picture, text) in enumerate(zip(pictures, texts, strict=True)):
        axes = block.add_subplot(-(-len(texts) // columns), columns, i + 1)
        array = picture.reshape(shape).transpose(1, 2, 0)
        axes.imshow(array.squeeze(), cmap="gray", vmin=0, vmax=255)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_anchor("N")
        axes.set_xlabel(text, fontsize=theme.SMALL, labelpad=2)


def ticks(names: Sequence[str], most: int) -> tuple[list[int], list[str]]:
    """Positions and names of at most `most` rows or columns of a matrix, at even distance."""
    positions = list(range(0, len(names), -(-len(names) // most)))
    return positions, [names[position] for position in positions]
