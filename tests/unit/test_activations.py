"""Statistics gathered batch by batch, against NumPy on the full matrix of activations."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from epochwise.activations import extraction
from epochwise.training.mlp import MLP, initialize
from epochwise.workflow import tables

N, CLASSES, LAYERS = 37, 3, 2
BATCHES = [1, 5, 16, 37, 100]
INDICES = 1000 - 3 * np.arange(N, dtype=np.int32)  # rows of the data set that the samples stand for


def network(seed):
    model = MLP(4, LAYERS, 6, CLASSES)
    initialize(model, "pytorch", seed)
    return model.requires_grad_(False)


def full_matrices(model, inputs):
    """Activations (N, H) of layers 1..L and logits, in double precision."""
    signals, hidden = inputs.double().numpy(), []
    for linear in model.layers:
        signals = signals @ linear.weight.double().numpy().T + linear.bias.double().numpy()
        if linear is not model.layers[-1]:
            signals = np.maximum(signals, 0)
            hidden.append(signals)
    return dict(enumerate(hidden, start=1)), signals


@pytest.fixture
def inputs():
    return torch.randn(N, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def labels(random):
    true = random.integers(0, CLASSES, N)
    given_labels = true.copy()
    given_labels[:12] = (true[:12] + random.integers(1, CLASSES, 12)) % CLASSES
    return true, given_labels


@pytest.fixture
def groups(labels):
    return extraction.groups_of_training(*labels, CLASSES, 0)


@pytest.mark.parametrize("batch_size", BATCHES)
def test_neurons_equal_the_full_matrix(inputs, groups, batch_size):
    model = network(1)
    statistics, logits, _ = extraction.layer_statistics(model, inputs, groups, batch_size)
    hidden, expected_logits = full_matrices(model, inputs)
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-5, atol=1e-6)
    assert len(statistics) == LAYERS
    for layer, statistic in enumerate(statistics, start=1):
        full, found = hidden[layer], statistic.neurons(INDICES)
        expected = {
            "neuron": range(6),
            "max": full.max(0),
            "mean": full.mean(0),
            "std": full.std(0),
            "active_share": (full > 0).mean(0),
            "argmax_index": INDICES[full.argmax(0)],
            "layer_argmax_share": [(full.argmax(1) == neuron).mean() for neuron in range(6)],
        }
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("batch_size", BATCHES)
def test_group_means_equal_the_full_matrix(inputs, labels, groups, batch_size):
    true, given_labels = labels
    model = network(2)
    statistics, _, _ = extraction.layer_statistics(model, inputs, groups, batch_size)
    hidden, _ = full_matrices(model, inputs)
    for layer, statistic in enumerate(statistics, start=1):
        means = extraction.means(statistic.group_sums, groups.sizes)
        for key, mean, size in zip(groups.keys, means, groups.sizes, strict=True):
            if key["subset"] in ("clean", "noisy"):
                label = true if key["grouping"] == "true" else given_labels
                wanted = (label == key["class"]) & ((true == given_labels) == (key["subset"] == "clean"))
                assert size == wanted.sum()
                np.testing.assert_allclose(mean, hidden[layer][wanted].mean(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", BATCHES)
def test_the_large_neuron_has_the_largest_activation_and_is_traced_over_all_samples(inputs, groups, batch_size):
    model = network(3)
    hidden, _ = full_matrices(model, inputs)
    large = extraction.large_neurons(model, inputs, batch_size)
    assert large == {layer: full.max(0).argmax() for layer, full in hidden.items()}
    _, _, traced = extraction.layer_statistics(model, inputs, groups, batch_size, large)
    assert traced.keys() == large.keys()
    for layer, full in hidden.items():
        np.testing.assert_allclose(traced[layer], full[:, large[layer]], rtol=1e-5, atol=1e-6)


def gather(matrix, batch_size):
    """The statistics of a hand-made matrix of activations, without groups."""
    values = torch.tensor(matrix, dtype=torch.float32)
    statistic = extraction.LayerStatistics(values.shape[1], 0)
    for batch in values.split(batch_size):
        statistic.update(batch, torch.zeros(0, len(batch)))
    return statistic


@pytest.mark.parametrize("batch_size", [1, 2, 3, 6])
def test_of_equal_peaks_the_first_sample_is_named_and_a_silent_neuron_has_peak_0(batch_size):
    found = gather([[1, 0, 5], [7, 0, 2], [7, 0, 5], [0, 0, 0], [7, 0, 1], [2, 0, 5]], batch_size).neurons(
        np.array([40, 10, 30, 20, 60, 50])
    )
    assert found["max"].tolist() == [7, 0, 5]
    assert found["argmax_index"].tolist() == [10, 40, 40]
    assert found["active_share"].tolist() == pytest.approx([5 / 6, 0, 5 / 6])


@pytest.mark.parametrize("value", [0.1, 0.7, 1.1])
def test_a_constant_neuron_has_no_deviation_rather_than_an_undefined_one(value):
    assert gather([[value]] * 10, 3).neurons(np.arange(10))["std"] == pytest.approx(0, abs=1e-3)


def test_an_empty_group_has_no_mean(inputs):
    groups = extraction.groups_of_test(np.zeros(N, int), CLASSES)
    sums = extraction.group_sums(network(0), inputs, groups, 10)
    first, *empty = extraction.means(sums[0], groups.sizes)
    assert len(first) == 6 and empty == [None, None]


def test_the_deviation_of_a_neuron_far_from_0_is_kept(random):
    values = (1000 + 0.1 * random.normal(size=(2048, 1))).astype(np.float32)
    found = gather(values, 2048).neurons(np.arange(2048))["std"]
    assert found == pytest.approx(values.std(dtype=np.float64), rel=0.01)


# -- median ------------------------------------------------------------------------------------------------------------

POSITIVE = st.floats(2.0**-120, 2.0**120, width=32)


def median_of(values):
    return gather([[value] for value in values], 7).median_active()


@given(st.lists(POSITIVE, min_size=1, max_size=40), st.integers(0, 10), st.randoms())
def test_the_median_of_an_odd_number_of_positive_activations(values, zeros, order):
    values = values[len(values) % 2 == 0 :]
    mixed = values + [0.0] * zeros
    order.shuffle(mixed)
    assert median_of(mixed) == pytest.approx(np.median(values), rel=2**-12)


@given(st.lists(POSITIVE, min_size=2, max_size=40))
def test_the_median_of_an_even_number_of_positive_activations(values):
    values = values[len(values) % 2 :]
    assert median_of(values) == pytest.approx(np.median(np.array(values, np.float64)), rel=2**-12)


def test_the_median_of_many_activations(random):
    values = random.exponential(size=(3000, 5)) * (random.random((3000, 5)) < 0.4)
    assert gather(values, 700).median_active() == pytest.approx(np.median(values[values > 0]), rel=2**-11)


def test_a_negative_zero_is_a_zero():
    found = gather([[-0.0, 2.0], [4.0, -0.0]], 1)
    assert found.median_active() == pytest.approx(3, rel=2**-11)
    assert found.neurons(np.arange(2))["active_share"].tolist() == [0.5, 0.5]


def test_there_is_no_median_without_a_positive_activation():
    assert median_of([0.0, 0.0]) is None


# -- groups ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60), st.integers(0, 5))
def test_groups_of_training_are_those_of_the_definitions(pairs, seed):
    true, given_labels = np.array(pairs).T
    groups = extraction.groups_of_training(true, given_labels, 4, seed)
    rows = [np.flatnonzero(row).tolist() for row in groups.members.numpy()]
    members = {tuple(key.values()): set(row) for key, row in zip(groups.keys, rows, strict=True)}
    assert len(members) == 2 * 4 * 4
    assert groups.sizes.tolist() == [len(row) for row in rows]
    for grouping, label in (("true", true), ("given", given_labels)):
        for c in range(4):
            clean, noisy, a, b = (members[grouping, s, c] for s in ("clean", "noisy", "clean_a", "clean_b"))
            assert clean == {n for n, pair in enumerate(pairs) if pair == (c, c)}
            assert noisy == {n for n, pair in enumerate(pairs) if pair[0] != pair[1] and label[n] == c}
            assert a | b <= clean and not a & b
            assert len(a) == len(clean) // 2
            assert len(b) == min(len(noisy), len(clean) - len(a))
            assert a == members["true", "clean_a", c]  # the same half under both groupings


def test_the_split_seed_decides_the_halves():
    labels = np.zeros(40, int)
    a, again, other = (extraction.groups_of_training(labels, labels, 1, seed).members for seed in (0, 0, 1))
    assert torch.equal(a, again) and not torch.equal(a, other)


def test_groups_of_test_are_the_classes():
    groups = extraction.groups_of_test(np.array([2, 0, 2]), 3)
    assert groups.keys == [{"grouping": "true", "subset": "test", "class": c} for c in range(3)]
    assert groups.members.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1]]


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def extracted(tmp_path, inputs, labels, groups):
    """The four tables of a run of two epochs, written and read again, and what they were made from."""
    test_inputs = torch.randn(11, 4, generator=torch.Generator().manual_seed(5))
    test_labels = np.arange(11) % 2  # no sample of class 2
    parts = {}
    for name, columns in extraction.extract(
        [0, 8],
        network,
        inputs,
        torch.from_numpy(labels[1]),
        INDICES,
        groups,
        test_inputs,
        extraction.groups_of_test(test_labels, CLASSES),
        10,
    ):
        assert columns.keys() == set(tables.SCHEMAS[name].names)
        parts.setdefault(name, []).append(columns)
    for name, pieces in parts.items():
        with tables.writer(name, tmp_path / name) as write:
            for columns in pieces:
                write(columns)
    return {name: tables.read(tmp_path / name, name) for name in parts}, test_inputs, test_labels


def test_extract_fills_four_tables_of_every_epoch_and_layer(extracted):
    found, _, _ = extracted
    assert found.keys() == {"class_means", "neurons", "samples", "outputs"}
    for name in ("class_means", "neurons", "samples"):
        blocks = found[name][["epoch", "layer"]].drop_duplicates()
        assert blocks.to_numpy().tolist() == [[0, 1], [0, 2], [8, 1], [8, 2]]
    assert found["outputs"]["epoch"].unique().tolist() == [0, 8]


def test_extracted_class_means_are_those_of_the_layer(extracted, inputs, labels):
    found, test_inputs, test_labels = extracted
    true, given_labels = labels
    assert not found["class_means"].duplicated(["epoch", "layer", "grouping", "subset", "class"]).any()
    for row in found["class_means"].to_dict("records"):
        hidden, _ = full_matrices(network(row["epoch"]), test_inputs if row["subset"] == "test" else inputs)
        if row["subset"] == "test":
            members = test_labels == row["class"]
        elif row["subset"] in ("clean", "noisy"):
            label = true if row["grouping"] == "true" else given_labels
            members = (label == row["class"]) & ((true != given_labels) == (row["subset"] == "noisy"))
        else:
            continue  # random parts: their members are tested above
        assert row["n"] == members.sum()
        if row["n"] == 0:
            assert row["mean"] is None
        else:
            np.testing.assert_allclose(row["mean"], hidden[row["layer"]][members].mean(0), rtol=1e-5, atol=1e-6)


def test_extracted_neurons_and_samples_are_those_of_the_layer(extracted, inputs):
    found, _, _ = extracted
    last, _ = full_matrices(network(8), inputs)
    for (epoch, layer), block in found["neurons"].groupby(["epoch", "layer"]):
        full = full_matrices(network(epoch), inputs)[0][layer]
        np.testing.assert_allclose(block["max"], full.max(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(block["argmax_index"], INDICES[full.argmax(0)])
        median = block["layer_median_active"].unique().item()
        assert np.mean(full[full > 0] < median * (1 - 2**-11)) <= 0.5
        assert np.mean(full[full > 0] > median * (1 + 2**-11)) <= 0.5
        samples = found["samples"].query("epoch == @epoch and layer == @layer")
        large = last[layer].max(0).argmax()  # chosen at the last epoch, followed through all
        assert (samples["neuron"] == large).all()
        np.testing.assert_array_equal(samples["index"], INDICES)
        np.testing.assert_allclose(samples["value"], full[:, large], rtol=1e-5, atol=1e-6)


def test_extracted_outputs_are_the_softmax_of_the_logits(extracted, inputs, labels):
    found, _, _ = extracted
    for epoch, block in found["outputs"].groupby("epoch"):
        log_probability = log_softmax(full_matrices(network(epoch), inputs)[1], axis=1)
        np.testing.assert_array_equal(block["index"], INDICES)
        np.testing.assert_array_equal(block["predicted"], log_probability.argmax(1))
        np.testing.assert_allclose(block["probability"], np.exp(log_probability.max(1)), rtol=1e-5)
        np.testing.assert_allclose(block["loss"], -log_probability[np.arange(N), labels[1]], rtol=1e-4, atol=1e-6)
