"""The data: noisy images, and how many samples of each class carry which label."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from epochwise.data.corruption import noise_matrix
from epochwise.figures import panels, theme
from epochwise.figures.numbers import where

COLUMNS = 6  # images beside each other
HEIGHT = 3.6  # of a matrix, in inches
MOST_COUNTED = 12  # with more classes, the cells of the matrix are too small for a number
# How the two parts of a bar are drawn, in the colours that clean and noisy data have in other figures.
BARS = {"right label": theme.SUBSETS["clean"]["color"], "wrong label": theme.SUBSETS["noisy_given"]["color"]}


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """Training images with their true and given labels, and for each noise its matrix: counts by true and given label.

    The images are those of the first noise. The matrix is coloured by the wrong labels only, because the right ones,
    its diagonal, are many more. Bars beside it show both. The numbers have the columns

    - `noise`: name of the noise,
    - `part`: `image`, `matrix` (a cell), `right label` and `wrong label` (the bars),
    - `index`: row of the image in the training data,
    - `true_label`, `given_label`: names of the classes,
    - `count`: number of training samples.
    """
    images, labels = inputs["train_images"], inputs["labels"]
    names = np.array(images.class_names)
    first = next(iter(labels))
    chosen = _examples(labels[first], options["images"])
    numbers = _numbers(chosen, labels, names)

    rows = -(-len(chosen) // COLUMNS)
    figure = theme.figure(1.25 * rows + HEIGHT * len(labels))
    above, *below = figure.subfigures(1 + len(labels), 1, height_ratios=[1.25 * rows, *[HEIGHT] * len(labels)])
    pictures = where(numbers, part="image")
    texts = pictures["true_label"].map(panels.short) + "\n→ " + pictures["given_label"].map(panels.short)
    panels.images(above, images.pixels[pictures["index"].astype(int)], images.shape, [*texts], COLUMNS)
    of = f" ({first})" if len(labels) > 1 else ""
    above.suptitle(f"training images{of}: true label → given label", fontweight="normal")
    for block, (noise, table) in zip(below, labels.items(), strict=True):
        if len(labels) > 1:
            block.suptitle(f"{noise}: {table['is_noisy'].mean():.1%} of the labels are wrong", fontweight="normal")
        matrix, bars = block.subplots(1, 2, sharey=True, width_ratios=[1.6, 1])
        of_noise = where(numbers, noise=noise)
        counts = where(of_noise, part="matrix")["count"].to_numpy(np.int64).reshape(len(names), -1)
        _draw_matrix(matrix, counts, names)
        _draw_bars(bars, of_noise)
    return figure, numbers


def _examples(labels: pd.DataFrame, count: int) -> pd.DataFrame:
    """Samples to show: noisy ones first, and of those one of every class before the second of any class."""
    order = labels.assign(round=labels.groupby(["true_label", "is_noisy"]).cumcount())
    order = order.sort_values(["is_noisy", "round", "true_label"], ascending=[False, True, True], kind="stable")
    return order.head(count)


def _numbers(chosen: pd.DataFrame, labels: dict[str, pd.DataFrame], names: np.ndarray) -> pd.DataFrame:
    """The numbers of all parts; `chosen` are the images of the first noise."""
    images = {
        "index": chosen["index"].to_numpy(),
        "true_label": names[chosen["true_label"]],
        "given_label": names[chosen["given_label"]],
    }
    parts = [pd.DataFrame({"noise": next(iter(labels)), "part": "image", **images})]
    for noise, table in labels.items():
        counts = noise_matrix(table["true_label"].to_numpy(), table["given_label"].to_numpy(), len(names))
        parts += [pd.DataFrame({"noise": noise, "part": p, **c}) for p, c in _counts(counts, names).items()]
    return pd.concat(parts, ignore_index=True).astype({"index": "Int64", "count": "Int64"})


def _counts(counts: np.ndarray, names: np.ndarray) -> dict[str, dict]:
    """The cells of a noise matrix, and its bars; `counts` has a row per true and a column per given label."""
    true, given = np.indices(counts.shape).reshape(2, -1)
    right = np.diag(counts)
    return {
        "matrix": {"true_label": names[true], "given_label": names[given], "count": counts.ravel()},
        "right label": {"true_label": names, "count": right},
        "wrong label": {"true_label": names, "count": counts.sum(1) - right},
    }


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
