"""Signal separation over epochs: how alike the mean signals of clean and noisy data are, layer by layer."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.analysis.separation import MEAN_OVER_CLASSES
from epochwise.figures import panels, theme

ROWS = {
    "cosine, true": "cosine\nby true label",
    "cosine, given": "cosine\nby given label",
    "cosine_centred, true": "centred cosine\nby true label",
    "cosine_centred, given": "centred cosine\nby given label",
}
CEILING = {
    "color": theme.BLACK,
    "linestyle": "--",
    "linewidth": 0.9,
    "label": "ceiling: two halves of clean data",
}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Cosine of clean and noisy class means (mean over classes) of every hidden layer over epochs, per model.

    The ceiling that sampling allows is a cosine of uncentred means, so it stands beside the uncentred cosine only.
    """
    numbers = _numbers(inputs)
    colours = theme.layer_colours(inputs["separation"]["layer"].max())

    figure, blocks = panels.blocks(numbers, 1.25 * len(ROWS))
    for block, of_noise in blocks:
        for (model, row), axes in panels.epoch_facets(block, of_noise, ROWS).items():
            rows = panels.where(of_noise, model=model, quantity=row)
            if rows["value"].isna().all():
                panels.no_value(axes)
            panels.line(axes, panels.where(rows, series="ceiling"), **CEILING)
            for layer, colour in colours.items():
                panels.line(axes, panels.where(rows, series=f"layer {layer}"), color=colour)
    theme.legend(figure, [*panels.layer_handles(colours), *panels.handles([CEILING])])
    panels.phase_legend(figure, numbers)
    return figure, numbers


def _numbers(inputs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Quantity: a key of ROWS; series: `layer <l>`, or `ceiling` for the split-half cosine of the last layer."""
    table = panels.where(inputs["separation"], **{"class": MEAN_OVER_CLASSES})
    cosines = panels.where(table, measure=["cosine", "cosine_centred"])
    last = table["layer"] == table.groupby(["noise", "model"])["layer"].transform("max")
    ceiling = panels.where(table[last], measure="split_half")
    return pd.concat(
        [
            panels.curves(
                cosines, cosines["measure"] + ", " + cosines["grouping"], "layer " + cosines["layer"].astype(str)
            ),
            panels.curves(ceiling, "cosine, " + ceiling["grouping"], "ceiling"),
            panels.phase_marks(inputs["phases"]),
        ],
        ignore_index=True,
    )
