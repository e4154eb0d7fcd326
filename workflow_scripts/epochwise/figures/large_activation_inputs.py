"""What the large activation depends on, input or output; and the images that it responds to most and least."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from epochwise.figures import panels, theme
from epochwise.figures.legends import LINE, ROW, fitting_columns, handles
from epochwise.figures.numbers import at_end, layer_that_stands_out, where

# Rows of the chart, by feature and measure of the summary table `large_activation`.
INPUT = {
    ("components", "r2"): "principal components, R²",
    ("norm", "pearson_squared"): "pixel norm, r²",
    ("norm", "spearman_squared"): "pixel norm, ρ²",
    ("brightness", "pearson_squared"): "brightness, r²",
    ("brightness", "spearman_squared"): "brightness, ρ²",
    ("contrast", "pearson_squared"): "contrast, r²",
    ("contrast", "spearman_squared"): "contrast, ρ²",
    ("true_label", "eta2"): "true label, η²",
    ("true_label", "eta2_noisy"): "true label of noisy data, η²",
}
OUTPUT = {
    ("given_label", "eta2"): "given label, η²",
    ("given_label", "eta2_noisy"): "given label of noisy data, η²",
    ("predicted_label", "eta2"): "predicted label, η²",
    ("probability", "spearman_squared"): "predicted probability, ρ²",
    ("loss", "spearman_squared"): "loss, ρ²",
    ("is_noisy", "abs_2auc_minus_1"): "label is wrong, |2·AUC − 1|",
}
ROWS = INPUT | OUTPUT
PER_ROW = 8  # images beside each other
LABELS = 2.0  # inches: names of the rows and of input and output


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """How much of the variance of the large activation each feature explains, at the last epoch.

    The last row is no share of variance: how well the activation distinguishes samples with wrong labels. Each model is
    shown in the layer that stands out most. Below are the training images with the largest and the smallest activation
    of this neuron in the run shown. The numbers have the columns of `numbers`, and

    - `part`: `measure` for the chart, `image` for the images,
    - `feature`, `measure`: as in the summary table `large_activation`,
    - `end`, `index`: `largest` or `smallest`, and the row of the image in the training data.
    """
    measures = _measures(inputs["large_activation"], inputs["outliers"])
    layer = layer_that_stands_out(inputs["outliers"], **shown)
    extremes = _extremes(inputs["samples"], layer, options["images"]).assign(**shown)

    noises, models = measures["noise"].unique(), measures["model"].unique()
    legend = ROW * (len(models) + (len(noises) > 1))  # with several noises, the legend of a chart names its noise
    chart = 0.9 + (0.12 + 0.06 * len(models)) * len(ROWS) + legend
    strip = 0.25 + 1.1 * -(-options["images"] // PER_ROW)
    figure = theme.figure(chart + 2 * strip, len(noises) + 1)  # one column is for the names of the rows
    above, *below = figure.subfigures(3, 1, height_ratios=[chart, strip, strip])
    _draw_charts(above, measures)
    images = inputs["train_images"]
    for block, (end, rows) in zip(below, extremes.groupby("end", sort=False), strict=True):
        title = f"images with the {end} activation of the large neuron: {shown['model']}, layer {layer}"
        block.suptitle(theme.wrap(title, theme.WIDTH - 1), fontweight="normal")
        texts = [f"{value:#.3g}".rstrip(".") for value in rows["value"]]
        panels.images(block, images.pixels[rows["index"]], images.shape, texts, PER_ROW)
    numbers = pd.concat([measures, extremes], ignore_index=True)
    return figure, numbers.astype({"layer": "Int64", "index": "Int64", "n": "Int64"})


def _measures(table: pd.DataFrame, outliers: pd.DataFrame) -> pd.DataFrame:
    """The numbers of the chart: every model in the layer that stands out."""
    table = at_end(table)
    parts = [
        where(rows, layer=layer_that_stands_out(outliers, noise, model))
        for (noise, model), rows in table.groupby(["noise", "model"], sort=False)
    ]
    rows = pd.concat(parts).rename(columns={"mean": "value"}).assign(part="measure")
    return rows[["part", "noise", "model", "layer", "feature", "measure", "value", "low", "high", "n"]]


def _extremes(samples: pd.DataFrame, layer: int, count: int) -> pd.DataFrame:
    """The `count` samples with the largest and with the smallest activation at the last epoch.

    Among equal activations the sample with the lower index comes first.
    """
    rows = where(samples, layer=layer, epoch=samples["epoch"].max())
    ends = {
        "largest": rows.sort_values(["value", "index"], ascending=[False, True]),
        "smallest": rows.sort_values(["value", "index"]),
    }
    parts = [rows.head(count).assign(part="image", end=end) for end, rows in ends.items()]
    return pd.concat(parts)[["part", "layer", "end", "index", "value"]]


def _draw_charts(block: SubFigure, measures: pd.DataFrame) -> None:
    """One chart per noise, with the features of the input above those of the output."""
    noises, models = measures["noise"].unique(), measures["model"].unique()
    width = (block.get_figure(root=True).get_figwidth() - LABELS) / len(noises)
    charts = block.subplots(1, len(noises), sharey=True, squeeze=False)[0]
    for noise, axes in zip(noises, charts, strict=True):
        of_noise = where(measures, noise=noise)
        rows = {
            label: where(of_noise, feature=feature, measure=measure)
            for (feature, measure), label in ROWS.items()
        }  # fmt: skip
        panels.dots(axes, rows, theme.model_colours(models))
        axes.axhline(len(INPUT) - 0.5, color=theme.BLACK, linewidth=0.8)
        axes.axhline(len(ROWS) - 1.5, color=theme.BLACK, linewidth=0.8, linestyle=":")  # below: no share of variance
        # Nothing but a cross-validated R² can be below 0; intervals that reach further are cut off.
        axes.set_xlim(min(0, of_noise["value"].min()) - 0.02, 1.02)
        axes.set_xlabel(theme.wrap("share of variance (last row: |2·AUC − 1|)", width))
        _legend(axes, of_noise, theme.wrap(noise, width) if len(noises) > 1 else None, width)
    beside = charts[-1].get_yaxis_transform()
    for side, first, rows in (("input", 0, INPUT), ("output and labels", len(INPUT), OUTPUT)):
        charts[-1].text(1.02, first + (len(rows) - 1) / 2, side, transform=beside, rotation=270, va="center")


def _legend(axes: Axes, measures: pd.DataFrame, title: str | None, width: float) -> None:
    """Name the models and the layer that is shown of each, above the chart; `width` in inches."""
    models = measures.drop_duplicates("model")
    labels = [f"{model}, layer {layer}" for model, layer in zip(models["model"], models["layer"], strict=True)]
    colours = theme.model_colours(labels).values()
    styles = [
        {"color": colour, "marker": "o", "label": label} for colour, label in zip(colours, labels, strict=True)
    ]  # fmt: skip
    axes.legend(
        handles=handles(styles),
        title=title,
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=fitting_columns(labels, width),
        handlelength=LINE,
    )
