"""The phases: where test accuracy peaks, dips and recovers, and by how much."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, rate_steps_per_epoch

TEST_ACCURACY = "test_accuracy"  # the measure of the curves above the charts
CHANGES = {
    "fall": "fall\nP − D",
    "recovery": "recovery\nend − D",
    "surplus": "net change\nend − P",
    "after_fit": "after the fit\nend − F",
}
CURVES = {"accuracy": "difference in test accuracy", "loss": "difference in test loss, sign reversed (nats)"}
SEEDS = (
    {"color": "0.4", "linestyle": "none", "marker": "o", "markersize": 2.2, "label": "one seed"},
    {"color": "0.4", "linewidth": 1.2, "marker": "o", "markersize": 4.2, "label": "mean and interval"},
)


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Test accuracy of every model with its phases. Below: changes of accuracy and loss between them, seed by seed."""
    numbers = _numbers(inputs)
    models = numbers["model"].unique()
    chart = 0.7 + (0.2 + 0.07 * min(len(models), panels.WIDEST)) * len(CHANGES)  # inches
    above_height = 1.9 + SECOND_AXIS
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, above_height + chart)
    for block, of_noise in blocks:
        colours = theme.model_colours(of_noise["model"].unique())
        above, below = block.subfigures(2, 1, height_ratios=[above_height, chart])
        for (model, _), axes in panels.epoch_facets(
            above, of_noise, {TEST_ACCURACY: "test accuracy"}, per_epoch
        ).items():
            panels.line(axes, where(of_noise, model=model, measure=TEST_ACCURACY), color=colours[model])
        for axes, (curve, label) in zip(below.subplots(1, 2, sharey=True), CURVES.items(), strict=True):
            rows = {
                text: where(of_noise, curve=curve, measure=measure)
                for measure, text in CHANGES.items()
            }  # fmt: skip
            panels.dots(axes, rows, colours)
            axes.set_xlabel(label)
    if len(models) > panels.WIDEST:  # every block uses the same colours; the titles of its panels name the models
        colours = {}
    styles = [{"color": colour, "label": model} for model, colour in colours.items()]
    legend(figure, handles([*styles, *SEEDS]))
    phase_legend(figure, numbers)
    return figure, numbers


def _numbers(inputs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Curves (measure TEST_ACCURACY), the changes CHANGES of single seeds and over seeds, and the marks."""
    curves = where(inputs["curves"], subset="test", measure="accuracy").assign(curve="accuracy", measure=TEST_ACCURACY)
    single = where(inputs["phases_by_seed"], measure=[*CHANGES]).rename(columns={"value": "mean"}).assign(n=1)
    means = where(inputs["phases"], measure=[*CHANGES])
    return combine(curves, single, means, select_marks(inputs["phases"]))
