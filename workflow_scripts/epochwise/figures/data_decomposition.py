"""The data: noisy images, and how many samples of each class carry which label."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from epochwise.data.corruption import noise_matrix
from epochwise.figures import panels, theme
from epochwise.figures.numbers import where

COLUMNS = 6  # images beside each other
MOST_COUNTED = 12  # with more classes, the cells of the matrix are too small for a number
# How the two parts of a bar are drawn, in the colours that clean and noisy data have in other figures.
BARS = {"right label": theme.SUBSETS["clean"]["color"], "wrong label": theme.SUBSETS["noisy_given"]["color"]}


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Training images with their true and given labels, and the noise matrix: counts by true and given label.

    The matrix is coloured by the wrong labels only, because the right ones, its diagonal, are many more. Bars beside it
    show both. The numbers have the columns

    - `part`: `image`, `matrix` (a cell), `right label` and `wrong label` (the bars),
    - `index`: row of the image in the training data,
    - `true_label`, `given_label`: names of the classes,
    - `count`: number of training samples.
    """
    images, labels = inputs["train_images"], inputs["labels"]
    names = np.array(images.class_names)
    counts = noise_matrix(labels["true_label"].to_numpy(), labels["given_label"].to_numpy(), len(names))
    chosen = _examples(labels, options["images"])
    numbers = _numbers(chosen, counts, names)

    rows = -(-len(chosen) // COLUMNS)
    figure = theme.figure(1.25 * rows + 3.6)
    above, below = figure.subfigures(2, 1, height_ratios=[1.25 * rows, 3.6])
    pictures = where(numbers, part="image")
    texts = pictures["true_label"] + "\n→ " + pictures["given_label"]
    panels.images(above, images.pixels[pictures["index"].astype(int)], images.shape, [*texts], COLUMNS)
    above.suptitle("training images: true label → given label", fontweight="normal")
    matrix, bars = below.subplots(1, 2, sharey=True, width_ratios=[1.6, 1])
    _draw_matrix(matrix, counts, names)
    _draw_bars(bars, numbers)
    return figure, numbers


def _examples(labels: pd.DataFrame, count: int) -> pd.DataFrame:
    """Samples to show: noisy ones first, and of those one of every class before the second of any class."""
    order = labels.assign(round=labels.groupby(["true_label", "is_noisy"]).cumcount())
    order = order.sort_values(["is_noisy", "round", "true_label"], ascending=[False, True, True], kind="stable")
    return order.head(count)


def _numbers(chosen: pd.DataFrame, counts: np.ndarray, names: np.ndarray) -> pd.DataFrame:
    """The numbers of all parts; `counts` has a row per true and a column per given label."""
    true, given = np.indices(counts.shape).reshape(2, -1)
    right = np.diag(counts)
    parts = {
        "image": {
            "index": chosen["index"].to_numpy(),
            "true_label": names[chosen["true_label"]],
            "given_label": names[chosen["given_label"]],
        },
        "matrix": {"true_label": names[true], "given_label": names[given], "count": counts.ravel()},
        "right label": {"true_label": names, "count": right},
        "wrong label": {"true_label": names, "count": counts.sum(1) - right},
    }
    numbers = pd.concat([pd.DataFrame({"part": part, **columns}) for part, columns in parts.items()], ignore_index=True)
    return numbers.astype({"index": "Int64", "count": "Int64"})


def _draw_matrix(axes: Axes, counts: np.ndarray, names: np.ndarray) -> None:
    """Counts of wrong labels in colour. The diagonal of right labels stays grey."""
    right = np.eye(len(counts), dtype=bool)
    axes.set_facecolor(theme.MISSING)
    largest = max(counts[~right].max(), 1)
    wrong = np.ma.masked_array(counts, right)
    image = axes.imshow(wrong, cmap="cividis", vmin=0, vmax=largest, aspect="auto")
    axes.get_figure().colorbar(image, ax=axes, label="samples with a wrong label", location="left", pad=0.04)
    positions, labels = panels.ticks(names, most=20)
    turned = max(map(len, labels)) > 3
    axes.set_xticks(positions, labels, rotation=45 * turned, ha="right" if turned else "center")
    axes.set_yticks(positions, labels)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="given label", ylabel="true label")
    if len(counts) > MOST_COUNTED:
        return
    on_bright = right | (counts > largest / 2)
    for row, column in np.ndindex(counts.shape):
        colour = "black" if on_bright[row, column] else "white"
        axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=theme.SMALL - 1)


def _draw_bars(axes: Axes, numbers: pd.DataFrame) -> None:
    """Samples of each true class with a right and with a wrong label. Classes are rows, as in the matrix."""
    start = 0
    for part, colour in BARS.items():
        count = where(numbers, part=part)["count"].to_numpy(np.int64)
        axes.barh(range(len(count)), count, left=start, linewidth=0, color=colour, label=part)
        start = start + count
    axes.set_xlabel("training samples of the class")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
