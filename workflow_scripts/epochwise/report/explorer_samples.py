"""The training samples that the explorer shows: which ones, their images, and when each was learned and forgotten."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image

PER_KIND = 300  # noisy samples, and as many clean ones, that are drawn at random
MAX_IMAGES = 4000  # more would make the page too large
MOST_RESPONDERS = 12  # images with the strongest response per layer and epoch, and as many with the weakest
LARGEST_SIDE = 48  # pixels of an image in the page; larger images are reduced
COLUMNS = 64  # images in a row of the sprite
NEVER = -1


def draw_samples(labels: pd.DataFrame, seed: int = 0) -> np.ndarray:
    """Indices of up to PER_KIND noisy and PER_KIND clean samples of the table `labels`, drawn with `seed`."""
    random = np.random.default_rng(seed)
    groups = [labels["index"][labels["is_noisy"] == noisy].to_numpy() for noisy in (True, False)]
    return np.sort(np.concatenate([random.permutation(group)[:PER_KIND] for group in groups]))


def find_responders(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the `count` largest and the `count` smallest of `values` (N,), each from the extreme inwards.

    Among equal values the first ones count. For instance the many samples with response 0 are shown in their order.

    >>> find_responders(np.array([0.0, 3.0, 0.0, 7.0]), 2)
    (array([3, 1]), array([0, 2]))
    """
    strongest = np.argsort(-values, kind="stable")[:count]
    weakest = np.argsort(values, kind="stable")[:count]
    return strongest, weakest


def choose_images(random_ones: np.ndarray, extremes: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """Which samples the page shows, and how many responders of each kind it shows.

    Args:
        random_ones: indices of the samples that were drawn.
        extremes: indices of responders, each (..., MOST_RESPONDERS or fewer), from the extreme inwards.

    Returns:
        sorted indices, at most MAX_IMAGES if one responder per layer and epoch leaves room for it, and the number of
        responders per layer and epoch.
    """
    for count in range(MOST_RESPONDERS, 0, -1):
        indices = np.unique(np.concatenate([random_ones, *[part[..., :count].reshape(-1) for part in extremes]]))
        if len(indices) <= MAX_IMAGES:
            break
    return indices, count


def learning_times(predicted: np.ndarray, label: np.ndarray, epochs: np.ndarray) -> dict[str, np.ndarray]:
    """When each sample was learned and forgotten, by what the network predicted at each snapshot.

    A sample is learned at the first snapshot at which its label is predicted. It is forgotten at a snapshot at which
    another label is predicted, although its label was predicted at the snapshot before (Toneva et al. 2019,
    arXiv:1812.05159, on snapshots instead of mini-batches). The untrained network at epoch 0 does not count, because
    it is right by chance.

    Args:
        predicted: predicted classes (T, N).
        label: the label to compare with (N,).
        epochs: epoch of each snapshot (T,), ascending; at least one above 0.

    Returns:
        `learned`: epoch (N,), NEVER if the label is never predicted; `forgotten`: epoch of the last time it was
        forgotten (N,), NEVER if that never happened; `times`: how often it was forgotten (N,).
    """
    trained = epochs > 0
    right, epochs = (predicted == label)[trained], epochs[trained]
    lost = np.vstack([np.zeros_like(right[:1]), right[:-1] & ~right[1:]])  # nothing is lost at the first one
    last = len(lost) - 1 - np.argmax(lost[::-1], axis=0)
    return {
        "learned": np.where(right.any(axis=0), epochs[np.argmax(right, axis=0)], NEVER),
        "forgotten": np.where(lost.any(axis=0), epochs[last], NEVER),
        "times": lost.sum(axis=0),
    }


def make_sprite(pixels: np.ndarray, shape: tuple[int, int, int]) -> dict:
    """All images in one PNG, row by row.

    Args:
        pixels: (N, C·H·W) uint8 in the order channel, row, column.
        shape: C, H, W. One channel is gray, three are red, green and blue.

    Returns:
        `png`: the PNG in base64; `width`, `height`: size of one image in pixels; `columns`: images per row.
    """
    channels, height, width = shape
    images = [
        Image.fromarray(image[0] if channels == 1 else np.ascontiguousarray(np.moveaxis(image, 0, -1)))
        for image in pixels.reshape(len(pixels), channels, height, width)
    ]
    for image in images:
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    width, height = images[0].size
    columns = min(COLUMNS, len(images))
    sheet = Image.new(images[0].mode, (columns * width, -(-len(images) // columns) * height))
    for number, image in enumerate(images):
        sheet.paste(image, (number % columns * width, number // columns * height))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    png = base64.b64encode(file.getvalue()).decode("ascii")
    return {"png": png, "width": width, "height": height, "columns": columns}


def encode(numbers: np.ndarray, kind: str) -> str:
    """Integers in base64 for JavaScript's typed arrays; `kind` is a little-endian NumPy type such as `<i2`."""
    return base64.b64encode(np.ascontiguousarray(numbers, dtype=kind).tobytes()).decode("ascii")
