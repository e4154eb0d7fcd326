"""The epochs P, F and D, which separate the phases of training: as rows of numbers, as lines, and as a legend."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from epochwise.figures import theme
from epochwise.figures.legends import legend
from epochwise.figures.numbers import where

# By measure of the summary table `phases`: letter, text of the legend, line style.
MARKS = {
    "peak_epoch": ("P", "P  first peak of test accuracy", (0, (5, 2))),
    "fit_epoch": ("F", "F  noisy labels fitted", (0, (1, 1.2))),
    "dip_epoch": ("D", "D  dip of test accuracy", (0, (5, 1.5, 1, 1.5))),
}
LINE = {"color": "0.45", "linewidth": 0.9}
UNTRAINED = {"color": "0.95", "label": "after the end of training"}


def select_marks(phases: pd.DataFrame) -> pd.DataFrame:
    """Mean epochs of P, F and D by test accuracy, from the summary table `phases`.

    A mark is left out if fewer than half of the seeds have it. Intervals are left out, because they are not drawn.
    """
    phases = where(phases, curve="accuracy")
    seeds = phases.groupby(["noise", "model"])["n"].transform("max")
    marks = phases[(phases["n"] > 0) & (2 * phases["n"] >= seeds)]
    return where(marks, measure=[*MARKS])[["noise", "model", "measure", "mean", "n"]]


def mark_phases(axes: Axes, numbers: pd.DataFrame, letters: bool) -> None:
    """Draw a line at each mark among `numbers` (of one noise and model). With `letters`, name it above the panel."""
    marks = where(numbers, measure=[*MARKS]).sort_values("value")
    for measure, epoch in zip(marks["measure"], marks["value"], strict=True):
        axes.axvline(epoch, linestyle=MARKS[measure][2], zorder=0, **LINE)
    if letters:
        _write_above(axes, marks["value"], [MARKS[measure][0] for measure in marks["measure"]])


def phase_legend(figure: Figure, numbers: pd.DataFrame) -> None:
    """Explain the marks among `numbers` above all panels, and what is grey if a model was trained for fewer epochs."""
    present = set(numbers["measure"])
    lines = [
        Line2D([], [], linestyle=style, label=label, **LINE)
        for measure, (_, label, style) in MARKS.items()
        if measure in present
    ]
    ends = numbers.groupby(["noise", "model"])["epoch"].max()
    if (ends < ends.groupby("noise").transform("max")).any():
        lines.append(Patch(**UNTRAINED))
    legend(figure, lines, "upper")


def _write_above(axes: Axes, epochs: Sequence[float], letters: Sequence[str]) -> None:
    """Write letters above the panel at ascending epochs, moved apart where they would touch, and raise the title."""
    low, high = np.log1p(axes.get_xlim())
    at = (np.log1p(np.asarray(epochs, np.float64)) - low) / (high - low)  # shares of the panel's width
    gap = 0.13 * axes.get_figure(root=True).dpi / axes.bbox.width  # 0.13 inches
    for i in range(1, len(at)):
        at[i] = max(at[i], at[i - 1] + gap)
    for i in reversed(range(len(at))):
        at[i] = min(at[i], 1 - gap * (len(at) - 1 - i))
    for x, letter in zip(at, letters, strict=True):
        axes.text(
            x, 1.01, letter, transform=axes.transAxes, ha="center", va="bottom", fontsize=theme.SMALL, color="0.3"
        )
    axes.set_title(axes.get_title(), pad=12)
