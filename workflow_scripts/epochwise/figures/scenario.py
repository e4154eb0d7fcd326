"""The scenario: test accuracy, signal separation and the large activation of one model on one axis of epochs."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from epochwise.analysis.separation import MEAN_OVER_CLASSES
from epochwise.figures import panels, theme
from epochwise.figures.legends import legend
from epochwise.figures.numbers import combine, large_ratio, layer_with_largest_ratio, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, plain_log, rate_steps_per_epoch

# By measure.
ROWS = {
    "test": "test accuracy",
    "noisy_given": "accuracy on\nwrong labels",
    "separation": "separation\n1 − centred cosine",
    "followed_rms_ratio": "activation over root\nmean square of others",
}
# By number: text of the legend and colour.
PHASES = {
    1: ("phase 1: clean data are learned", "#DCEAF5"),
    2: ("phase 2: noisy data are fitted", "#FBE3D6"),
    3: ("phase 3: after the dip", "#DDF0E4"),
}


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Accuracy, separation in the first and last hidden layer, and the ratio of the followed neuron, of one model."""
    run = {"noise": shown["noise"], "model": shown["model"]}
    tables = {name: where(inputs[name], **run) for name in ("curves", "separation", "outliers", "phases")}
    numbers = _numbers(tables, run)
    colours = theme.layer_colours(numbers["layer"].max())
    phases = _phases(numbers)

    threshold = large_ratio(tables["outliers"])
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure = theme.figure(1.4 * len(ROWS) + 0.4 + SECOND_AXIS)
    for (_, measure), axes in panels.epoch_facets(figure, numbers, ROWS, per_epoch).items():
        for phase, (start, end) in phases.items():
            axes.axvspan(start, end, color=PHASES[phase][1], linewidth=0, zorder=-1)
        if measure == "test":
            axes.title.set_text(theme.wrap(f"{run['model']}, {run['noise']}", 4))
        of_panel = where(numbers, measure=measure)
        if of_panel["value"].isna().all():
            panels.no_value(axes)
        for subset, rows in of_panel.groupby("subset", sort=False):
            panels.line(axes, rows, **theme.SUBSETS[subset])
        for layer, rows in of_panel.groupby("layer", sort=False):
            panels.line(axes, rows, color=colours[layer], label=f"layer {layer}")
        if measure == "followed_rms_ratio":
            if threshold is not None:
                axes.axhline(threshold, label=f"large from {threshold:g}", **theme.THRESHOLD)
            plain_log(axes.yaxis)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    legend(figure, [Patch(label=PHASES[phase][0], color=PHASES[phase][1]) for phase in phases])
    phase_legend(figure, numbers)
    return figure, numbers


def _numbers(tables: dict[str, pd.DataFrame], run: dict[str, str]) -> pd.DataFrame:
    """The measures of ROWS, and the marks.

    `test` and `noisy_given` are accuracies of these subsets, and `separation` is one minus the centred cosine.
    """
    accuracy = where(tables["curves"], measure="accuracy", subset=["test", "noisy_given"])
    cosines = where(tables["separation"], measure="cosine_centred", grouping="true", **{"class": MEAN_OVER_CLASSES})
    ends = [cosines["layer"].min(), cosines["layer"].max()]
    cosines = where(cosines, layer=ends)
    separation = cosines.assign(mean=1 - cosines["mean"], low=1 - cosines["high"], high=1 - cosines["low"])
    layer = layer_with_largest_ratio(tables["outliers"], **run)
    large = where(tables["outliers"], measure="followed_rms_ratio", layer=layer)
    numbers = combine(
        accuracy.assign(measure=accuracy["subset"]),
        separation.assign(measure="separation"),
        large.assign(measure="followed_rms_ratio"),
        select_marks(tables["phases"]),
    )
    return numbers.drop(columns="grouping")


def _phases(numbers: pd.DataFrame) -> dict[int, tuple[float, float]]:
    """First and last epoch of each phase, by its number. Without a dip after the peak, everything is phase 1."""
    last = float(numbers["epoch"].max())
    marks = numbers.set_index("measure")["value"]
    if "dip_epoch" not in marks or marks["dip_epoch"] <= marks["peak_epoch"]:
        return {1: (0, last)}
    peak, dip = marks["peak_epoch"], marks["dip_epoch"]
    return {1: (0, peak), 2: (peak, dip)} | ({3: (dip, last)} if dip < last else {})
