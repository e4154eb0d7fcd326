"""What the noise costs: each model compared with its twin without noise."""

import pandas as pd
from matplotlib.figure import Figure, SubFigure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, legend
from epochwise.figures.numbers import where
from epochwise.figures.scales import SECOND_AXIS, epoch_axis, rate_steps_axis, rate_steps_per_epoch

HEIGHT = 2.2  # inches of a row of panels


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Test error over epochs of every noise and of the twin; below, the gap at the end over the share of wrong labels.

    The numbers have the columns of `numbers`, and for the gaps

    - `rate`: share of wrong labels,
    - `overfitting`: benign, tempered, catastrophic or undecided.
    """
    curves = where(inputs["curves"], subset="test", measure="accuracy").assign(measure="test_error")
    curves = curves.assign(value=1 - curves["mean"], low=1 - curves["high"], high=1 - curves["low"])
    gaps = inputs["twins"].rename(columns={"gap": "value", "gap_low": "low", "gap_high": "high"})
    gaps = gaps.assign(measure="gap").rename(columns={"achieved_rate": "rate"})
    names = ["noise", "model", "measure", "epoch", "value", "low", "high", "n", "rate", "overfitting"]
    numbers = pd.concat([curves, gaps], ignore_index=True)[names].astype({"epoch": "Int64", "n": "Int64"})

    [twin] = {*curves["noise"]} - {*gaps["noise"]}
    noises = [*numbers["noise"].unique()]
    colours = theme.model_colours([name for name in noises if name != twin]) | {twin: theme.BLACK}
    per_epoch = rate_steps_per_epoch(inputs["runs"])
    figure, blocks = panels.blocks(numbers.assign(noise=""), 2 * HEIGHT + SECOND_AXIS)
    for block, rows in blocks:
        above, below = block.subfigures(2, 1, height_ratios=[HEIGHT + SECOND_AXIS, HEIGHT])
        of_block = where(numbers, model=[*rows["model"].unique()])
        _draw_curves(above, of_block, per_epoch, colours, twin)
        _draw_gaps(below, of_block, colours)
    styles = {name: {"color": colours[name], "label": f"twin ({twin})" if name == twin else name} for name in noises}
    legend(figure, handles(styles.values()))
    return figure, numbers


def _draw_curves(block: SubFigure, numbers: pd.DataFrame, per_epoch: dict, colours: dict, twin: str) -> None:
    """Test error over epochs of every noise, a panel per model."""
    longest = int(numbers["epoch"].max())
    for (model, _), axes in panels.facets(block, numbers, {"test_error": "test error"}).items():
        epoch_axis(axes, longest)
        axes.set_xlabel("epoch", labelpad=1)
        rate_steps_axis(axes, longest, per_epoch[model])
        for noise, colour in colours.items():
            of_curve = where(numbers, model=model, noise=noise, measure="test_error")
            panels.line(axes, of_curve, color=colour, linestyle="--" if noise == twin else "-")


def _draw_gaps(block: SubFigure, numbers: pd.DataFrame, colours: dict) -> None:
    """Gaps at the end over the share of wrong labels, a panel per model."""
    for (model, _), axes in panels.facets(block, numbers, {"gap": "test error minus\nthat of the twin"}).items():
        axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
        axes.set_xlabel("share of wrong labels")
        axes.margins(x=0.3)
        for row in where(numbers, model=model, measure="gap").itertuples():
            axes.vlines(row.rate, row.low, row.high, color=colours[row.noise], linewidth=1.2)
            axes.plot(row.rate, row.value, "o", color=colours[row.noise], markersize=4.2)
        kinds = where(numbers, model=model, measure="gap")["overfitting"].unique()
        axes.set_title(", ".join(kinds), fontsize=theme.SMALL)
