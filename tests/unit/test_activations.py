"""Statistics gathered batch by batch, compared with NumPy on the full matrix of activations."""

from contextlib import ExitStack
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from epochwise.activations import extraction, paths
from epochwise.activations.forward import large_neurons, layer_statistics
from epochwise.activations.groups import groups_of_training, keys_of_test
from epochwise.activations.statistics import LayerStatistics, first_maxima
from epochwise.training.mlp import MLP, initialize
from epochwise.workflow import tables

N, CLASSES, WIDTHS = 37, 3, (9, 6, 4)
BATCHES = [1, 5, 16, 37, 100]
INDICES = 1000 - 3 * np.arange(N, dtype=np.int32)  # rows of the samples in the data set
STATISTICS = ("max", "mean", "std", "active_share", "argmax_sample", "layer_argmax_share", "rms_ratio")
SETTINGS = {"batch_size": 10, "permutations": 5, "split_seed": 3}


@pytest.fixture(
    params=["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
)
def device(request):
    return torch.device(request.param)


def network(seed):
    model = MLP(4, WIDTHS, CLASSES)
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
    return groups_of_training(*labels, CLASSES, 0)


def rms_ratios(full):
    """Mean ratio of each neuron to the root mean square of all others, by loops over samples and neurons."""
    means = []
    for neuron in range(full.shape[1]):
        found = []
        for row in full.astype(np.float64):
            others = np.delete(row, neuron)
            if others.any():
                found.append(row[neuron] / np.sqrt(np.mean(others**2)))
        means.append(np.mean(found) if found else np.nan)
    return np.array(means)


def by_name(statistics):
    return dict(zip(STATISTICS, statistics.by_neuron().cpu().numpy(), strict=True))


@pytest.mark.parametrize("batch_size", BATCHES)
def test_neurons_equal_the_full_matrix(inputs, groups, batch_size, device):
    model = network(1)
    hidden, expected_logits = full_matrices(model, inputs)
    passed = layer_statistics(model.to(device), inputs.to(device), groups.to(device), batch_size)
    np.testing.assert_allclose(passed.logits.cpu(), expected_logits, rtol=1e-5, atol=1e-6)
    assert len(passed.layers) == len(WIDTHS) and len(passed.traced) == 0
    for layer, statistics in enumerate(passed.layers, start=1):
        full, found = hidden[layer], by_name(statistics)
        expected = {
            "max": full.max(0),
            "mean": full.mean(0),
            "std": full.std(0),
            "active_share": (full > 0).mean(0),
            "argmax_sample": full.argmax(0),
            "layer_argmax_share": [(full.argmax(1) == neuron).mean() for neuron in range(full.shape[1])],
            "rms_ratio": rms_ratios(full),
        }
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


def members_of(groups):
    """Whether each sample (columns) belongs to each group (rows)."""
    return groups.contains.numpy()[:, groups.cells.numpy()].astype(bool)


@pytest.mark.parametrize("batch_size", BATCHES)
def test_sums_over_groups_equal_the_full_matrix(inputs, groups, batch_size, device):
    model = network(2)
    hidden, _ = full_matrices(model, inputs)
    on_device = groups.to(device)
    passed = layer_statistics(model.to(device), inputs.to(device), on_device, batch_size)
    members = members_of(groups)
    assert groups.sizes.tolist() == members.sum(1).tolist()
    for layer, full in hidden.items():
        found = (on_device.contains @ passed.layers[layer - 1].cell_sums).cpu().numpy()
        expected = [full[rows].sum(0) for rows in members]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch_size", BATCHES)
def test_the_large_neuron_has_the_largest_activation_and_is_traced_over_all_samples(inputs, groups, batch_size, device):
    model = network(3)
    hidden, _ = full_matrices(model, inputs)
    model, inputs = model.to(device), inputs.to(device)
    large = large_neurons(model, inputs, batch_size)
    assert large == {layer: full.max(0).argmax() for layer, full in hidden.items()}
    traced = layer_statistics(model, inputs, groups.to(device), batch_size, large).traced
    assert traced.shape == (len(WIDTHS), N)
    for layer, full in hidden.items():
        np.testing.assert_allclose(traced[layer - 1].cpu(), full[:, large[layer]], rtol=1e-5, atol=1e-6)


def gather(matrix, batch_size, device="cpu"):
    """The statistics of a hand-made matrix of activations, whose samples are all in one cell."""
    values = torch.tensor(np.array(matrix), dtype=torch.float32, device=device)
    statistics = LayerStatistics(values.shape[1], 1, device)
    for batch in values.split(batch_size):
        statistics.update(batch, torch.zeros(len(batch), dtype=torch.int64, device=device))
    return statistics


@pytest.mark.parametrize(("rows", "batch_size"), [(32, 32), (64, 64), (75, 75), (200, 70), (200, 33)])
def test_maxima_are_found_across_blocks_of_rows_and_batches(random, rows, batch_size, device):
    matrix = random.integers(0, 30, size=(rows, 40)).astype(np.float32)  # most maxima occur several times
    found = by_name(gather(matrix, batch_size, device))
    np.testing.assert_array_equal(found["max"], matrix.max(0))
    np.testing.assert_array_equal(found["argmax_sample"], matrix.argmax(0))
    shares = np.bincount(matrix.argmax(1), minlength=40) / rows
    np.testing.assert_allclose(found["layer_argmax_share"], shares)


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 9), st.integers(0, 1000))
def test_first_maxima_are_those_of_numpy(blocks, block, width, seed):
    matrix = np.random.default_rng(seed).integers(0, 4, size=(blocks * block, width)).astype(np.float32)
    maxima, samples = first_maxima(torch.from_numpy(matrix), block)
    assert maxima.tolist() == matrix.max(0).tolist() and samples.tolist() == matrix.argmax(0).tolist()


