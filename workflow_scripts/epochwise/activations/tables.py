"""The tables of activations: their columns, and the functions that fill them from the arrays of one epoch.

Lists have one array per hidden layer, first to last: L layers of H neurons each, where H may differ from layer to
layer; N samples. This module does not need torch, because the analysis reads these tables where torch is not installed.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

MEAN_OVER_CLASSES = -1  # the `class` of a row that holds the unweighted mean over classes

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
# Statistics of every neuron over the training samples. `rms_ratio` is the mean, over the samples on which another
# neuron of the layer is active, of this neuron's activation over the root mean square of all others; missing
# without such a sample.
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
        ("rms_ratio", pa.float32()),
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
# The path of test data of each true class: the cosine between the mean activation of those that are predicted correctly
# (or wrongly) and that of clean (or noisy) training samples of this class; see `paths`.
TEST_PATHS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("class", pa.int16()),
        ("predictions", pa.string()),
        ("reference", pa.string()),
        ("measure", pa.string()),
        ("n", pa.int32()),
        ("value", pa.float64()),
        ("split_half", pa.float64()),
        ("null_mean", pa.float64()),
        ("null_low", pa.float64()),
        ("null_high", pa.float64()),
    ]
)


def class_means(epoch: int, *, keys: Sequence[dict], sums: Sequence[np.ndarray], sizes: np.ndarray) -> dict:
    """Columns of CLASS_MEANS for one epoch. An empty group has no mean (None).

    Args:
        epoch: the epoch.
        keys: grouping, subset and class of each of G groups.
        sums: for each layer the sums of its activations over each group (G, H).
        sizes: samples per group (G,).
    """
    layers = len(sums)
    means = [(of_layer / np.maximum(sizes, 1)[:, None]).astype(np.float32) for of_layer in sums]
    return {
        "epoch": np.full(layers * len(keys), epoch),
        "layer": np.repeat(np.arange(1, layers + 1), len(keys)),
        **{name: [key[name] for key in keys] * layers for name in ("grouping", "subset", "class")},
        "n": np.tile(sizes, layers),
        "mean": [mean if n else None for of_layer in means for mean, n in zip(of_layer, sizes, strict=True)],
    }


def neurons(epoch: int, *, statistics: Sequence[np.ndarray], median_active: Sequence[float], index: np.ndarray) -> dict:
    """Columns of NEURONS for one epoch.

    Args:
        epoch: the epoch.
        statistics: for each layer the max, mean, std, active_share, number of the sample with the largest activation,
            layer_argmax_share and rms_ratio of each neuron (7, H).
        median_active: median of the positive activations of each layer (L,); NaN if it has none.
        index: row of each sample in the data set (N,).
    """
    names = ("max", "mean", "std", "active_share", "argmax_index", "layer_argmax_share", "rms_ratio")
    columns = dict(zip(names, np.concatenate(statistics, axis=1), strict=True))
    widths = [of_layer.shape[1] for of_layer in statistics]
    return {
        "epoch": np.full(sum(widths), epoch),
        "layer": np.repeat(np.arange(1, len(widths) + 1), widths),
        "neuron": np.concatenate([np.arange(width) for width in widths]),
        **columns,
        "argmax_index": index[columns["argmax_index"].astype(np.int64)],
        "layer_median_active": np.repeat(median_active, widths),
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


def test_paths(epoch: int, *, paths: Sequence[Iterable[Mapping]]) -> dict:
    """Columns of TEST_PATHS for one epoch. `paths` has for each layer its pieces: the other columns, as lists."""
    pieces = [(layer, piece) for layer, of_layer in enumerate(paths, start=1) for piece in of_layer]
    names = pieces[0][1].keys()
    columns = {name: [value for _, piece in pieces for value in piece[name]] for name in names}
    layers = [layer for layer, piece in pieces for _ in piece["n"]]
    return {"epoch": np.full(len(layers), epoch), "layer": layers, **columns}
