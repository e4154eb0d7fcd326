"""The three phenomena on one epoch axis: double descent, signal separation, large activation."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from epochwise.analysis.separation import MEAN_OVER_CLASSES
from epochwise.figures import panels, theme

ROWS = {
    "accuracy": "accuracy",
    "separation": "separation\n1 − centred cosine",
    "large activation": "peak over median\npositive activation",
}
PHASES = {
    1: ("phase 1: clean data are learned", "#DCEAF5"),
    2: ("phase 2: noisy data are fitted", "#FBE3D6"),
    3: ("phase 3: re-generalization", "#DDF0E4"),
}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Accuracy, separation (by true label) of the first and last hidden layer, large activation, of the model shown."""
    run = {"noise": shown["noise"], "model": shown["model"]}
    tables = {name: panels.where(inputs[name], **run) for name in ("curves", "separation", "outliers", "phases")}
    numbers = _numbers(tables, run)
    styles = _styles(numbers)
    spans = _spans(numbers)

    figure = theme.figure(1.5 * len(ROWS) + 0.4)
    for (_, quantity), axes in panels.epoch_facets(figure, numbers, ROWS).items():
        for phase, (start, end) in spans.items():
            axes.axvspan(start, end, color=PHASES[phase][1], linewidth=0, zorder=-1)
        drawn = panels.where(numbers, quantity=quantity)
        if drawn["value"].isna().all():
            panels.no_value(axes)
        for series, rows in drawn.groupby("series", sort=False):
            panels.line(axes, rows, **styles[series])
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    patches = [Patch(label=PHASES[phase][0], color=PHASES[phase][1]) for phase in spans]
    theme.legend(figure, patches)
    panels.phase_legend(figure, numbers)
    return figure, numbers


def _numbers(tables: dict[str, pd.DataFrame], run: dict[str, str]) -> pd.DataFrame:
    """Quantity: a key of ROWS; series: the subset or `layer <l>`."""
    accuracy = panels.where(tables["curves"], metric="accuracy", subset=["test", "noisy_given"])
    cosines = panels.where(
        tables["separation"], measure="cosine_centred", grouping="true", **{"class": MEAN_OVER_CLASSES}
    )
    layers = cosines["layer"]
    cosines = cosines[layers.isin([layers.min(), layers.max()])]
    distances = cosines.assign(mean=1 - cosines["mean"], low=1 - cosines["high"], high=1 - cosines["low"])
    layer = panels.layer_that_stands_out(tables["outliers"], **run)
    large = panels.where(tables["outliers"], measure="peak_over_median_active", layer=layer)
    parts = [
        panels.curves(accuracy, "accuracy", accuracy["subset"]),
        panels.curves(distances, "separation", "layer " + distances["layer"].astype(str)),
        panels.curves(large, "large activation", f"layer {layer}"),
        panels.phase_marks(tables["phases"]),
    ]
    return pd.concat(parts, ignore_index=True)


def _styles(numbers: pd.DataFrame) -> dict[str, dict]:
    """Line styles by series; layers in the colours that they have in every figure of this depth."""
    series = [name for name in numbers["series"].unique() if name.startswith("layer ")]
    colours = theme.layer_colours(max(int(name.removeprefix("layer ")) for name in series))
    layers = {name: {"color": colours[int(name.removeprefix("layer "))], "label": name} for name in series}
    return theme.SUBSETS | layers


def _spans(numbers: pd.DataFrame) -> dict[int, tuple[float, float]]:
    """First and last epoch of each phase that there is; without a dip all is phase 1."""
    last = float(numbers["epoch"].max())
    marks = panels.where(numbers, quantity="phase").set_index("series")["value"]
    peak, dip = marks.get("P", last), marks.get("D", last)
    if "D" not in marks or dip <= peak:
        return {1: (0, last)}
    return {1: (0, peak), 2: (peak, dip)} | ({3: (dip, last)} if dip < last else {})
