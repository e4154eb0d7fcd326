"""The large neuron of each layer, compared with NumPy one layer at a time."""

import numpy as np
import pandas as pd
import pytest

from epochwise.analysis.outliers import OUTLIERS, large_neuron, layers_that_stand_out, most_prominent, outliers

RATIOS = (
    "rms_ratio", "rms_ratio_of_means", "followed_rms_ratio", "followed_rms_ratio_of_means", "ratio_over_threshold",
)  # fmt: skip


def layer(activations, median=1.0, share=None, epoch=0, number=1):
    return pd.DataFrame(
        {
            "epoch": epoch,
            "layer": number,
            "neuron": np.arange(len(activations)),
            "max": np.array(activations, np.float32),
            "layer_argmax_share": np.zeros(len(activations)) if share is None else share,
            "mean": np.array(activations, np.float32) / 2,
            "std": np.array(activations, np.float32) / 4,
            "rms_ratio": np.array(activations, np.float32) * 3 if len(activations) > 1 else np.nan,
            "layer_median_active": median,
        }
    )


def test_every_measure_of_every_layer(random):
    activations = {(epoch, number): random.exponential(size=9) for epoch in (0, 5) for number in (1, 2)}
    shares, medians = random.dirichlet(np.ones(9), 4), random.random(4)
    blocks = [layer(p, m, s, *key) for (key, p), m, s in zip(activations.items(), medians, shares, strict=True)]
    found = outliers(pd.concat(blocks), 100, 1000, 10)
    assert set(found.columns) == set(OUTLIERS.names)
    assert list(zip(found["epoch"], found["layer"], strict=True)) == list(activations)
    for (_, row), p, median, share in zip(found.iterrows(), activations.values(), medians, shares, strict=True):
        ordered = np.sort(p)[::-1]
        assert row["neuron"] == p.argmax() and row["argmax_share"] == share[p.argmax()]
        assert row["largest_activation"] == pytest.approx(ordered[0]) and row[
            "second_largest_activation"
        ] == pytest.approx(ordered[1])
        assert row["largest_over_median_neuron"] == pytest.approx(ordered[0] / ordered[4])
        assert row["largest_over_median_active"] == pytest.approx(ordered[0] / median)
        moments = [np.mean((p - p.mean()) ** k) for k in (2, 4)]
        assert row["kurtosis"] == pytest.approx(moments[1] / moments[0] ** 2 - 3)


def test_the_ratio_is_that_of_the_large_neuron_and_of_the_one_that_is_large_at_the_end(random):
    """Activations of 4 neurons on 50 samples; their statistics as the table NEURONS has them."""
    samples = {(epoch, number): random.exponential(size=(50, 4)) for epoch in (0, 7) for number in (1, 2)}
    for (epoch, number), a in samples.items():
        a[:, number if epoch else 3] += 20  # the large neuron: 3 at first, then the layer's number
    blocks = []
    for (epoch, number), a in samples.items():
        ratios = [np.mean(a[:, j] / np.sqrt(np.mean(np.delete(a, j, 1) ** 2, axis=1))) for j in range(4)]
        columns = {"mean": a.mean(0), "std": a.std(0), "rms_ratio": ratios}
        blocks.append(layer(a.max(0), epoch=epoch, number=number).assign(**columns))
    found = outliers(pd.concat(blocks), 100, 1000, 8).set_index(["epoch", "layer"])
    for (epoch, number), a in samples.items():
        row = found.loc[epoch, number]
        assert row["followed_neuron"] == number and row["neuron"] == (number if epoch else 3)
        for prefix, j in (("", row["neuron"]), ("followed_", number)):
            others = np.delete(a, j, 1)
            expected = np.mean(a[:, j] / np.sqrt(np.mean(others**2, axis=1)))
            assert row[f"{prefix}rms_ratio"] == pytest.approx(expected)
            assert row[f"{prefix}rms_ratio_of_means"] == pytest.approx(a[:, j].mean() / np.sqrt(np.mean(others**2)))
        assert row["ratio_over_threshold"] == pytest.approx(row["followed_rms_ratio"] / 8)


@pytest.mark.parametrize(
    ("largest", "median", "massive"),
    [(101, 0.1, True), (100, 0.1, False), (101, 0.102, False), (500, 0.5, True), (500, 0.6, False), (99, 1e-6, False)],
)
def test_massive_is_above_100_and_at_least_1000_times_the_median(largest, median, massive):
    assert outliers(layer([1, largest], median), 100, 1000, 10).loc[0, "massive"] == massive


def test_two_equal_maxima_are_no_single_large_activation():
    row = outliers(layer([1, 8, 8]), 100, 1000, 10).iloc[0]
    assert (row["neuron"], row["largest_activation"], row["second_largest_activation"]) == (1, 8, 8)


@pytest.mark.parametrize(
    ("block", "missing"),
    [
        (layer([3.0]), {"second_largest_activation", "kurtosis", *RATIOS}),
        (
            layer([0.0, 0.0], np.nan).assign(rms_ratio=np.nan),
            {"largest_over_median_neuron", "largest_over_median_active", "kurtosis", *RATIOS},
        ),
        (layer([0.0, 0.0, 2.0]), {"largest_over_median_neuron", "rms_ratio_of_means", "followed_rms_ratio_of_means"}),
    ],
    ids=["one neuron", "silent layer", "most neurons silent"],
)
def test_measures_that_a_layer_cannot_have_are_missing(block, missing):
    row = outliers(block, 100, 1000, 10).iloc[0]
    assert set(row.index[row.isna()]) == missing
    assert not row["massive"]


def test_one_layer_per_epoch_stands_out():
    activations = {
        (0, 1): (3, 1), (0, 2): (8, 2), (0, 3): (1, 1), (0, 4): (1, 1),  # 3 and 4 times the median
        (5, 1): (9, 1), (5, 2): (8, 1), (5, 3): (1, 1), (5, 4): (10, 1),
        (7, 1): (0, np.nan), (7, 2): (2, 1), (7, 3): (1, 1), (7, 4): (1, 1),  # layer 1 is silent
    }  # fmt: skip
    blocks = [layer([0.5 * largest, largest], median, None, *key) for key, (largest, median) in activations.items()]
    found = outliers(pd.concat(blocks).sample(frac=1, random_state=3), 100, 1000, 10)
    chosen = layers_that_stand_out(found.sample(frac=1, random_state=4))
    assert large_neuron(found.sample(frac=1, random_state=5)) == (2, 1)  # at epoch 7
    assert list(zip(chosen["epoch"], chosen["layer"], strict=True)) == [(0, 2), (5, 4), (7, 2)]
    assert found.groupby("layer")["depth"].unique().map(list).tolist() == [[0.25], [0.5], [0.75], [1.0]]


def test_the_first_of_equals_is_the_most_prominent_and_a_group_without_numbers_marks_its_first():
    table = pd.DataFrame(
        {"group": [0, 0, 0, 1, 1, 2, 2], "value": [1.0, 5.0, 5.0, np.nan, np.nan, np.nan, 0.1]}, index=range(10, 17)
    )
    marked = most_prominent(table["value"], table["group"])
    assert marked[marked].index.tolist() == [11, 13, 16]
