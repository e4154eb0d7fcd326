"""The tables of activations: their columns, and the functions that fill them from arrays.

This module does not need torch, because the analysis reads these tables where torch is not installed.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

# Mean activation of each group of samples: one row per epoch, layer, grouping, subset and class.
CLASS_MEANS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("grouping", pa.string()),
        ("subset", pa.string()),
        ("class", pa.int16()),
        ("n", pa.int32()),
        ("mean", pa.list_(pa.float32())),
    ]
)
# Statistics of every neuron over the training samples.
NEURONS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("max", pa.float32()),
        ("mean", pa.float32()),
        ("std", pa.float32()),
        ("active_share", pa.float32()),
        ("argmax_index", pa.int32()),
        ("layer_argmax_share", pa.float32()),
        ("layer_median_active", pa.float32()),
    ]
)
# Activation of one neuron per layer (the large neuron at the last epoch) on every training sample.
SAMPLES = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("index", pa.int32()),
        ("value", pa.float32()),
    ]
)
# What the network says of every training sample. `loss` is the cross-entropy of the given label.
OUTPUTS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("index", pa.int32()),
        ("predicted", pa.int16()),
        ("probability", pa.float32()),
        ("loss", pa.float32()),
    ]
)


def class_means(epoch: int, layer: int, keys: Sequence[dict], sums: np.ndarray, sizes: np.ndarray) -> dict:
    """Columns of CLASS_MEANS for one epoch and layer.

    `keys` gives grouping, subset and class of each of G groups, `sums` (G, H) the sums of its activations, `sizes` (G,)
    its number of samples. An empty group has no mean (None).
    """
    return {
        "epoch": np.full(len(keys), epoch),
        "layer": np.full(len(keys), layer),
        **{name: [key[name] for key in keys] for name in ("grouping", "subset", "class")},
        "n": sizes,
        "mean": [(total / n).astype(np.float32) if n else None for total, n in zip(sums, sizes, strict=True)],
    }


def neurons(epoch: int, layer: int, statistics: dict[str, np.ndarray], median_active: float | None) -> dict:
    """Columns of NEURONS for one epoch and layer: `statistics` has an array (H,) per column."""
    width = len(statistics["neuron"])
    return {
        "epoch": np.full(width, epoch),
        "layer": np.full(width, layer),
        **statistics,
        "layer_median_active": [median_active] * width,
    }


def samples(epoch: int, layer: int, neuron: int, index: np.ndarray, values: np.ndarray) -> dict:
    """Columns of SAMPLES for one epoch and layer: `values` (N,) are the activations of `neuron` on the samples."""
    return {
        "epoch": np.full(len(index), epoch),
        "layer": np.full(len(index), layer),
        "neuron": np.full(len(index), neuron),
        "index": index,
        "value": values,
    }


def outputs(
    epoch: int, index: np.ndarray, predicted: np.ndarray, probability: np.ndarray, loss: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of OUTPUTS for one epoch, each an array (N,) over the training samples."""
    return {
        "epoch": np.full(len(index), epoch),
        "index": index,
        "predicted": predicted,
        "probability": probability,
        "loss": loss,
    }
