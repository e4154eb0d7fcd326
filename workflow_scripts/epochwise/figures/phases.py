"""The phases: where test accuracy peaks, dips and recovers, and by how much."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme

QUANTITIES = {
    "fall": "fall\nP − D",
    "recovery": "recovery\nend − D",
    "surplus": "surplus\nend − P",
    "after_fit": "after fit\nend − F",
}
SEEDS = (
    {"color": "0.4", "linestyle": "none", "marker": "o", "markersize": 2.2, "label": "one seed"},
    {"color": "0.4", "linewidth": 1.2, "marker": "o", "markersize": 4.2, "label": "mean and interval"},
)
METRICS = {"accuracy": "difference of test accuracy", "loss": "difference of −(test loss) (nats)"}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Test accuracy of every model with its phases; below, the quantities read off it and off the loss, per seed."""
    numbers = _numbers(inputs)
    models = numbers["model"].unique()
    chart = 0.7 + (0.2 + 0.07 * min(len(models), panels.WIDEST)) * len(QUANTITIES)

    figure, blocks = panels.blocks(numbers, 1.9 + chart)
    for block, of_noise in blocks:
        colours = theme.model_colours(of_noise["model"].unique())
        above, below = block.subfigures(2, 1, height_ratios=[1.9, chart])
        for (model, _), axes in panels.epoch_facets(above, of_noise, {"accuracy": "test accuracy"}).items():
            panels.line(axes, panels.where(of_noise, model=model, series="test"), color=colours[model])
        for axes, (metric, label) in zip(below.subplots(1, 2, sharey=True), METRICS.items(), strict=True):
            categories = {f"{metric} {quantity}": text for quantity, text in QUANTITIES.items()}
            panels.dots(axes, of_noise, categories, colours)
            axes.set_xlabel(label)
    if len(models) > panels.WIDEST:  # the same colours in each block: the names above its panels tell
        colours = {}
    styles = [{"color": colour, "label": model} for model, colour in colours.items()]
    theme.legend(figure, panels.handles([*styles, *SEEDS]))
    panels.phase_legend(figure, numbers)
    return figure, numbers


def _numbers(inputs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Curves and marks; quantities are called `<metric> <quantity>`, their series `seed <seed>` or `mean`."""
    curves = panels.where(inputs["curves"], subset="test", metric="accuracy")
    seeds = inputs["phases_by_seed"].rename(columns={"value": "mean"}).assign(low=np.nan, high=np.nan, n=1)
    table = pd.concat(
        [seeds.assign(series="seed " + seeds["seed"].astype(str)), inputs["phases"].assign(series="mean")]
    )
    table = panels.where(table, quantity=[*QUANTITIES]).assign(epoch=pd.NA)
    quantities = panels.curves(table, table["metric"] + " " + table["quantity"], table["series"])
    marks = panels.phase_marks(inputs["phases"])
    return pd.concat([panels.curves(curves, "accuracy", "test"), quantities, marks], ignore_index=True)
