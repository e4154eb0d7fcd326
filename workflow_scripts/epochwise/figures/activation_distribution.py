"""The largest activations of all neurons of a layer, before and after training."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, layer_handles, legend
from epochwise.figures.numbers import at_end, combine, where
from epochwise.figures.scales import plain_log

FIRST = {"linestyle": ":", "linewidth": 0.9}
LAST = {"linestyle": "-"}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Largest activation of every neuron by its rank in its layer, per model.

    If a layer has a single large activation, its first rank is far above the second.
    """
    table = inputs["ranked_activations"]
    ends = pd.concat([where(table, epoch=table["epoch"].min()), at_end(table)]).drop_duplicates()
    numbers = combine(ends.sort_index().assign(measure="largest_activation"))
    first = int(numbers["epoch"].min())
    active = numbers[numbers["value"] > 0]  # a logarithmic axis has no place for a neuron that is never active
    # The axis ends well below the median neuron. The lines of hardly active neurons leave the panel.
    floor = active.groupby(["noise", "model", "layer", "epoch"])["value"].median().min() / 3
    colours = theme.layer_colours(numbers["layer"].max())

    figure, blocks = panels.blocks(numbers, 2.6)
    for block, of_noise in blocks:
        block.supxlabel("rank of the neuron in its layer")
        facets = panels.facets(block, of_noise, {"largest_activation": "largest activation of the neuron"})
        for (model, _), axes in facets.items():
            for layer, colour in colours.items():
                of_layer = where(of_noise[of_noise["value"] > 0], model=model, layer=layer)
                panels.line(axes, where(of_layer, epoch=first), x="rank", color=colour, **FIRST)
                trained = of_layer[of_layer["epoch"] > first]
                panels.line(axes, trained, x="rank", color=colour, **LAST)
                largest = trained.head(1)
                axes.plot(largest["rank"], largest["value"], "o", color=colour)
        for axes in facets.values():
            axes.set_ylim(bottom=floor)
            plain_log(axes.xaxis)
            plain_log(axes.yaxis)
    epochs = [
        {"color": theme.BLACK, "label": f"untrained: epoch {first}", **FIRST},
        {"color": theme.BLACK, "label": f"trained: {_name_ends(numbers)}", **LAST},
    ]
    legend(figure, [*layer_handles(colours), *handles(epochs)])
    return figure, numbers


def _name_ends(numbers: pd.DataFrame) -> str:
    """The last epoch, or the range of last epochs if models were trained for different numbers."""
    ends = numbers.groupby(["noise", "model"])["epoch"].max()
    low, high = ends.min(), ends.max()
    return f"epoch {low}" if low == high else f"last epoch, {low} to {high}"
