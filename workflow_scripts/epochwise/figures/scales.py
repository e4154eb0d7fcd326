"""Axes for epochs and for positive numbers over several decades."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from epochwise.figures import theme


def epoch_axis(axes: Axes, last: int) -> None:
    """Epochs 0 to `last` on an axis that is logarithmic in epoch + 1, so that it includes the untrained network."""
    axes.set_xscale("function", functions=(np.log1p, np.expm1))
    margin = 0.02 * np.log1p(last)
    axes.set_xlim(np.expm1(-margin), np.expm1(np.log1p(last) + margin))
    decades = 10 ** np.arange(int(np.log10(last)) + 1)
    named = [0, *decades]
    # The last epoch gets a number too, unless that would touch the number before.
    inches = axes.bbox.width / axes.get_figure(root=True).dpi
    if inches * np.log(last / decades[-1]) / np.log1p(last) > theme.CHARACTER * (len(str(last)) + 1):
        named.append(last)
    axes.set_xticks(named, [f"{epoch:d}" for epoch in named])
    between = np.outer(decades, np.arange(2, 10)).ravel()
    axes.xaxis.set_minor_locator(FixedLocator(between[between <= last]))
    axes.xaxis.set_minor_formatter(NullFormatter())


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
