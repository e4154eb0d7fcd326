"""What a kind of noise can use besides the true labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from epochwise.data import image_table


@dataclass(frozen=True)
class NoiseInputs:
    """The training samples whose labels a noise changes, in training order.

    Attributes:
        index: rows (N,) of the samples in the data set's train.parquet.
        class_names: names of the classes, in the order of the labels.
        images: path of train.parquet.
        files: paths of the files that the kind reads.
    """

    index: np.ndarray
    class_names: Sequence[str]
    images: str
    files: Sequence[str]

    def pixels(self) -> np.ndarray:
        """Pixels (N, C·H·W) of the samples, uint8."""
        return image_table.read(self.images).pixels[self.index]

    def all_labels(self) -> np.ndarray:
        """Labels of all training images of the data set, including those that are not used."""
        return image_table.read_labels(self.images)