@pytest.mark.parametrize("batch_size", [1, 2, 3, 6])
def test_of_equal_maxima_the_first_sample_is_named_and_a_silent_neuron_has_maximum_0(batch_size, device):
    matrix = [[1, 0, 5], [7, 0, 2], [7, 0, 5], [0, 0, 0], [7, 0, 1], [2, 0, 5]]
    found = by_name(gather(matrix, batch_size, device))
    assert found["max"].tolist() == [7, 0, 5]
    assert found["argmax_sample"].tolist() == [1, 0, 0]
    assert found["active_share"].tolist() == pytest.approx([5 / 6, 0, 5 / 6])


@pytest.mark.parametrize("value", [0.1, 0.7, 1.1])
def test_a_constant_neuron_has_no_deviation_rather_than_an_undefined_one(value, device):
    assert by_name(gather([[value]] * 10, 3, device))["std"] == pytest.approx(0, abs=1e-3)


def test_the_deviation_of_a_neuron_far_from_0_is_kept(random, device):
    values = (1000 + 0.1 * random.normal(size=(2048, 1))).astype(np.float32)
    found = by_name(gather(values, 2048, device))["std"]
    assert found == pytest.approx(values.std(dtype=np.float64), rel=0.01)


# -- ratio to the root mean square of the others -----------------------------------------------------------------------


@given(st.integers(2, 7), st.integers(1, 25), st.integers(1, 30), st.integers(0, 1000))
def test_rms_ratios_are_those_of_loops_over_single_samples(width, samples, batch_size, seed):
    random = np.random.default_rng(seed)
    matrix = np.maximum(random.normal(size=(samples, width)), 0) * (random.random((samples, 1)) < 0.7)
    matrix = matrix.astype(np.float32)
    found = by_name(gather(matrix, batch_size))["rms_ratio"]
    np.testing.assert_allclose(found, rms_ratios(matrix), rtol=1e-5)


@pytest.mark.parametrize("size", [40, 1e4, 1e8])
def test_the_ratio_of_a_huge_neuron_keeps_its_digits(random, size, device):
    matrix = np.maximum(random.normal(size=(300, 8)), 0).astype(np.float32)
    matrix[:, 5] = size * (1 + random.random(300))
    found = by_name(gather(matrix, 128, device))["rms_ratio"]
    np.testing.assert_allclose(found, rms_ratios(matrix), rtol=1e-5)


