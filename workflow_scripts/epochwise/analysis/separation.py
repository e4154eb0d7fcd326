"""How far the mean signals of clean and of noisy data have moved apart, per layer and class.

Grouped by the true label, the cosine falls as noisy samples leave the class that they show. Grouped by the given label,
it rises as they join the class that their label names.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from epochwise.activations.cosine import cosine
from epochwise.activations.tables import MEAN_OVER_CLASSES

# One row per epoch, layer (from 1), grouping (true, given), class and measure. A class with too few samples has no
# value.
SEPARATION = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("grouping", pa.string()),
        ("class", pa.int16()),
        ("measure", pa.string()),
        ("value", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Signals:
    """Mean activations of one layer at one epoch, one row per class (K, H); NaN for a class without samples.

    `clean` and `noisy` are means over the clean and the noisy samples of a class. `clean_a` and `clean_b` are means
    over two halves of its clean samples, the second at the size of the noisy group. `layer_mean` (H,) is the mean over
    all training samples, and `large` the number of the neuron with the largest activation.
    """

    clean: np.ndarray
    noisy: np.ndarray
    clean_a: np.ndarray
    clean_b: np.ndarray
    layer_mean: np.ndarray
    large: int


@dataclass(frozen=True)
class Measure:
    """A measure of separation: what it says, its range, its formula (one value per class), and the two subsets of
    samples that it compares."""

    name: str
    description: str
    low: float
    high: float
    formula: Callable[[Signals], np.ndarray]
    compares: tuple[str, str] = ("clean", "noisy")


def _cosine(signals: Signals) -> np.ndarray:
    return cosine(signals.clean, signals.noisy)


def _cosine_centred(signals: Signals) -> np.ndarray:
    return cosine(signals.clean - signals.layer_mean, signals.noisy - signals.layer_mean)


def _cosine_without_large(signals: Signals) -> np.ndarray:
    others = np.delete(np.arange(signals.clean.shape[1]), signals.large)
    return cosine(signals.clean[:, others], signals.noisy[:, others])


def _split_half(signals: Signals) -> np.ndarray:
    return cosine(signals.clean_a, signals.clean_b)


# To add a measure, add an entry. Its name appears in the tables; figures and claims choose measures by name.
SEPARATION_MEASURES = (
    Measure(
        "cosine",
        "cosine of the mean activations of clean and of noisy samples (the paper's measure)",
        low=-1,
        high=1,
        formula=_cosine,
    ),
    Measure(
        "cosine_centred",
        "the same after the mean over all training samples is subtracted, because the component that all activations "
        "share dominates the raw cosine",
        low=-1,
        high=1,
        formula=_cosine_centred,
    ),
    Measure(
        "cosine_without_large",
        "the raw cosine without the layer's large neuron, because one huge coordinate pushes the cosine to 1",
        low=-1,
        high=1,
        formula=_cosine_without_large,
    ),
    Measure(
        "split_half",
        "raw cosine of two halves of the clean samples, the second at the size of the noisy group: the highest value "
        "that this number of samples allows",
        low=-1,
        high=1,
        formula=_split_half,
        compares=("clean_a", "clean_b"),
    ),
)


def separation(class_means: pd.DataFrame, neurons: pd.DataFrame, min_samples: int) -> pd.DataFrame:
    """All SEPARATION_MEASURES for each epoch, layer, grouping and class, as the table SEPARATION.

    Args:
        class_means: the table CLASS_MEANS of a run.
        neurons: the columns epoch, layer, neuron, max and mean of the table NEURONS.
        min_samples: a class with fewer samples on one of the compared sides has no value. A warning names it, and the
            mean over classes leaves it out.
    """
    class_means = class_means[class_means["subset"] != "test"].sort_values("class", kind="stable")
    layers = dict(iter(neurons.sort_values("neuron").groupby(["epoch", "layer"])))
    parts = []
    for (epoch, layer, grouping), block in class_means.groupby(["epoch", "layer", "grouping"]):
        subsets = {subset: rows.set_index("class") for subset, rows in block.groupby("subset")}
        values = _values(subsets, layers[epoch, layer], min_samples)
        values.loc[MEAN_OVER_CLASSES] = values.mean()
        long = values.rename_axis(index="class", columns="measure").stack(future_stack=True).rename("value")
        parts.append(long.reset_index().assign(epoch=epoch, layer=layer, grouping=grouping))
    _warn_of_missing(class_means, min_samples)
    return pd.concat(parts, ignore_index=True)


def _values(subsets: dict[str, pd.DataFrame], layer: pd.DataFrame, min_samples: int) -> pd.DataFrame:
    """Every measure (columns) of every class (rows) at one epoch, layer and grouping."""
    signals = Signals(
        **{subset: _stack(rows["mean"], len(layer)) for subset, rows in subsets.items()},
        layer_mean=layer["mean"].to_numpy(),
        large=int(np.argmax(layer["max"])),
    )
    columns = {}
    for measure in SEPARATION_MEASURES:
        one, other = (subsets[subset]["n"] for subset in measure.compares)
        enough = (one >= min_samples) & (other >= min_samples)
        columns[measure.name] = pd.Series(measure.formula(signals), enough.index).where(enough)
    return pd.DataFrame(columns)


def _stack(means: pd.Series, width: int) -> np.ndarray:
    """Class means (K, H) in float64, NaN for a class without samples."""
    return np.stack([np.full(width, np.nan) if mean is None else np.asarray(mean, np.float64) for mean in means])


def _warn_of_missing(class_means: pd.DataFrame, min_samples: int) -> None:
    compared = class_means[class_means["subset"].isin(["clean", "noisy"])]
    sizes = compared[["grouping", "subset", "class", "n"]].drop_duplicates()
    for row in sizes[sizes["n"] < min_samples].to_dict("records"):
        warnings.warn(
            f"class {row['class']} has {row['n']} {row['subset']} samples by its {row['grouping']} label, fewer than "
            f"separation.min_samples = {min_samples}: it has no value and is left out of the mean over classes.",
            stacklevel=2,
        )
