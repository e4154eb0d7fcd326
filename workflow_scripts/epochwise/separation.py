"""How far the mean signals of clean and of noisy data have moved apart, per layer and class.

Grouped by the true label, the cosine falls as noisy samples leave the class they show; grouped by the given label, it
rises as they join the class they are called.
"""

import warnings

import numpy as np
import pandas as pd

from epochwise.tables import MEAN_OVER_CLASSES

MEASURES = ("cosine", "cosine_centred", "cosine_without_large", "split_half")


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine similarity along the last axis; NaN where a vector is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sum(a * b, axis=-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def separation(class_means: pd.DataFrame, neurons: pd.DataFrame, min_samples: int) -> pd.DataFrame:
    """Cosines of clean against noisy class means, for each epoch, layer, grouping and class (−1: mean over classes).

    `cosine`: of the means themselves. `cosine_centred`: of the means minus the layer's mean over the training set.
    `cosine_without_large`: without the layer's large neuron (the largest peak of that epoch). `split_half`: two halves
    of the clean samples of the class, the second at the noisy group's size. A class with fewer than `min_samples`
    samples on a side has no value, is named in a warning, and is left out of the mean over classes.
    """
    class_means = class_means[class_means["subset"] != "test"].sort_values("class", kind="stable")
    layers = dict(iter(neurons.sort_values("neuron").groupby(["epoch", "layer"])))
    rows = []
    for (epoch, layer, grouping), block in class_means.groupby(["epoch", "layer", "grouping"]):
        layer_mean, peaks = (layers[epoch, layer][name].to_numpy() for name in ("mean", "max"))
        of = {name: (block["subset"] == name).to_numpy() for name in ("clean", "noisy", "clean_a", "clean_b")}
        signals, sizes = _stack(block["mean"], len(peaks)), block["n"].to_numpy()
        means = {name: signals[members] for name, members in of.items()}
        enough = {name: sizes[members] >= min_samples for name, members in of.items()}
        without = np.delete(np.arange(len(peaks)), np.argmax(peaks))
        measures = {
            "cosine": cosine(means["clean"], means["noisy"]),
            "cosine_centred": cosine(means["clean"] - layer_mean, means["noisy"] - layer_mean),
            "cosine_without_large": cosine(means["clean"][:, without], means["noisy"][:, without]),
            "split_half": cosine(means["clean_a"], means["clean_b"]),
        }
        both, halves = enough["clean"] & enough["noisy"], enough["clean_a"] & enough["clean_b"]
        values = {
            name: np.where(halves if name == "split_half" else both, value, np.nan) for name, value in measures.items()
        }
        classes = block["class"].to_numpy()[of["clean"]]
        rows += [
            {"epoch": epoch, "layer": layer, "grouping": grouping, "class": c, **dict(zip(values, row, strict=True))}
            for c, row in zip(classes, zip(*values.values(), strict=True), strict=True)
        ]
        means_over_classes = {name: _mean(value) for name, value in values.items()}
        rows.append(
            {"epoch": epoch, "layer": layer, "grouping": grouping, "class": MEAN_OVER_CLASSES, **means_over_classes}
        )
    _warn_of_missing(class_means, min_samples)
    return pd.DataFrame(rows)


def _stack(means: pd.Series, width: int) -> np.ndarray:
    """Class means (K, H) in float64, NaN for a class without samples."""
    return np.stack([np.full(width, np.nan) if mean is None else np.asarray(mean, np.float64) for mean in means])


def _mean(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    return present.mean() if len(present) else np.nan


def _warn_of_missing(class_means: pd.DataFrame, min_samples: int) -> None:
    sizes = class_means[class_means["subset"].isin(["clean", "noisy"])][
        ["grouping", "subset", "class", "n"]
    ].drop_duplicates()
    for row in sizes[sizes["n"] < min_samples].to_dict("records"):
        warnings.warn(
            f"class {row['class']} has {row['n']} {row['subset']} samples by its {row['grouping']} label, fewer than "
            f"separation.min_samples = {min_samples}: it has no value and is left out of the mean over classes.",
            stacklevel=2,
        )
