"""The tables of activations: their columns, and the functions that fill them from the arrays of one epoch.

Arrays have one row per hidden layer: L layers of H neurons, N samples. This module does not need torch, because the
analysis reads these tables where torch is not installed.
"""

from collections.abc import Mapping, Sequence

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
# Activation of one neuron per layer on every training sample: the neuron that is large at the last epoch.
SAMPLES = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("index", pa.int32()),
        ("value", pa.float32()),
    ]
)
# The output of the network on every training sample. `loss` is the cross-entropy of the given label.
OUTPUTS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("index", pa.int32()),
        ("predicted", pa.int16()),
        ("probability", pa.float32()),
        ("loss", pa.float32()),
    ]
)


def class_means(epoch: int, *, keys: Sequence[dict], sums: np.ndarray, sizes: np.ndarray) -> dict:
    """Columns of CLASS_MEANS for one epoch. An empty group has no mean (None).

    Args:
        epoch: the epoch.
        keys: grouping, subset and class of each of G groups.
        sums: sum of the activations over each group (L, G, H).
        sizes: samples per group (G,).
    """
    layers = len(sums)
    means = (sums / np.maximum(sizes, 1)[:, None]).astype(np.float32)
    return {
        "epoch": np.full(layers * len(keys), epoch),
        "layer": np.repeat(np.arange(1, layers + 1), len(keys)),
        **{name: [key[name] for key in keys] * layers for name in ("grouping", "subset", "class")},
        "n": np.tile(sizes, layers),
        "mean": [mean if n else None for of_layer in means for mean, n in zip(of_layer, sizes, strict=True)],
    }


def neurons(epoch: int, *, statistics: np.ndarray, median_active: Sequence[float], index: np.ndarray) -> dict:
    """Columns of NEURONS for one epoch.

    Args:
        epoch: the epoch.
        statistics: max, mean, std, active_share, number of the sample with the largest activation and
            layer_argmax_share of each neuron (L, 6, H).
        median_active: median of the positive activations of each layer (L,); NaN if it has none.
        index: row of each sample in the data set (N,).
    """
    layers, _, width = statistics.shape
    names = ("max", "mean", "std", "active_share", "argmax_index", "layer_argmax_share")
    columns = {name: statistics[:, position].reshape(-1) for position, name in enumerate(names)}
    return {
        "epoch": np.full(layers * width, epoch),
        "layer": np.repeat(np.arange(1, layers + 1), width),
        "neuron": np.tile(np.arange(width), layers),
        **columns,
        "argmax_index": index[columns["argmax_index"].astype(np.int64)],
        "layer_median_active": np.repeat(median_active, width),
    }


def samples(epoch: int, *, neurons: Mapping[int, int], index: np.ndarray, values: np.ndarray) -> dict:
    """Columns of SAMPLES for one epoch.

    Args:
        epoch: the epoch.
        neurons: the neuron that is followed in each layer.
        index: row of each sample in the data set (N,).
        values: activation of this neuron on each sample (L, N).
    """
    return {
        "epoch": np.full(values.size, epoch),
        "layer": np.repeat(list(neurons), len(index)),
        "neuron": np.repeat(list(neurons.values()), len(index)),
        "index": np.tile(index, len(neurons)),
        "value": values.reshape(-1),
    }


def outputs(
    epoch: int, *, index: np.ndarray, predicted: np.ndarray, probability: np.ndarray, loss: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of OUTPUTS for one epoch, each an array (N,) over the training samples."""
    return {
        "epoch": np.full(len(index), epoch),
        "index": index,
        "predicted": predicted.astype(np.int16),
        "probability": probability,
        "loss": loss,
    }
