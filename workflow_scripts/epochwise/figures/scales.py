"""Axes for epochs and for positive numbers over several decades."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from epochwise.figures import theme

RATE_STEPS = "learning rate × steps"
BELOW = 27  # points between the axis of epochs and the second axis below it
SECOND_AXIS = 0.42  # inches that the second axis adds to the height of a figure
THOUSANDS = 10_000  # longer axes name their epochs 1k, 10k and so on


def epoch_axis(axes: Axes, last: int) -> None:
    """Epochs 0 to `last` on an axis that is logarithmic in epoch + 1, so that it includes the untrained network."""
    _log_of_epochs(axes, last)
    decades = 10 ** np.arange(int(np.log10(last)) + 1)
    text = name_thousands if last >= THOUSANDS else str
    named = _fitting(axes, last, decades, text)
    # The last epoch gets a number too, unless that would touch the number before.
    if len(text(last)) <= len(str(THOUSANDS)) and _room(axes, last, max(named), last) > 1.2 * _apart(
        text(max(named)), text(last)
    ):
        named.append(last)
    ticks = np.union1d(named, decades)
    axes.set_xticks(ticks, [text(int(epoch)) if epoch in named else "" for epoch in ticks])
    between = np.outer(decades, np.arange(2, 10)).ravel()
    axes.xaxis.set_minor_locator(FixedLocator(between[between <= last]))
    axes.xaxis.set_minor_formatter(NullFormatter())


def rate_steps_per_epoch(runs: pd.DataFrame) -> dict[str, float]:
    """Learning rate × steps of one epoch, by model. `runs` is the summary table of this name.

    Adam changes a weight by about its learning rate in a step. So this product compares how far networks have been
    trained, even if their learning rates, batches or data sets differ.
    """
    first = runs.drop_duplicates("model").set_index("model")
    return (first["learning_rate"] * first["steps_per_epoch"]).to_dict()


def rate_steps_axis(axes: Axes, last: int, per_epoch: float) -> None:
    """A second x axis below the one of `epoch_axis`: learning rate × steps, with `per_epoch` of it in each epoch."""
    below = axes.inset_axes([0, 0, 1, 1], zorder=-1)
    below.patch.set_visible(False)
    below.yaxis.set_visible(False)
    below.spines[["left", "top", "right"]].set_visible(False)
    below.spines["bottom"].set_position(("outward", BELOW))
    _log_of_epochs(below, last)
    end = last * per_epoch
    powers = 10.0 ** np.arange(np.ceil(np.log10(per_epoch)), np.floor(np.log10(end)) + 1)
    values = powers if len(powers) > 1 else np.array([1, 2, 5]) * 10 ** np.floor(np.log10(end) - np.array([[1], [0]]))
    values = np.unique(values[(values >= per_epoch / 2) & (values <= end * (1 + 1e-9))])
    named = _fitting(below, last, values / per_epoch, lambda epoch: _name_power(epoch * per_epoch))
    ticks = np.union1d(named, values / per_epoch)
    texts = [_name_power(epoch * per_epoch) if epoch in named else "" for epoch in ticks]
    below.set_xticks(ticks, texts)
    below.xaxis.set_minor_locator(FixedLocator([]))
    below.set_xlabel(RATE_STEPS, fontsize=theme.SMALL, labelpad=2)


def name_thousands(epoch: float) -> str:
    """A long epoch in short: 200k for 200,000, 1M for 1,000,000."""
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if epoch >= size:
            return f"{epoch / size:g}{letter}"
    return f"{epoch:g}"


def shared_rate_steps(per_epoch: Mapping[str, float], models: Sequence[str]) -> float | None:
    """Learning rate × steps of one epoch if all `models` have the same, else None."""
    values = [per_epoch[model] for model in models]
    return values[0] if np.allclose(values, values[0]) else None


def _log_of_epochs(axes: Axes, last: int) -> None:
    axes.set_xscale("function", functions=(np.log1p, np.expm1))
    margin = 0.02 * np.log1p(last)
    axes.set_xlim(np.expm1(-margin), np.expm1(np.log1p(last) + margin))


def _fitting(axes: Axes, last: int, epochs: np.ndarray, text: Callable) -> list:
    """0 and those of the ascending `epochs` that get a number, so that no two numbers touch.

    Every second one is named if all of them do not fit, else every third one, and so on, counted from the largest.
    """
    chosen = []
    for stride in range(1, len(epochs) + 1):
        chosen = [*epochs[::-1][::stride][::-1]]
        if all(_room(axes, last, a, b) > _apart(text(a), text(b)) for a, b in itertools.pairwise(chosen)):
            break
    return [0, *(epoch for epoch in chosen if _room(axes, last, 0, epoch) > 0.75 * _apart("0", text(epoch)))]


def _room(axes: Axes, last: int, left: float, right: float) -> float:
    """Inches between two epochs."""
    inches = axes.bbox.width / axes.get_figure(root=True).dpi
    return inches * (np.log1p(right) - np.log1p(left)) / np.log1p(last)


def _apart(left: str, right: str) -> float:
    """Inches that the middles of two numbers must be apart."""
    return (_width(left) + _width(right)) / 2


def _width(text: str) -> float:
    """Inches of a number and the space beside it."""
    return theme.CHARACTER * (4.5 if "$" in text else len(text) + 1)


def _name_power(value: float) -> str:
    """A power of ten, or a round number, as the second axis names it."""
    if value and not 0.0099 < value < THOUSANDS:
        return f"$10^{{{round(np.log10(value))}}}$" if np.isclose(np.log10(value) % 1, [0, 1]).any() else f"{value:.0g}"
    return f"{float(f'{value:.3g}'):g}"


def plain_log(axis: Axis) -> None:
    """A logarithmic axis with plain numbers, or powers of ten over many decades. Call it when everything is drawn."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    digits = (1, 1.5, 2, 3, 5, 7) if decades < 1 else (1, 2, 5) if decades < 2 else (1,)
    axis.set_major_locator(LogLocator(subs=digits))
    if decades < 5:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
