"""Signal separation at the end of training, class by class and layer by layer."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from epochwise.analysis.separation import MEAN_OVER_CLASSES
from epochwise.figures import panels, theme
from epochwise.figures.legends import legend
from epochwise.figures.numbers import at_end, where

ROWS = {"true": "class by true label", "given": "class by given label"}
LABEL = "centred cosine\nof clean and noisy data"


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Centred cosine of clean and noisy class means at the last epoch, per model: one row per class.

    Besides the columns of `numbers`, the numbers have `class` and `class_name`.
    """
    names = inputs["train_images"].class_names
    numbers = _numbers(inputs["separation"], names)
    colours = colormaps["RdBu_r"].with_extremes(bad=theme.MISSING)
    positions, labels = panels.ticks(names, most=20)
    figure, blocks = panels.blocks(numbers, len(ROWS) * np.clip(0.14 * len(names) + 0.4, 1.2, 3.2))
    for block, of_noise in blocks:
        facets = panels.facets(block, of_noise, ROWS)
        for (model, grouping), axes in facets.items():
            cells = where(of_noise, model=model, grouping=grouping)
            cells = cells.pivot(index="class", columns="layer", values="value").reindex(range(len(names)))
            image = axes.imshow(cells, cmap=colours, vmin=-1, vmax=1, aspect="auto")
            axes.set_xticks(*panels.ticks(cells.columns, most=8))
            axes.set_yticks(positions, labels)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
            if grouping == "given":
                axes.set_xlabel("hidden layer")
        block.colorbar(image, ax=[*facets.values()], label=LABEL, aspect=40)
    if numbers["value"].isna().any():
        legend(figure, [Patch(color=theme.MISSING, label="no value: too few samples")])
    return figure, numbers


def _numbers(separation: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """The centred cosine of every class at the last epoch."""
    table = where(at_end(separation), measure="cosine_centred")
    table = table[table["class"] != MEAN_OVER_CLASSES].rename(columns={"mean": "value"})
    table = table.assign(class_name=table["class"].map(dict(enumerate(names))))
    return table[["noise", "model", "measure", "grouping", "class", "class_name", "layer", "epoch", "value", "n"]]
