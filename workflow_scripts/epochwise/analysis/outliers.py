"""The large neuron of each layer, and how far its activation stands out."""

import numpy as np
import pandas as pd
import pyarrow as pa

# One row per epoch and layer, about its large neuron: the one with the largest activation over the training set.
OUTLIERS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("peak", pa.float64()),
        ("runner_up", pa.float64()),
        ("peak_over_median_peak", pa.float64()),
        ("peak_over_median_active", pa.float64()),
        ("massive", pa.bool_()),
        ("kurtosis", pa.float64()),
        ("argmax_share", pa.float64()),
        ("depth", pa.float64()),
        ("stands_out", pa.bool_()),
    ]
)


def outliers(neurons: pd.DataFrame, massive_value: float, massive_ratio: float) -> pd.DataFrame:
    """The large neuron of each layer at each epoch, as the table OUTLIERS.

    The *peak* of a neuron is its largest activation over the training samples, so all peaks are at least 0.

    - `peak`, `runner_up`: the largest and the second largest peak of the layer. A *single* large activation has a large
      ratio of the two; a ratio near 1 means that nothing stands out.
    - `peak_over_median_peak`: peak over the median peak of the layer's neurons, at least 1.
    - `peak_over_median_active`: peak over the median of all positive activations of the layer, at least 1. A layer
      without any positive activation has no value.
    - `massive`: the criterion of Sun et al. (2024), a value above `massive_value` that is at least `massive_ratio`
      times the median magnitude, here of the positive activations.
    - `kurtosis`: excess kurtosis of the peaks over neurons; 0 for a normal distribution, large if few peaks stand out.
    - `argmax_share`: share of samples, 0 to 1, on which the large neuron is the layer's largest.
    - `depth`: the layer's number over the number of hidden layers, above 0 and at most 1.
    - `stands_out`: whether it is the layer with the largest `peak_over_median_active` at this epoch. One layer per
      epoch is.

    `neurons` is the table NEURONS of a run.
    """
    table = pd.DataFrame(
        [
            {"epoch": epoch, "layer": layer, **_peaks_of_layer(block, massive_value, massive_ratio)}
            for (epoch, layer), block in neurons.groupby(["epoch", "layer"])
        ]
    )
    return table.assign(
        depth=table["layer"] / table["layer"].max(),
        stands_out=most_prominent(table["peak_over_median_active"], table["epoch"]),
    )


def most_prominent(prominence: pd.Series, groups: pd.Series | list[pd.Series]) -> pd.Series:
    """Whether a row has the largest value of `prominence` in its group, the first one if several have it.

    A missing value loses against every number. A group without numbers marks its first row.
    """
    first = prominence.fillna(-1).groupby(groups, sort=False).idxmax()
    return pd.Series(prominence.index.isin(first), prominence.index)


def layers_that_stand_out(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the layers that stand out, one per epoch in ascending order. `table` is the table OUTLIERS."""
    return table[table["stands_out"]].sort_values("epoch")


def large_neuron(table: pd.DataFrame) -> tuple[int, int]:
    """Layer and number of the large neuron at the last epoch, in the layer that stands out then.

    `table` is the table OUTLIERS of one run.
    """
    last = layers_that_stand_out(table).iloc[-1]
    return int(last["layer"]), int(last["neuron"])


def _peaks_of_layer(block: pd.DataFrame, massive_value: float, massive_ratio: float) -> dict:
    """The row of OUTLIERS for one epoch and layer, without its keys and without what compares layers."""
    from scipy import stats  # not above, because who only reads the table may not have it

    peaks = block["max"].to_numpy(np.float64)
    large = int(np.argmax(peaks))
    peak = peaks[large]
    median_active = float(block["layer_median_active"].iloc[0])
    return {
        "neuron": block["neuron"].iloc[large],
        "peak": peak,
        "runner_up": np.partition(peaks, -2)[-2] if len(peaks) > 1 else np.nan,
        "peak_over_median_peak": _ratio(peak, np.median(peaks)),
        "peak_over_median_active": _ratio(peak, median_active),
        "massive": bool(peak > massive_value and peak >= massive_ratio * median_active),
        "kurtosis": stats.kurtosis(peaks) if np.ptp(peaks) > 0 else np.nan,
        "argmax_share": block["layer_argmax_share"].iloc[large],
    }


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else np.nan
