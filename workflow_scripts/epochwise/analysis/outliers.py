"""The large neuron of each layer, and how far its activation stands out."""

import numpy as np
import pandas as pd
import pyarrow as pa

# One row per epoch and layer, about its large neuron: the one with the largest activation over the training set. The
# followed neuron is the one that is large at the run's last epoch.
OUTLIERS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("largest_activation", pa.float64()),
        ("second_largest_activation", pa.float64()),
        ("largest_over_median_neuron", pa.float64()),
        ("largest_over_median_active", pa.float64()),
        ("massive", pa.bool_()),
        ("kurtosis", pa.float64()),
        ("argmax_share", pa.float64()),
        ("depth", pa.float64()),
        ("stands_out", pa.bool_()),
        ("rms_ratio", pa.float64()),
        ("rms_ratio_of_means", pa.float64()),
        ("followed_neuron", pa.int32()),
        ("followed_rms_ratio", pa.float64()),
        ("followed_rms_ratio_of_means", pa.float64()),
        ("ratio_over_threshold", pa.float64()),
    ]
)
# The measures in the summary over seeds; `largest_over_second` is computed from the columns of OUTLIERS.
OUTLIER_MEASURES = (
    "largest_activation", "second_largest_activation", "largest_over_second", "largest_over_median_neuron",
    "largest_over_median_active", "massive", "kurtosis", "argmax_share", "rms_ratio", "rms_ratio_of_means",
    "followed_rms_ratio", "followed_rms_ratio_of_means", "ratio_over_threshold",
)  # fmt: skip


def outliers(neurons: pd.DataFrame, massive_value: float, massive_ratio: float, large_ratio: float) -> pd.DataFrame:
    """The large neuron of each layer at each epoch, as the table OUTLIERS.

    Each neuron has a largest activation over the training samples, at least 0.

    - `largest_activation`, `second_largest_activation`: those of the first and the second neuron of the layer. A
      *single* large activation has a large ratio of the two; a ratio near 1 means that nothing stands out.
    - `largest_over_median_neuron`: largest activation over the median of the neurons' largest activations, at least 1.
    - `largest_over_median_active`: largest activation over the median of all positive activations of the layer, at
      least 1. A layer without any positive activation has no value.
    - `massive`: the criterion of Sun et al. (2024), a value above `massive_value` that is at least `massive_ratio`
      times the median magnitude, here of the positive activations.
    - `kurtosis`: excess kurtosis over neurons of their largest activations; 0 for a normal distribution, large if few
      neurons stand out.
    - `argmax_share`: share of samples, 0 to 1, on which the large neuron is the layer's largest.
    - `depth`: the layer's number over the number of hidden layers, above 0 and at most 1.
    - `stands_out`: whether it is the layer with the largest `largest_over_median_active` at this epoch. Exactly one
      layer stands out at each epoch.
    - `rms_ratio`: activation of the large neuron over the root mean square of all others of its layer, mean over
      samples (equation 5 of the paper, as a public reading gives it). At least 0; missing without another neuron.
    - `rms_ratio_of_means`: the same with both taken over all samples first: mean activation over the root of the mean
      of the others' squares.
    - `followed_neuron`: the large neuron of the layer at the last epoch, and `followed_rms_ratio` and
      `followed_rms_ratio_of_means` its ratios at this epoch.
    - `ratio_over_threshold`: `followed_rms_ratio` over `large_ratio`, from which a ratio counts as large.

    `neurons` is the table NEURONS of a run.
    """
    followed = _followed_neurons(neurons)
    table = pd.DataFrame(
        [
            {
                "epoch": epoch,
                "layer": layer,
                **_describe_layer(block, massive_value, massive_ratio),
                **_describe_ratios(block, followed[layer]),
            }
            for (epoch, layer), block in neurons.groupby(["epoch", "layer"])
        ]
    )
    return table.assign(
        ratio_over_threshold=table["followed_rms_ratio"] / large_ratio,
        depth=table["layer"] / table["layer"].max(),
        stands_out=most_prominent(table["largest_over_median_active"], table["epoch"]),
    )


def most_prominent(prominence: pd.Series, groups: pd.Series | list[pd.Series]) -> pd.Series:
    """Whether a row has the largest value of `prominence` in its group, the first one if several have it.

    Missing values count as smaller than every number. In a group without numbers it is the first row.
    """
    first = prominence.fillna(-1).groupby(groups, sort=False).idxmax()
    return pd.Series(prominence.index.isin(first), prominence.index)


def largest_over_second(table: pd.DataFrame) -> pd.Series:
    """Ratio of the largest to the second largest activation, at least 1; missing if the second is 0.

    `table` is the table OUTLIERS.
    """
    second = table["second_largest_activation"]
    return table["largest_activation"] / second.where(second > 0)


def layers_that_stand_out(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the layers that stand out, one per epoch in ascending order. `table` is the table OUTLIERS."""
    return table[table["stands_out"]].sort_values("epoch")


def large_neuron(table: pd.DataFrame) -> tuple[int, int]:
    """Layer and number of the large neuron at the last epoch, in the layer that stands out then.

    `table` is the table OUTLIERS of one run.
    """
    last = layers_that_stand_out(table).iloc[-1]
    return int(last["layer"]), int(last["neuron"])


def _describe_layer(block: pd.DataFrame, massive_value: float, massive_ratio: float) -> dict:
    """The row of OUTLIERS for one epoch and layer, without its keys and without what compares layers."""
    from scipy import stats  # imported here because readers of the schema may lack SciPy

    activations = block["max"].to_numpy(np.float64)
    large = int(np.argmax(activations))
    largest = activations[large]
    median_active = float(block["layer_median_active"].iloc[0])
    return {
        "neuron": block["neuron"].iloc[large],
        "largest_activation": largest,
        "second_largest_activation": np.partition(activations, -2)[-2] if len(activations) > 1 else np.nan,
        "largest_over_median_neuron": _ratio(largest, np.median(activations)),
        "largest_over_median_active": _ratio(largest, median_active),
        "massive": bool(largest > massive_value and largest >= massive_ratio * median_active),
        "kurtosis": stats.kurtosis(activations) if np.ptp(activations) > 0 else np.nan,
        "argmax_share": block["layer_argmax_share"].iloc[large],
    }


def _followed_neurons(neurons: pd.DataFrame) -> dict[int, int]:
    """The neuron of each layer with the largest activation at the last epoch; the first one if several have it."""
    last = neurons[neurons["epoch"] == neurons["epoch"].max()].reset_index(drop=True)
    rows = last.loc[last.groupby("layer")["max"].idxmax()]
    return dict(zip(rows["layer"], rows["neuron"], strict=True))


def _describe_ratios(block: pd.DataFrame, followed: int) -> dict:
    """The ratios to the root mean square of the large and of the followed neuron at one epoch and layer."""
    ratio = block["rms_ratio"].to_numpy(np.float64)
    mean, std = block["mean"].to_numpy(np.float64), block["std"].to_numpy(np.float64)
    squares = mean**2 + std**2  # mean over samples of each neuron's square
    large = int(np.argmax(block["max"]))
    at = int(np.flatnonzero(block["neuron"] == followed)[0])

    def of_means(neuron: int) -> float:
        others = np.delete(squares, neuron)
        return _ratio(mean[neuron], np.sqrt(others.mean())) if len(others) else np.nan

    return {
        "rms_ratio": ratio[large],
        "rms_ratio_of_means": of_means(large),
        "followed_neuron": followed,
        "followed_rms_ratio": ratio[at],
        "followed_rms_ratio_of_means": of_means(at),
    }


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else np.nan
