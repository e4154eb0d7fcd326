"""What the large activation follows: patterns of the input, or of the output; and the images that drive it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from epochwise.figures import panels, theme

# Rows of the chart by side; keys are `<feature> <statistic>` of the table large_activation.
SIDES = {
    "input": {
        "components r2": "principal components, R²",
        "norm abs_pearson": "pixel norm, |r|",
        "norm abs_spearman": "pixel norm, |ρ|",
        "brightness abs_pearson": "brightness, |r|",
        "brightness abs_spearman": "brightness, |ρ|",
        "contrast abs_pearson": "contrast, |r|",
        "contrast abs_spearman": "contrast, |ρ|",
    },
    "output": {
        "true_label eta2": "true class, η²",
        "given_label eta2": "given class, η²",
        "predicted_label eta2": "predicted class, η²",
        "probability abs_spearman": "winning probability, |ρ|",
        "loss abs_spearman": "loss, |ρ|",
        "is_noisy abs_2auc_minus_1": "is noisy, |2·AUC − 1|",
    },
}
ROWS = SIDES["input"] | SIDES["output"]
PER_ROW = 8  # images side by side
LABELS = 1.9  # inches: names of rows and sides


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Statistics of the large activation at the last epoch, in the shallow layer of each model that stands out most.

    Below, the training images with the largest and the smallest activation of that neuron in the run shown.
    """
    statistics = _statistics(inputs["large_activation"], inputs["outliers"])
    layer = panels.layer_that_stands_out(inputs["outliers"], shown["noise"], shown["model"])
    extremes = _extremes(inputs["samples"], layer, options["images"]).assign(noise=shown["noise"], model=shown["model"])

    noises, models = statistics["noise"].unique(), statistics["model"].unique()
    legend = theme.LEGEND_ROW * (len(models) + (len(noises) > 1))  # named after its noise
    chart = 0.9 + (0.12 + 0.06 * len(models)) * len(ROWS) + legend
    strip = 0.25 + 1.1 * -(-options["images"] // PER_ROW)
    figure = theme.figure(chart + 2 * strip, len(noises) + 1)  # one column for the names of the rows
    above, *below = figure.subfigures(3, 1, height_ratios=[chart, strip, strip])
    room = (figure.get_figwidth() - LABELS) / len(noises)
    charts = above.subplots(1, len(noises), sharey=True, squeeze=False)[0]
    for noise, axes in zip(noises, charts, strict=True):
        of_noise = panels.where(statistics, noise=noise)
        panels.dots(axes, of_noise, ROWS, theme.model_colours(models))
        axes.axhline(len(SIDES["input"]) - 0.5, color=theme.BLACK, linewidth=0.8)
        axes.set_xlim(np.clip(axes.get_xlim()[0], -1.02, -0.05), 1.02)
        axes.set_xlabel("strength, 0 to 1")
        _legend(axes, of_noise, theme.wrapped(noise, room) if len(noises) > 1 else None, room)
    for y, side in ((3, "input side"), (9.5, "output side")):
        charts[-1].text(1.02, y, side, transform=charts[-1].get_yaxis_transform(), rotation=270, va="center")
    images = inputs["train_images"]
    for strip, (end, rows) in zip(below, extremes.groupby("series", sort=False), strict=True):
        title = f"{end} activation of the large neuron, {shown['model']}, layer {layer}"
        strip.suptitle(theme.wrapped(title, theme.WIDTH - 1), fontweight="normal")
        texts = [f"{value:.3g}" for value in rows["value"]]
        panels.images(strip, images.pixels[rows["index"]], images.shape, texts, PER_ROW)
    numbers = pd.concat([statistics, extremes.assign(layer=layer)], ignore_index=True)
    return figure, numbers.astype({"index": "Int64", "n": "Int64"})


def _statistics(table: pd.DataFrame, outliers: pd.DataFrame) -> pd.DataFrame:
    """Rows of the chart, per model in its own outstanding layer."""
    layers = {
        run: panels.layer_that_stands_out(outliers, *run)
        for run in table.groupby(["noise", "model"], sort=False).groups
    }
    table = panels.where(table, epoch=table["epoch"].max())
    table = table[table["layer"] == [layers[run] for run in zip(table["noise"], table["model"], strict=True)]]
    quantity = table["feature"] + " " + table["statistic"]
    table = table.rename(columns={"mean": "value"}).assign(quantity=quantity, series="mean", part="statistic")
    return table[["part", "noise", "model", "layer", "quantity", "series", "value", "low", "high", "n"]]


def _extremes(samples: pd.DataFrame, layer: int, count: int) -> pd.DataFrame:
    """The `count` samples with the largest and with the smallest activation, at the last epoch; equals by index."""
    rows = panels.where(samples, layer=layer)
    rows = panels.where(rows, epoch=rows["epoch"].max()).sort_values(["value", "index"], ascending=[False, True])
    ends = {"largest": rows.head(count), "smallest": rows.sort_values(["value", "index"]).head(count)}
    parts = [rows.assign(series=end) for end, rows in ends.items()]
    return pd.concat(parts).assign(part="image")[["part", "series", "index", "value"]]


def _legend(axes: Axes, statistics: pd.DataFrame, title: str | None, room: float) -> None:
    """Models with the layer that is shown of each, above the chart, `room` inches wide."""
    models = statistics.drop_duplicates("model")
    labels = [f"{model}, layer {layer}" for model, layer in zip(models["model"], models["layer"], strict=True)]
    styles = [
        {"color": colour, "marker": "o", "label": label}
        for colour, label in zip(theme.model_colours(labels).values(), labels, strict=True)
    ]
    axes.legend(
        handles=panels.handles(styles),
        title=title,
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=theme.legend_columns(labels, room),
        handlelength=theme.HANDLE,
    )
