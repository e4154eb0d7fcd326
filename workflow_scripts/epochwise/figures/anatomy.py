"""When the large neuron of each run appears, the rank of its weights, and what it responds to."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from epochwise.figures import theme
from epochwise.figures.legends import handles, legend
from epochwise.figures.numbers import where
from epochwise.figures.scales import (
    SECOND_AXIS,
    epoch_axis,
    plain_log,
    rate_steps_axis,
    rate_steps_per_epoch,
    shared_rate_steps,
)

RING = {"marker": "o", "fillstyle": "none", "markersize": 7}  # open, so that the markers below stay visible
EPOCHS = {
    "peak_epoch": {"color": theme.SKY, "marker": "^", "label": "P  first peak of test accuracy"},
    "fit_epoch": {"color": theme.ORANGE, "marker": "s", "label": "F  noisy labels fitted"},
    "dip_epoch": {"color": theme.BLACK, "marker": "v", "label": "D  dip of test accuracy"},
    "large_since_epoch": {"color": theme.GREEN, "marker": "D", "label": "largest of its layer since"},
    "appears_epoch": {"color": theme.VERMILION, "label": "appears", **RING},
}
RANKS = {
    "incoming_rank": {"color": theme.SKY, "marker": "<", "label": "norm of incoming weights"},
    "outgoing_rank": {"color": theme.BLACK, "marker": ">", "label": "norm of outgoing weights"},
    "contribution_rank": {"color": theme.PURPLE, "label": "contribution to the next layer", **RING},
}
IMAGES = {
    "gradient": "mean gradient of\nits activation",
    "response": "mean image weighted by its\nactivation, minus mean image",
    "mean": "mean image",
    "component": "first principal\ncomponent",
}
NOTHING = {"label": " "}  # fills the second of three columns of the legend, so that the third has the ranks
ROW = 0.16  # inches per run


def draw(inputs: dict, shown: dict, options: dict) -> tuple[Figure, pd.DataFrame]:
    """A row per run with its epochs and ranks; below, the images of the run shown (its first seed).

    The second axis of learning rate × steps is there if it is the same for all models.

    The numbers have the columns `noise`, `model`, `seed`, `measure` and `value` of `numbers` for epochs and ranks, and

    - `image`, `pixel`: name of the image, and number of the pixel, in the order channel, row, column.
    """
    table = inputs["anatomy"]
    runs = table["model"] + ", seed " + table["seed"].astype(str)
    if table["noise"].nunique() > 1:
        runs = table["noise"] + ", " + runs
    per_epoch = shared_rate_steps(rate_steps_per_epoch(inputs["runs"]), table["model"].unique())
    height = 0.8 + ROW * len(table) + (SECOND_AXIS if per_epoch else 0)
    figure = theme.figure(height + 1.9)
    above, below = figure.subfigures(2, 1, height_ratios=[height, 1.9])
    epochs, ranks = above.subplots(1, 2, sharey=True)
    _markers(epochs, table, EPOCHS)
    longest = int(inputs["curves"]["epoch"].max())
    epoch_axis(epochs, longest)
    epochs.set_xlabel("epoch", labelpad=1)
    if per_epoch:
        rate_steps_axis(epochs, longest, per_epoch)
    epochs.set_yticks(range(len(table)), runs)
    epochs.set_ylim(len(table) - 0.5, -0.5)
    _markers(ranks, table, RANKS)
    ranks.set_xlabel("rank in its layer (1: largest)")
    plain_log(ranks.xaxis)
    _pictures(below, inputs["anatomy_images"], inputs["train_images"].shape)
    below.suptitle(f"the large neuron of {shown['model']}, first seed", fontweight="normal")
    styles = [*EPOCHS.values(), NOTHING, *RANKS.values()]
    legend(figure, handles([{"markersize": 4} | style | {"linestyle": "none"} for style in styles]))
    return figure, _numbers(table, inputs["anatomy_images"])


def _numbers(table: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Epochs and ranks of the runs, and the pixels of the images, in long form."""
    of_runs = table.melt(["noise", "model", "seed"], [*EPOCHS, *RANKS], var_name="measure")
    pixels = images.explode("pixels").rename(columns={"pixels": "value"})
    pixels = pixels.assign(pixel=pixels.groupby("image", sort=False).cumcount())
    return pd.concat([of_runs, pixels], ignore_index=True).astype({"seed": "Int64", "pixel": "Int64", "value": float})


def _markers(axes: Axes, table: pd.DataFrame, styles: dict[str, dict]) -> None:
    """One marker per column and run."""
    for column, style in styles.items():
        axes.plot(table[column], np.arange(len(table)), **{"linestyle": "none", "markersize": 4, **style})
    axes.grid(axis="y", linewidth=0.4, color="0.9")


def _pictures(block: SubFigure, images: pd.DataFrame, shape: tuple[int, int, int]) -> None:
    """The four images. Those with a sign are grey at zero."""
    for i, (name, text) in enumerate(IMAGES.items()):
        axes = block.add_subplot(1, len(IMAGES), i + 1)
        values = np.asarray(where(images, image=name)["pixels"].iloc[0]).reshape(shape).transpose(1, 2, 0)
        low, high = values.min(), values.max()
        if name != "mean":
            low, high = -np.abs(values).max(), np.abs(values).max()
        scaled = (values - low) / max(high - low, 1e-12)
        axes.imshow(scaled.squeeze(), cmap="gray", vmin=0, vmax=1)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_xlabel(text, fontsize=theme.SMALL)
