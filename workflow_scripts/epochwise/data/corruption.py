"""From true labels to given labels: some of them become wrong."""

import importlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from epochwise.workflow.seeding import generator

# One row per training sample used, in training order. `index` is the sample's row in the data set's train.parquet.
LABELS = pa.schema(
    [("index", pa.int32()), ("true_label", pa.int16()), ("given_label", pa.int16()), ("is_noisy", pa.bool_())]
)


def corrupt(true: np.ndarray, classes: int, settings: Mapping, *seeds: int) -> np.ndarray:
    """Given labels (N,) for the true labels (N,) in 0..classes−1.

    `settings` is the noise's block of the configuration; its `kind` names the module that draws. `seeds` name the draw:
    the noise's own seed and, where each run has its own draw, the run's seed.
    """
    # Imported by name, so that the code of this job does not depend on the other kinds of noise.
    kind = importlib.import_module(f"epochwise.data.noise.{settings['kind']}")
    return kind.given_labels(true, classes, settings, generator("label_noise", *seeds))


def noise_matrix(true: np.ndarray, given: np.ndarray, classes: int) -> np.ndarray:
    """Number of samples (K, K) by true class (row) and given class (column)."""
    return np.bincount(true.astype(np.int64) * classes + given, minlength=classes**2).reshape(classes, classes)