def test_samples_on_which_all_others_are_0_do_not_count(device):
    matrix = [[0, 0, 0], [3, 0, 0], [3, 4, 0], [0, 0, 2]]
    expected = [np.mean([3 / np.sqrt(16 / 2), 0]), np.mean([0, 4 / np.sqrt(9 / 2), 0]), 0]
    assert by_name(gather(matrix, 3, device))["rms_ratio"].tolist() == pytest.approx(expected)


def test_there_is_no_ratio_without_another_active_neuron(device):
    assert np.isnan(by_name(gather([[0], [2], [5]], 2, device))["rms_ratio"]).all()
    found = by_name(gather([[0, 0], [2, 0]], 2, device))["rms_ratio"]
    assert np.isnan(found[0]) and found[1] == 0


# -- median ------------------------------------------------------------------------------------------------------------

POSITIVE = st.floats(2.0**-32, 2.0**120, width=32)


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


def test_the_median_of_many_activations(random, device):
    values = random.exponential(size=(3000, 5)) * (random.random((3000, 5)) < 0.4)
    assert gather(values, 700, device).median_active() == pytest.approx(np.median(values[values > 0]), rel=2**-11)


def test_a_negative_zero_is_a_zero():
    found = gather([[-0.0, 2.0], [4.0, -0.0]], 1)
    assert found.median_active() == pytest.approx(3, rel=2**-11)
    assert by_name(found)["active_share"].tolist() == [0.5, 0.5]


def test_there_is_no_median_without_a_positive_activation():
    assert np.isnan(median_of([0.0, 0.0]))


def test_the_median_does_not_count_activations_below_2_to_the_minus_32(device):
    values = [[2.0**-33, 0.0, 1e-30], [2.0**-32, 3.0, 5.0]]
    assert gather(values, 2, device).median_active() == pytest.approx(3, rel=2**-12)


@pytest.mark.parametrize("width", [1, 63, 200])
def test_zeros_are_counted_apart_from_the_smallest_activation_for_every_neuron(width):
    found = gather(np.vstack([np.zeros((3, width)), np.full((1, width), 2.0**-32)]), 4)
    assert found.median_active() == pytest.approx(2.0**-32, rel=2**-11)


def test_an_infinite_activation_does_not_stop_the_extraction():
    found = gather([[np.inf, 1.0], [2.0, 3.0]], 2)
    assert found.median_active() == pytest.approx(2.5, rel=2**-11) and by_name(found)["max"][0] == np.inf


# -- groups ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60), st.integers(0, 5))
def test_groups_of_training_are_those_of_the_definitions(pairs, seed):
    true, given_labels = np.array(pairs).T
    groups = groups_of_training(true, given_labels, 4, seed)
    rows = [np.flatnonzero(row).tolist() for row in members_of(groups)]
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
    a, again, other = (members_of(groups_of_training(labels, labels, 1, seed)) for seed in (0, 0, 1))
    assert np.array_equal(a, again) and not np.array_equal(a, other)


def test_means_of_groups_are_those_of_their_samples_and_missing_without_any(random):
    true, given_labels = np.array([0, 0, 1, 1, 1]), np.array([0, 0, 1, 0, 0])
    groups, values = groups_of_training(true, given_labels, 2, 0), random.random((5, 3))
    found = groups.means(members_of(groups).astype(float) @ values, "true", ("clean", "noisy"))
    missing = np.full(3, np.nan)
    np.testing.assert_allclose(found, [[values[:2].mean(0), values[2]], [missing, values[3:].mean(0)]])


def test_the_groups_of_test_are_the_classes():
    assert keys_of_test(3) == [{"grouping": "true", "subset": "test", "class": c} for c in range(3)]


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def extracted(tmp_path, inputs, labels, groups, device):
    """The five tables of a run of two epochs, written and read again, and the test samples that they come from."""
    test_inputs = torch.randn(11, 4, generator=torch.Generator().manual_seed(5))
    test_labels = np.arange(11) % 2  # no sample of class 2
    samples = extraction.RunSamples(
        inputs=inputs,
        given=torch.from_numpy(labels[1]),
        index=INDICES,
        groups=groups,
        test_inputs=test_inputs,
        test_labels=test_labels,
    ).to(device)
    with ExitStack() as files:
        write = {
            name: files.enter_context(tables.writer(schema, tmp_path / name))
            for name, schema in extraction.SCHEMAS.items()
        }
        for name, rows in extraction.extract(
            [0, 8], load=lambda epoch: network(epoch).to(device), samples=samples, settings=SETTINGS
        ):
            write[name](rows)
    found = {name: tables.read(tmp_path / name, schema) for name, schema in extraction.SCHEMAS.items()}
    return found, test_inputs, test_labels


