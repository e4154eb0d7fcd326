"""What changes if the large neuron is edited, compared with other neurons of its layer."""

import pandas as pd
from matplotlib.figure import Figure

from epochwise.figures import panels, theme
from epochwise.figures.legends import handles, legend
from epochwise.figures.numbers import combine, where
from epochwise.figures.phase_marks import phase_legend, select_marks
from epochwise.figures.scales import SECOND_AXIS, rate_steps_per_epoch

# By subset and edit.
ROWS = {
    ("test", "zero"): "Δ test accuracy,\nset to zero",
    ("test", "mean"): "Δ test accuracy,\nset to mean",
    ("noisy_given", "zero"): "Δ wrong labels,\nset to zero",
    ("noisy_given", "mean"): "Δ wrong labels,\nset to mean",
}
# By target and by what is appended to the name of the edit.
TARGETS = {
    ("large", ""): {"color": theme.VERMILION, "label": "large neuron"},
    ("runner_up", ""): {"color": theme.SKY, "label": "second largest activation"},
    ("matched", ""): {"color": theme.BLACK, "label": "nearest in contribution (mean of five)"},
    ("matched", "_equal"): {
        "color": theme.BLACK,
        "linestyle": "--",
        "label": "the same, losing as much as the large one",
    },
}
EDITS = [edit + appended for edit in ("zero", "mean") for appended in ("", "_equal")]
LEAST = 0.01  # a y axis reaches at least from −LEAST to LEAST, so that single samples do not look like an effect


def draw(inputs: dict[str, pd.DataFrame], shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Change of accuracy by edit, over epochs, per model.

    Each panel has its own y range, because a large effect of one model would flatten those of the others. The numbers
    have the columns of `numbers`, and `target` and `edit` as in the summary table `interventions`.
    """
    table = where(inputs["interventions"], measure="accuracy", edit=EDITS, subset=["test", "noisy_given"])
    numbers = combine(table.assign(measure="accuracy_change"), select_marks(inputs["phases"]))
    numbers[["target", "edit"]] = table[["target", "edit"]].reset_index(drop=True)
    per_epoch = rate_steps_per_epoch(inputs["runs"])

    figure, blocks = panels.blocks(numbers, 1.5 * len(ROWS) + SECOND_AXIS)
    for block, of_noise in blocks:
        for (model, (subset, edit)), axes in panels.epoch_facets(
            block, of_noise, ROWS, per_epoch, sharey=False
        ).items():
            axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
            for (target, appended), style in TARGETS.items():
                rows = where(of_noise, model=model, subset=subset, edit=edit + appended, target=target)
                panels.line(axes, rows, **{key: style[key] for key in style if key != "label"})
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, -LEAST), max(high, LEAST))
    legend(figure, handles(TARGETS.values()))
    phase_legend(figure, numbers)
    return figure, numbers
