"""Signal separation at the end of training, class by class and layer by layer."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from epochwise.analysis.separation import MEAN_OVER_CLASSES
from epochwise.figures import panels, theme

ROWS = {"true": "class by true label", "given": "class by given label"}


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Centred cosine of clean and noisy class means at the last epoch, per model: classes against hidden layers."""
    names = inputs["train_images"].class_names
    table = inputs["separation"]
    table = panels.where(table, measure="cosine_centred", epoch=table["epoch"].max())
    table = table[table["class"] != MEAN_OVER_CLASSES].rename(columns={"mean": "value"})
    numbers = table.assign(class_name=table["class"].map(dict(enumerate(names))))
    numbers = numbers[["noise", "model", "epoch", "layer", "grouping", "class", "class_name", "value", "n"]]

    colours = sns.color_palette("vlag", as_cmap=True).with_extremes(bad=theme.MISSING)
    positions, labels = panels.ticks(names, most=20)
    figure, blocks = panels.blocks(numbers, len(ROWS) * np.clip(0.14 * len(names) + 0.4, 1.2, 3.2))
    for block, of_noise in blocks:
        facets = panels.facets(block, of_noise, ROWS)
        for (model, grouping), axes in facets.items():
            cells = panels.where(of_noise, model=model, grouping=grouping)
            cells = cells.pivot(index="class", columns="layer", values="value").reindex(range(len(names)))
            image = axes.imshow(cells, cmap=colours, vmin=-1, vmax=1, aspect="auto")
            axes.set_xticks(*panels.ticks(cells.columns, most=8))
            axes.set_yticks(positions, labels)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
            if grouping == "given":
                axes.set_xlabel("hidden layer")
        block.colorbar(image, ax=[*facets.values()], label="centred cosine, clean against noisy", aspect=40)
    if numbers["value"].isna().any():
        theme.legend(figure, [Patch(color=theme.MISSING, label="no value: too few samples")])
    return figure, numbers
