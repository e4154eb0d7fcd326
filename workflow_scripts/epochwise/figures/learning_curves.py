"""Learning curves: what the network knows of clean, noisy and test data over epochs."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme

ROWS = {"accuracy": "accuracy", "loss": "cross-entropy (nats)"}
FLOOR = 0.01  # nats; losses below are no longer told apart, so that the test loss keeps its place


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Accuracy and loss of every subset over epochs, per model; mean and interval over seeds."""
    table = inputs["curves"]
    curves = panels.curves(table, table["metric"], table["subset"])
    numbers = pd.concat([curves, panels.phase_marks(inputs["phases"])], ignore_index=True)

    figure, blocks = panels.blocks(numbers, 1.8 * len(ROWS))
    for block, of_noise in blocks:
        facets = panels.epoch_facets(block, of_noise, ROWS)
        for (model, metric), axes in facets.items():
            for subset, style in theme.SUBSETS.items():
                panels.line(axes, panels.where(of_noise, model=model, quantity=metric, series=subset), **style)
        for (_, metric), axes in facets.items():
            if metric == "loss":
                axes.set_ylim(bottom=max(FLOOR, axes.dataLim.minposy))
                theme.plain_log(axes.yaxis)
            else:
                axes.set_ylim(theme.SHARE)
    theme.legend(figure, panels.handles(theme.SUBSETS.values()))
    panels.phase_legend(figure, numbers)
    return figure, numbers
