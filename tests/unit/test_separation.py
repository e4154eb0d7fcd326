"""Measures of separation, compared with SciPy one class at a time and with cases worked by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cosine as distance

from epochwise.activations.cosine import cosine
from epochwise.analysis.separation import (
    MEAN_OVER_CLASSES,
    SEPARATION,
    SEPARATION_MEASURES,
    Signals,
    separation,
)

SUBSETS = ("clean", "noisy", "clean_a", "clean_b")
NAMES = [measure.name for measure in SEPARATION_MEASURES]
BLOCK = ["epoch", "layer", "grouping", "class"]


def class_means(means, n=None, epoch=0, layer=1, grouping="true"):
    """The table for {subset: {class: mean}}; 10 samples each, except those in `n` = {(subset, class): n}."""
    n = n or {}
    return pd.DataFrame(
        [
            {"epoch": epoch, "layer": layer, "grouping": grouping, "subset": subset, "class": c,
             "n": n.get((subset, c), 10), "mean": mean}
            for subset, by_class in means.items()
            for c, mean in by_class.items()
        ]
    )  # fmt: skip


def neurons(mean, peak, epoch=0, layer=1):
    return pd.DataFrame({"epoch": epoch, "layer": layer, "neuron": np.arange(len(peak)), "max": peak, "mean": mean})


def wide(found):
    """One row per epoch, layer, grouping and class, and one column per measure."""
    assert set(found.columns) == set(SEPARATION.names) and not found.duplicated([*BLOCK, "measure"]).any()
    return found.pivot(index=BLOCK, columns="measure", values="value").reset_index()


def one_class(clean, noisy, mean, peak):
    """The measures of a single class whose halves are equal."""
    means = {"clean": {0: clean}, "noisy": {0: noisy}, "clean_a": {0: clean}, "clean_b": {0: clean}}
    found = separation(class_means(means), neurons(mean, peak), 1)
    return wide(found).set_index("class").loc[0]


def test_every_measure_equals_scipy_for_every_epoch_layer_grouping_and_class(random):
    width, means, layers = 5, {}, {}
    tables = []
    for epoch in (0, 3):
        for layer in (1, 2):
            layers[epoch, layer] = random.random(width), random.random(width)
            for grouping in ("true", "given"):
                block = {subset: {c: random.random(width) for c in range(3)} for subset in SUBSETS}
                means[epoch, layer, grouping] = block
                tables.append(class_means(block, None, epoch, layer, grouping))
    test = class_means({"test": {c: random.random(width) for c in (2, 3)}})  # not part of any measure
    all_neurons = pd.concat([neurons(*values, *key) for key, values in layers.items()])
    found = separation(pd.concat([*tables, test]).sample(frac=1, random_state=0), all_neurons.sample(frac=1), 2)

    assert len(found) == 2 * 2 * 2 * 4 * len(NAMES)
    found = wide(found).set_index(BLOCK)
    for (epoch, layer, grouping), block in means.items():
        mean, peak = layers[epoch, layer]
        kept = [neuron for neuron in range(width) if peak[neuron] < peak.max()]
        for c in range(3):
            clean, noisy, a, b = (block[subset][c] for subset in SUBSETS)
            row = found.loc[(epoch, layer, grouping, c)]
            assert row["cosine"] == pytest.approx(1 - distance(clean, noisy))
            assert row["cosine_centred"] == pytest.approx(1 - distance(clean - mean, noisy - mean))
            assert row["cosine_without_large"] == pytest.approx(1 - distance(clean[kept], noisy[kept]))
            assert row["split_half"] == pytest.approx(1 - distance(a, b))
        for measure in NAMES:
            of_classes = [found.loc[(epoch, layer, grouping, c), measure] for c in range(3)]
            assert found.loc[(epoch, layer, grouping, MEAN_OVER_CLASSES), measure] == pytest.approx(sum(of_classes) / 3)


@pytest.mark.parametrize(
    ("clean", "noisy", "expected"),
    [((1, 0), (2, 0), 1), ((1, 0), (0, 3), 0), ((1, 0), (1, 1), np.sqrt(0.5)), ((3, 4), (4, 3), 0.96)],
)
def test_cosines_worked_by_hand(clean, noisy, expected):
    assert one_class(clean, noisy, (0, 0), (1, 1))["cosine"] == pytest.approx(expected)


def test_centring_turns_a_common_direction_into_opposites():
    row = one_class((10, 11), (11, 10), (10.5, 10.5), (1, 1))
    assert row["cosine"] == pytest.approx(220 / 221)
    assert row["cosine_centred"] == pytest.approx(-1)


def test_the_large_neuron_hides_separation_and_leaving_it_out_shows_it():
    row = one_class((1, 100, 0), (0, 100, 1), (0, 0, 0), (9, 500, 8))
    assert row["cosine"] == pytest.approx(10_000 / 10_001)
    assert row["cosine_without_large"] == 0
    assert one_class((1, 100, 0), (0, 100, 1), (0, 0, 0), (900, 500, 8))["cosine_without_large"] > 0.99


THREE_CLASSES = {
    "clean": {0: (1, 0), 1: (1, 0), 2: (1, 0)},
    "noisy": {0: (1, 0), 1: (3, 4), 2: (0, 1)},
    "clean_a": {0: (1, 0), 1: (1, 0), 2: (1, 0)},
    "clean_b": {0: (4, 3), 1: (3, 4), 2: (1, 0)},
}


def test_a_class_with_too_few_samples_is_missing_named_and_left_out_of_the_mean():
    table = class_means(THREE_CLASSES, {("noisy", 1): 2, ("clean_b", 1): 2, ("noisy", 2): 3, ("clean_b", 2): 3})
    with pytest.warns(UserWarning, match=r"class 1 has 2 noisy samples by its true label.*min_samples = 3") as warned:
        found = separation(table, neurons((0, 0), (1, 2)), 3)
    assert len(warned) == 1
    found = wide(found).set_index("class")
    assert found.loc[1, NAMES].isna().all()
    assert found.loc[MEAN_OVER_CLASSES, "cosine"] == pytest.approx((1 + 0) / 2)
    assert found.loc[MEAN_OVER_CLASSES, "split_half"] == pytest.approx((0.8 + 1) / 2)


def test_halves_that_are_too_small_leave_the_other_measures_alone():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = separation(class_means(THREE_CLASSES, {("clean_a", 0): 1}), neurons((0, 0), (1, 2)), 2)
    found = wide(found).set_index("class")
    assert np.isnan(found.loc[0, "split_half"]) and found.loc[0, "cosine"] == 1
    assert found.loc[MEAN_OVER_CLASSES, "split_half"] == pytest.approx((0.6 + 1) / 2)


def test_without_noisy_data_there_is_no_separation():
    means = {subset: dict.fromkeys(range(3), (1, 2)) for subset in ("clean", "clean_a")}
    means |= {subset: dict.fromkeys(range(3)) for subset in ("noisy", "clean_b")}
    empty = {(subset, c): 0 for subset in ("noisy", "clean_b") for c in range(3)}
    with pytest.warns(UserWarning, match=r"class [012] has 0 noisy samples") as warned:
        found = separation(class_means(means, empty), neurons((0, 0), (1, 2)), 1)
    assert len(warned) == 3
    assert set(found["class"]) == {0, 1, 2, MEAN_OVER_CLASSES} and len(found) == 4 * len(NAMES)
    assert found["value"].isna().all()


def test_a_silent_layer_has_no_cosine():
    assert np.isnan(cosine(np.zeros(3), np.ones(3)))
    assert np.isnan(one_class((0, 0), (0, 0), (0, 0), (0, 0))["cosine"])


@pytest.mark.parametrize("measure", SEPARATION_MEASURES, ids=NAMES)
def test_every_measure_stays_within_the_range_that_it_states(random, measure):
    signals = [random.normal(size=(40, 6)) * 10.0 ** random.integers(-3, 4, size=(40, 1)) for _ in SUBSETS]
    values = measure.formula(Signals(*signals, layer_mean=random.normal(size=6), large=2))
    assert values.shape == (40,) and measure.description
    assert measure.low - 1e-9 <= values.min() and values.max() <= measure.high + 1e-9
