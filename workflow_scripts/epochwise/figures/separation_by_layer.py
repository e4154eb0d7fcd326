"""Signal separation over epochs: how similar the mean activations of clean and noisy data are, layer by layer."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.analysis.separation import MEAN_OVER_CLASSES
from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, layer_handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks

# By measure and grouping.
ROWS = {
    ("cosine", "true"): "cosine\nby true label",
    ("cosine", "given"): "cosine\nby given label",
    ("cosine_centred", "true"): "centred cosine\nby true label",
    ("cosine_centred", "given"): "centred cosine\nby given label",
}
# The highest cosine that sampling allows is one of uncentred means, so it belongs to the uncentred cosine only.
CEILINGS = {"cosine": "split_half"}
CEILING = {
    "color": theme.BLACK,
    "linestyle": "--",
    "linewidth": 0.9,
    "label": "upper limit: two halves of the clean data, last layer",
}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Cosine of clean and noisy class means, averaged over classes, of every hidden layer over epochs, per model."""
    numbers = _numbers(inputs)
    colours = theme.layer_colours(inputs["separation"]["layer"].max())

    figure, blocks = panels.blocks(numbers, 1.25 * len(ROWS))
    for block, of_noise in blocks:
        for (model, (measure, grouping)), axes in panels.epoch_facets(block, of_noise, ROWS).items():
            of_panel = where(of_noise, model=model, grouping=grouping)
            if where(of_panel, measure=measure)["value"].isna().all():
                panels.no_value(axes)
            if measure in CEILINGS:
                panels.line(axes, where(of_panel, measure=CEILINGS[measure]), **CEILING)
            for layer, colour in colours.items():
                panels.line(axes, where(of_panel, measure=measure, layer=layer), color=colour)
    legend(figure, [*layer_handles(colours), *handles([CEILING])])
    phase_legend(figure, numbers)
    return figure, numbers


def _numbers(inputs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Both cosines of all layers, `split_half` of each model's last layer, and the marks."""
    table = where(inputs["separation"], **{"class": MEAN_OVER_CLASSES})
    cosines = where(table, measure=["cosine", "cosine_centred"])
    last = table["layer"] == table.groupby(["noise", "model"])["layer"].transform("max")
    ceiling = where(table[last], measure="split_half")
    return combine(cosines, ceiling, select_marks(inputs["phases"]))
