"""The distribution of activations over the neurons of a layer, before and after training."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme

ENDS = {"first": {"linestyle": ":", "linewidth": 0.9}, "last": {"linestyle": "-"}}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Largest activation of every neuron by its rank in its layer, per model: a single large one stands out."""
    table = inputs["peaks"]
    epochs = {"first": table["epoch"].min(), "last": table["epoch"].max()}
    numbers = panels.where(table, epoch=[*epochs.values()]).rename(columns={"mean": "value"})
    active = numbers[numbers["value"] > 0]  # a neuron that is never active has no place on a logarithmic axis
    floor = active.groupby(["noise", "model", "layer", "epoch"])["value"].median().min() / 3
    colours = theme.layer_colours(numbers["layer"].max())

    figure, blocks = panels.blocks(numbers, 2.6)
    for block, of_noise in blocks:
        block.supxlabel("rank of the neuron in its layer")
        facets = panels.facets(block, of_noise, {"peak": "largest activation of the neuron"})
        for (model, _), axes in facets.items():
            for layer, colour in colours.items():
                for end, style in ENDS.items():
                    rows = panels.where(of_noise[of_noise["value"] > 0], model=model, layer=layer, epoch=epochs[end])
                    panels.line(axes, rows, x="rank", color=colour, **style)
                    if end == "last":
                        axes.plot(rows["rank"][:1], rows["value"][:1], "o", color=colour)
        for axes in facets.values():
            axes.set_ylim(bottom=floor)  # well below the median neuron; the hardly active ones run out of the panel
            theme.plain_log(axes.xaxis)
            theme.plain_log(axes.yaxis)
    ends = [{"color": theme.BLACK, "label": f"epoch {epochs[end]}", **style} for end, style in ENDS.items()]
    theme.legend(figure, [*panels.layer_handles(colours), *panels.handles(ends)])
    return figure, numbers