def test_extract_fills_five_tables_of_every_epoch_and_layer(extracted):
    found, _, _ = extracted
    assert found.keys() == {"class_means", "neurons", "samples", "outputs", "test_paths"}
    for name in ("class_means", "neurons", "samples", "test_paths"):
        blocks = found[name][["epoch", "layer"]].drop_duplicates()
        assert blocks.to_numpy().tolist() == [[epoch, layer] for epoch in (0, 8) for layer in (1, 2, 3)]
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
        assert block["neuron"].tolist() == list(range(WIDTHS[layer - 1]))
        np.testing.assert_allclose(block["max"], full.max(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(block["rms_ratio"], rms_ratios(full), rtol=1e-5, atol=1e-6)
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


def test_extracted_paths_of_test_data_are_those_of_the_layer(extracted, inputs, labels):
    found, test_inputs, test_labels = extracted
    true, clean = labels[0], labels[0] == labels[1]
    rows = found["test_paths"]
    assert len(rows) == 2 * len(WIDTHS) * 2 * 2 * 2 * (CLASSES + 1)
    assert rows["n"].isna().sum() == 0 and rows["value"].notna().any()
    for epoch, layer, c, predictions, reference, measure, n, value in rows.iloc[:, :8].itertuples(index=False):
        hidden, logits = full_matrices(network(epoch), test_inputs)
        training = full_matrices(network(epoch), inputs)[0][layer]
        correct = logits.argmax(1) == test_labels
        marked = correct if predictions == "correct" else ~correct
        if c == paths.MEAN_OVER_CLASSES:
            of_classes = rows.query(
                "epoch == @epoch and layer == @layer and predictions == @predictions and reference == @reference"
                " and measure == @measure and `class` >= 0"
            )["value"]
            assert n == marked.sum() and value == pytest.approx(of_classes.mean(), nan_ok=True)
            continue
        members, of_class = marked & (test_labels == c), (true == c) & (clean == (reference == "clean"))
        assert n == members.sum()
        if not n or not of_class.any():
            assert np.isnan(value)
            continue
        centre = training.mean(0) if measure == "cosine_centred" else 0
        a, b = hidden[layer][members].mean(0) - centre, training[of_class].mean(0) - centre
        assert value == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)), rel=1e-4, abs=1e-5, nan_ok=True)


def test_a_group_of_test_data_without_samples_has_missing_values(extracted):
    rows = extracted[0]["test_paths"]
    empty = rows[rows["n"] == 0]
    assert (empty["class"] == 2).any()
    assert empty[["value", "split_half", "null_mean", "null_low", "null_high"]].isna().all(axis=None)


def test_extraction_reads_every_snapshot_once(monkeypatch, tmp_path, random):
    read = []

    def load(folder, epoch):
        read.append(epoch)
        return network(epoch), SimpleNamespace(apply=lambda pixels: pixels.astype(np.float32) / 255)

    monkeypatch.setattr(extraction.snapshots, "load", load)
    monkeypatch.setattr(extraction, "epochs_in", lambda folder: [0, 3, 8])
    images = SimpleNamespace(
        pixels=random.integers(0, 256, (20, 4), np.uint8),
        labels=random.integers(0, CLASSES, 20).astype(np.uint8),
        class_names=list("abc"),
    )
    true = images.labels.astype(np.int64)
    labels = {"index": np.arange(20), "true_label": true, "given_label": (true + (np.arange(20) < 6)) % CLASSES}
    extraction.extract_run(
        "snapshots",
        images=images,
        test=images,
        labels=labels,
        settings=SETTINGS | {"snapshot_stride": 1},
        outputs={name: tmp_path / name for name in extraction.SCHEMAS},
        device=torch.device("cpu"),
    )
    assert sorted(read) == [0, 3, 8]
    written = tables.read(tmp_path / "test_paths", extraction.SCHEMAS["test_paths"])
    assert written["epoch"].unique().tolist() == [0, 3, 8]
