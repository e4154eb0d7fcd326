"""Measures of layers compared with independent computations, their nulls, and similarity by CKA."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from epochwise.activations import measuring
from epochwise.activations.auc import auc
from epochwise.activations.layer import Layer, with_permutations
from epochwise.activations.measures import collapse, neighbours, probes, rank
from epochwise.activations.measuring import GRAM_BATCHES, GRAM_SAMPLES, grams
from epochwise.analysis.similarity import COLUMNS, cka, similarity, unbiased_hsic
from epochwise.findings.summarize import SCHEMAS, summarize
from epochwise.training.mlp import MLP, initialize

SEED = st.integers(0, 2**31 - 1)
SETTINGS = {"folds": 5, "ridge": 0.1, "neighbours": 3, "seed": 0}


def labels_of(random, samples=120, classes=4, rate=0.3):
    true = random.integers(0, classes, samples)
    noisy = random.random(samples) < rate
    return true, np.where(noisy, (true + random.integers(1, classes, samples)) % classes, true)


def layer_of(seed, permutations=3, signal=0.0, neurons=6):
    """Activations that show the true class, and with `signal` also which samples are noisy."""
    random = np.random.default_rng(seed)
    true, wrong = labels_of(random)
    activations = random.normal(size=(len(true), neurons)) + 2 * np.eye(4, neurons)[true]
    activations[:, -1] += signal * (true != wrong)
    return Layer(activations, true, with_permutations(true, wrong, permutations, seed), 4)


# -- the null ----------------------------------------------------------------------------------------------------------


@given(SEED, st.integers(0, 5))
def test_a_permutation_keeps_how_often_each_class_carries_each_label(seed, permutations):
    true, wrong = labels_of(np.random.default_rng(seed))
    rows = with_permutations(true, wrong, permutations, seed)
    np.testing.assert_array_equal(rows[0], wrong)
    assert rows.shape == (1 + permutations, len(true))
    for row in rows:
        for label in range(4):
            np.testing.assert_array_equal(np.sort(row[true == label]), np.sort(wrong[true == label]))


def test_marks_without_information_lie_in_the_range_of_twenty_permutations_as_often_as_each_of_them():
    inside = dict.fromkeys(("probe_noisy", "neighbours_given", "collapse_nc1_given"), 0)
    for seed in range(100):
        layer = layer_of(seed, permutations=20)
        found = {
            **probes.values(layer, SETTINGS),
            **neighbours.values(layer, SETTINGS),
            **collapse.values(layer, SETTINGS),
        }
        for name in inside:
            value, *null = found[name]
            inside[name] += min(null) <= value <= max(null)
    # 21 values in random order: the first is an extreme one in 2 of 21 cases, 9.5 of 100, deviation 2.9.
    assert all(100 - 9.5 - 4 * 2.9 <= count <= 100 for count in inside.values()), inside


def test_marks_that_the_layer_shows_lie_above_their_null():
    found = probes.values(layer_of(0, permutations=20, signal=3.0), SETTINGS)["probe_noisy"]
    assert found[0] > 0.9 and found[1:].max() < 0.75


# -- each measure ------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=15)
@given(SEED)
def test_probes_are_ridge_regressions_label_set_by_label_set(seed):
    layer = layer_of(seed % 1000, signal=1.0)
    found = probes.values(layer, SETTINGS)
    for row, labels in enumerate(layer.given):
        noisy = labels != layer.true
        score, hits = np.zeros(len(noisy)), {"probe_true": np.zeros(len(noisy)), "probe_given": np.zeros(len(noisy))}
        for fitted, left in KFold(5, shuffle=True, random_state=0).split(noisy):
            inputs = layer.activations[fitted]
            model = Ridge(0.1 * len(fitted) * np.mean(np.var(inputs, axis=0)))
            score[left] = model.fit(inputs, 2.0 * noisy[fitted] - 1).predict(layer.activations[left])
            for name, wanted in (("probe_true", layer.true), ("probe_given", labels)):
                model.fit(inputs, 2.0 * (wanted[fitted, None] == np.arange(4)) - 1)
                hits[name][left] = model.predict(layer.activations[left]).argmax(1) == wanted[left]
        assert found["probe_noisy"][row] == pytest.approx(roc_auc_score(noisy, score), abs=1e-9)
        for name, values in hits.items():
            assert found[name][row] == pytest.approx(values[noisy].mean(), abs=1e-9)


def test_the_auc_by_hand_and_without_one_of_the_groups():
    # Of the four pairs of a positive and a negative, two are in order, one is tied, one is not.
    assert auc(np.array([3.0, 1.0, 2.0, 1.0]), np.array([True, True, False, False])) == 2.5 / 4
    assert np.isnan(auc(np.arange(3.0), np.zeros(3, bool)))


@settings(deadline=None, max_examples=15)
@given(SEED)
def test_neighbours_are_those_of_the_sorted_distances(seed):
    layer = layer_of(seed % 1000)
    distance = cdist(layer.activations, layer.activations, "cosine")
    np.fill_diagonal(distance, np.inf)
    classes = layer.true[np.argsort(distance, axis=1)[:, :3]]
    found = neighbours.values(layer, SETTINGS)
    for row, labels in enumerate(layer.given):
        noisy = np.flatnonzero(labels != layer.true)
        assert found["neighbours_true"][row] == pytest.approx(np.mean([classes[i] == layer.true[i] for i in noisy]))
        assert found["neighbours_given"][row] == pytest.approx(np.mean([classes[i] == labels[i] for i in noisy]))


@settings(deadline=None, max_examples=30)
@given(SEED, st.integers(2, 5))
def test_collapse_is_the_formula_with_whole_matrices(seed, classes):
    random = np.random.default_rng(seed)
    activations, labels = random.normal(size=(60, 7)), random.permutation(np.arange(60) % classes)
    means = np.stack([activations[labels == c].mean(0) for c in range(classes)])
    centred = means - means.mean(0)
    between = sum(np.outer(m, m) for m in centred) / classes
    within = sum(np.outer(a - means[c], a - means[c]) for a, c in zip(activations, labels, strict=True)) / 60
    nc1 = np.trace(within @ np.linalg.pinv(between, rcond=1e-9)) / classes
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    nc2 = np.mean([abs(unit[i] @ unit[j] + 1 / (classes - 1)) for i in range(classes) for j in range(i)])
    np.testing.assert_allclose(collapse.collapse(activations, labels, classes), (nc1, nc2), rtol=1e-6, atol=1e-9)


def test_collapse_is_zero_for_a_simplex_and_missing_for_one_class():
    simplex = np.repeat(np.eye(3), 4, axis=0)
    np.testing.assert_allclose(collapse.collapse(simplex, np.repeat([0, 1, 2], 4), 3), (0, 0), atol=1e-12)
    assert np.isnan(collapse.collapse(simplex, np.zeros(12, int), 3)).all()


@given(SEED, st.integers(1, 8), st.integers(2, 30))
def test_ranks_are_those_of_the_singular_values(seed, neurons, samples):
    activations = np.random.default_rng(seed).normal(size=(samples, neurons))
    layer = Layer(activations, np.zeros(samples, int), np.zeros((1, samples), int), 1)
    singular = np.linalg.svd(activations - activations.mean(0), compute_uv=False)
    share = singular / singular.sum()
    share = share[share > 1e-12]
    found = rank.values(layer, SETTINGS)
    assert found["effective_rank"][0] == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-4)
    assert found["participation_ratio"][0] == pytest.approx((singular**2).sum() ** 2 / (singular**4).sum(), rel=1e-6)


def test_the_ranks_of_equal_directions_are_their_number():
    activations = np.concatenate([np.eye(4), -np.eye(4)])
    layer = Layer(activations, np.zeros(8, int), np.zeros((1, 8), int), 1)
    assert [found[0] for found in rank.values(layer, SETTINGS).values()] == pytest.approx([4, 4])
    assert np.isnan([found[0] for found in rank.values(Layer(np.ones((5, 3)), *[None] * 3), SETTINGS).values()]).all()


# -- similarity --------------------------------------------------------------------------------------------------------


def batches_of(values):
    flat = np.stack([row["gram"] for row in grams(values)]).astype(float)
    return flat.reshape(-1, GRAM_SAMPLES, GRAM_SAMPLES)


@settings(deadline=None, max_examples=20)
@given(SEED)
def test_cka_is_one_for_rotated_scaled_and_shifted_copies(seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(GRAM_BATCHES * GRAM_SAMPLES, 5))
    rotation, _ = np.linalg.qr(random.normal(size=(5, 5)))
    assert cka(batches_of(values), batches_of(3 * values @ rotation + 0.5)) == pytest.approx(1, abs=1e-4)


def test_cka_of_independent_layers_is_zero_on_average_and_the_biased_one_is_not():
    random = np.random.default_rng(0)
    found, biased = [], []
    centre = np.eye(GRAM_SAMPLES) - 1 / GRAM_SAMPLES
    for _ in range(60):
        one, other = (batches_of(random.normal(size=(2 * GRAM_SAMPLES, 40))) for _ in range(2))
        found.append(cka(one, other))
        a, b = centre @ one[0] @ centre, centre @ other[0] @ centre
        biased.append(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b)))
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(60) and np.mean(biased) > 0.2


def test_unbiased_hsic_is_the_average_over_four_different_samples():
    """By its definition: the expectation of k(i,j)·[l(i,j) + l(q,r) − 2·l(i,q)] over different i, j, q, r."""
    random = np.random.default_rng(1)
    first, second = random.normal(size=(6, 2)), random.normal(size=(6, 3))
    k, l = first @ first.T, second @ second.T  # noqa: E741
    n = range(6)
    terms = [
        k[i, j] * (l[i, j] + l[q, r] - 2 * l[i, q])
        for i in n
        for j in n
        for q in n
        for r in n
        if len({i, j, q, r}) == 4
    ]
    assert float(unbiased_hsic(k[None], l[None])[0]) == pytest.approx(np.mean(terms))


def gram_table(layers):
    """The table GRAMS of {(seed, epoch, layer): activations}."""
    return pd.DataFrame(
        [
            {"seed": seed, "epoch": epoch, "layer": layer, **row}
            for (seed, epoch, layer), values in layers.items()
            for row in grams(values)
        ]
    )


def test_layers_epochs_and_seeds_are_compared_one_at_a_time():
    random = np.random.default_rng(2)
    keys = [(seed, epoch, layer) for seed in (1, 5) for epoch in (0, 9) for layer in (1, 2, 3)]
    layers = {key: random.normal(size=(2 * GRAM_SAMPLES, 4)) for key in keys}
    found = similarity(gram_table(layers))
    assert tuple(found.columns) == COLUMNS
    assert found["kind"].value_counts().to_dict() == {"layers": 2 * 2 * 3, "epochs": 2 * 3, "seeds": 2 * 3}
    row = found[(found["kind"] == "seeds") & (found["epoch"] == 9) & (found["layer"] == 2)].iloc[0]
    assert (row["seed"], row["other_seed"], row["other_epoch"], row["other_layer"]) == (1, 5, 9, 2)
    assert row["cka"] == pytest.approx(cka(batches_of(layers[1, 9, 2]), batches_of(layers[5, 9, 2])))


def test_similarities_over_seeds_have_intervals_and_those_of_pairs_do_not_and_measures_have_a_null():
    random = np.random.default_rng(3)
    keys = [(seed, epoch, layer) for seed in (0, 1, 2) for epoch in (0, 9) for layer in (1, 2)]
    grams_of_runs = gram_table({key: random.normal(size=(GRAM_SAMPLES, 4)) for key in keys})
    measures = pd.DataFrame(
        [
            {"seed": s, "epoch": 5, "layer": 1, "measure": "probe_noisy", "value": 0.5 + s, "null_mean": s}
            | {"null_low": s - 1, "null_high": np.nan}
            for s in (0, 1, 2)
        ]
    )
    tables = {name: t.assign(noise="n", model="m") for name, t in (("grams", grams_of_runs), ("measures", measures))}
    found = summarize("measures", tables, {"level": 0.95})
    of_pairs = found["similarity"]["kind"] == "seeds"
    assert (found["similarity"]["n"] == 3).all()
    assert (found["similarity"]["low"].isna() == of_pairs).all() and 0 < of_pairs.sum() < len(of_pairs)
    [row] = found["measures"].to_dict("records")
    assert (row["mean"], row["n"], row["null_mean"], row["null_low"]) == (1.5, 3, 1.0, 0.0)
    assert np.isnan(row["null_high"])
    nothing = summarize("measures", {name: table.head(0) for name, table in tables.items()}, {"level": 0.95})
    for name in ("measures", "similarity"):
        assert nothing[name].empty and found[name].columns.tolist() == SCHEMAS[name].names
        assert nothing[name].columns.tolist() == SCHEMAS[name].names


def test_a_network_that_tapers_is_measured_layer_by_layer(monkeypatch, random):
    model = MLP(8, [12, 7, 4], 4)
    initialize(model, "he", 0)
    scaling = SimpleNamespace(apply=lambda pixels: pixels.astype(np.float32) / 255 - 0.5)
    monkeypatch.setattr(measuring.snapshots, "load", lambda folder, epoch: (model, scaling))
    monkeypatch.setattr(measuring, "epochs_in", lambda folder: [0])
    true, wrong = labels_of(random)
    images = SimpleNamespace(pixels=random.integers(0, 256, (len(true), 8), np.uint8), class_names=list("abcd"))
    labels = pd.DataFrame({"index": range(len(true)), "true_label": true, "given_label": wrong})
    options = SETTINGS | {"names": ["rank", "cka"], "samples": len(true), "permutations": 1, "stride": 1}
    written = {"measures": [], "grams": []}
    measuring.measure_run("", images, labels, options, lambda name, rows: written[name].append(rows))
    found = pd.concat(written["measures"]).set_index(["layer", "measure"])["value"]
    with torch.no_grad():
        hidden = model.activations(torch.from_numpy(scaling.apply(images.pixels)))[0]
    for number, activations in enumerate(hidden, start=1):
        layer = Layer(activations.double().numpy(), true, true[None], 4)
        for name, values in rank.values(layer, options).items():
            assert found[number, name] == pytest.approx(values[0])
    kernels = pd.concat(written["grams"]).query("batch == 0")
    assert kernels["layer"].tolist() == [1, 2, 3]
    assert {len(values) for values in kernels["gram"]} == {GRAM_SAMPLES**2}  # whatever the width
