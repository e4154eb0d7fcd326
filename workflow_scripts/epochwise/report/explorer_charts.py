"""The charts of the explorer, made with Altair. The page fills in their data and sets their parameters.

Each chart takes the width of its place on the page. `epoch` is where the slider is, and `snapshot` is the last epoch
until then whose activations were stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import matplotlib as mpl

from epochwise.figures import theme

HEIGHT = 270  # pixels
EPOCHS = alt.Scale(type="symlog", constant=1)  # epoch 0 is the untrained network
LARGEST = alt.Scale(type="symlog", constant=0.1)  # logarithmic, but an activation may be 0
LARGEST_TICKS = [0, *(digit * 10.0**power for power in range(-1, 6) for digit in (1, 3))]
# What the page sets, with what it is before. `lowest` is the end of the colour scale of the separation. `ticks` are
# the epochs that the x axis names, each as its multiple by `per_epoch`: 1, or learning rate × steps of one epoch.
PARAMETERS = {"epoch": 0, "snapshot": 0, "lowest": 0, "per_epoch": 1, "ticks": [0]}
TIME = "{time}"  # the page replaces it by the choice of the x axis, because the title of an axis cannot be a parameter
LAYER_COLOURS = {"light": (0.0, 0.85), "dark": (0.3, 1.0)}  # ends of viridis that differ enough from the page


# What a screen reader says of each chart.
ABOUT = {
    "curves": "Decomposed learning curves over epochs. The table below has the values at the epoch.",
    "separation": "Separation of clean and noisy signals of each layer over epochs, as the mean over classes.",
    "classes": "Separation of each layer and class. The table below has the values.",
    "ranked": "Largest activations of the neurons of each layer by rank. The table below has the values.",
    "sample": "Predicted class of the sample over epochs. The table below has the values.",
}


@dataclass(frozen=True)
class Look:
    """Colours of the light or the dark page."""

    name: str
    text: str
    line: str
    mark: str  # of what stands out: the line of the epoch, the large neuron

    def colour(self, colour: str) -> str:
        """A colour of the figures; black becomes white on the dark page."""
        return self.text if colour == theme.BLACK else colour


LIGHT = Look("light", text="#1d2126", line="#d8dce1", mark=theme.VERMILION)
DARK = Look("dark", text="#e7e9ec", line="#383e46", mark=theme.ORANGE)


def charts(look: Look, layers: int, classes: Sequence[str]) -> dict[str, dict]:
    """The specification of each chart in Vega-Lite, by name.

    Args:
        look: colours of the page.
        layers: hidden layers of the deepest model.
        classes: names of the classes.
    """
    made = {
        "curves": _curves(look),
        "separation": _separation(look, layers),
        "classes": _classes(look),
        "ranked": _ranked(look, layers),
        "sample": _sample(look, classes),
    }
    return {name: _complete(chart, look).properties(description=ABOUT[name]).to_dict() for name, chart in made.items()}


def _complete(chart: alt.LayerChart, look: Look) -> alt.LayerChart:
    """The chart with the size and the colours of the page, and the parameters."""
    return (
        chart.properties(width="container", height=HEIGHT, background="transparent", padding=2)
        .add_params(*[alt.param(name, value=value) for name, value in PARAMETERS.items()])
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=look.text, titleColor=look.text, gridColor=look.line, domainColor=look.line,
            tickColor=look.line, titleFontWeight="normal", labelFontSize=12, titleFontSize=13, labelOverlap=True,
        )
        .configure_legend(
            labelColor=look.text, titleColor=look.text, orient="bottom", columns=2, labelFontSize=12, labelLimit=0,
            titleFontWeight="normal", titleFontSize=13,
        )
        .configure_text(color=look.text, fontSize=12)
    )  # fmt: skip


def _epoch_axis() -> alt.X:
    """The x axis, in epochs or in learning rate × steps. Both have the same scale, and different numbers at it."""
    axis = alt.Axis(values=alt.ExprRef("ticks"), labelExpr="format(datum.value * per_epoch, ',~g')")
    return alt.X("epoch:Q", title=TIME, scale=EPOCHS, axis=axis)


def _epoch_line(look: Look, name: str) -> alt.Chart:
    """A vertical line at the epoch of the slider, or at the snapshot that is shown."""
    rows = alt.Data(values=[{}])
    x = alt.X("now:Q", scale=EPOCHS)
    return alt.Chart(rows).transform_calculate(now=name).mark_rule(color=look.mark, size=2).encode(x=x)


def _curves(look: Look) -> alt.LayerChart:
    """Decomposed curves with their intervals over seeds, the epochs P, F and D, and the values at the epoch."""
    subsets = {name: style for name, style in theme.SUBSETS.items() if name != "train"}
    scale = alt.Scale(
        domain=[style["label"] for style in subsets.values()],
        range=[look.colour(style["color"]) for style in subsets.values()],
    )
    colour = alt.Color("subset:N", scale=scale, title=None, legend=alt.Legend(symbolOpacity=1, symbolType="square"))
    table = alt.Chart(alt.NamedData("curves")).encode(x=_epoch_axis(), color=colour)
    value = alt.Y("mean:Q", title=None, scale=alt.Scale(zero=False))
    tips = [alt.Tooltip("epoch:Q"), alt.Tooltip("subset:N"), alt.Tooltip("mean:Q", format=".3f", title="value")]
    marks = alt.Chart(alt.NamedData("marks")).encode(x=alt.X("epoch:Q", scale=EPOCHS))
    return alt.layer(
        table.transform_filter("datum.low !== null").mark_area(opacity=0.2).encode(y=alt.Y("low:Q"), y2="high:Q"),
        marks.mark_rule(color=look.text, opacity=0.6, strokeDash=[4, 3]),
        marks.mark_text(color=look.text, dy=-8, fontWeight="bold").encode(text="letter:N", y=alt.value(0)),
        _epoch_line(look, "epoch"),
        table.mark_line().encode(y=value),
        table.transform_filter("datum.epoch == epoch").mark_point(filled=True, size=70, opacity=1).encode(
            y=value, tooltip=tips
        ),
    )  # fmt: skip


def _layer_colour(look: Look, layers: int) -> alt.Color:
    """Colours of the layers, from dark to bright as in the figures."""
    low, high = LAYER_COLOURS[look.name]
    shares = [low + (high - low) * layer / max(1, layers - 1) for layer in range(layers)]
    colours = [mpl.colors.to_hex(mpl.colormaps["viridis"](share)) for share in shares]
    scale = alt.Scale(domain=[*range(1, layers + 1)], range=colours)
    return alt.Color("layer:O", scale=scale, title="hidden layer", legend=alt.Legend(columns=6))


def _separation(look: Look, layers: int) -> alt.LayerChart:
    """Mean separation over classes of each layer, over epochs."""
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
    table = alt.Chart(alt.NamedData("separation")).encode(x=_epoch_axis(), y=y, color=_layer_colour(look, layers))
    tips = [alt.Tooltip("epoch:Q"), alt.Tooltip("layer:O"), alt.Tooltip("value:Q", format=".3f")]
    now = table.transform_filter("datum.epoch == snapshot")
    return alt.layer(
        _epoch_line(look, "snapshot"),
        table.mark_line(),
        now.mark_point(filled=True, size=70, opacity=1).encode(tooltip=tips),
    )


def _classes(look: Look) -> alt.LayerChart:
    """Separation of each layer and class at the snapshot."""
    tips = [alt.Tooltip("class:N"), alt.Tooltip("layer:O"), alt.Tooltip("value:Q", format=".3f", title="cosine")]
    table = alt.Chart(alt.NamedData("classes")).transform_filter("datum.epoch == snapshot")
    colour = alt.Color(
        "value:Q", title="cosine", scale=alt.Scale(scheme="cividis", domainMin=alt.ExprRef("lowest"), domainMax=1),
        legend=alt.Legend(direction="horizontal", gradientLength=140),
    )  # fmt: skip
    layer = alt.Y("layer:O", title="hidden layer", sort="descending")
    return alt.layer(
        table.mark_rect(stroke=look.line).encode(
            x=alt.X("class:N", title="class", sort=None, axis=alt.Axis(labelAngle=-45)),
            y=layer,
            color=colour,
            tooltip=tips,
        )
    )


def _ranked(look: Look, layers: int) -> alt.LayerChart:
    """Largest activations of the neurons of each layer in descending order.

    Marked are the first one, the neuron that stands out now, and the one that stands out at the end of training.
    """
    table = alt.Chart(alt.NamedData("ranked")).transform_filter("datum.epoch == snapshot")
    x = alt.X(
        "rank:Q",
        title="rank of the neuron in its layer",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(values=[1, 10, 100, 1000]),
    )
    y = alt.Y("largest:Q", title="largest activation", scale=LARGEST, axis=alt.Axis(values=LARGEST_TICKS, format=",~g"))
    colour = _layer_colour(look, layers)
    tips = [
        alt.Tooltip("layer:O"), alt.Tooltip("rank:Q"), alt.Tooltip("neuron:N"), alt.Tooltip("largest:Q", format=".3f"),
    ]  # fmt: skip
    base = table.encode(x=x, y=y, color=colour, tooltip=tips)
    first = base.transform_filter("datum.rank == 1")
    now = first.transform_filter("datum.stands_out")
    final = alt.Chart(alt.NamedData("final")).transform_filter("datum.epoch == snapshot").encode(x=x, y=y, tooltip=tips)
    return alt.layer(
        base.mark_line(),
        first.mark_point(filled=True, size=90, opacity=1),
        now.mark_point(size=320, strokeWidth=2.5, opacity=1).encode(color=alt.value(look.mark)),
        final.mark_point(shape="diamond", filled=True, size=140, color=look.mark, opacity=1),
    )


def _sample(look: Look, classes: Sequence[str]) -> alt.LayerChart:
    """What the network predicted for one sample over epochs, with its true and its given label."""
    kinds = {"given label": theme.VERMILION, "true label": theme.BLUE if look is LIGHT else theme.SKY}
    kinds["another class"] = "#8a929b"
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=[*kinds], range=[*kinds.values()]))
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=[*kinds], range=["square", "circle", "cross"]))
    y = alt.Y("class:N", title="predicted class", sort=None, scale=alt.Scale(domain=[*classes]))
    table = alt.Chart(alt.NamedData("sample")).encode(x=_epoch_axis(), y=y)
    tips = [alt.Tooltip("epoch:Q"), alt.Tooltip("class:N"), alt.Tooltip("percent:Q", title="probability in %")]
    lines = alt.Chart(alt.NamedData("sample_labels")).encode(y=y, color=colour)
    return alt.layer(
        lines.mark_rule(strokeDash=[2, 3], size=1.5),
        _epoch_line(look, "snapshot"),
        table.mark_point(filled=True, size=80, opacity=1).encode(color=colour, shape=shape, tooltip=tips),
    )
