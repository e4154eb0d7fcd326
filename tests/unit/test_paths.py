"""Paths of test data, each number against a computation by loops over single samples."""

import numpy as np
import pandas as pd
import pytest
import torch

from epochwise.activations import paths
from epochwise.training.mlp import MLP

CLASSES, SAMPLES, PERMUTATIONS = 3, 41, 7
WIDTHS = [6, 4]


@pytest.fixture(scope="module")
def case() -> dict:
    """A network, test samples (all of class 2 are predicted correctly), and means of training data."""
    random = np.random.default_rng(0)
    model = _network()
    inputs = torch.from_numpy(random.random((SAMPLES, 5), np.float32))
    labels = random.integers(0, CLASSES, SAMPLES)
    predicted = np.where(random.random(SAMPLES) < 0.5, labels, (labels + 1) % CLASSES)
    predicted[labels == 2] = 2
    marked = paths.mark(predicted, labels, CLASSES, PERMUTATIONS, seed=3)
    hidden = [values.double().numpy() for values in model.activations(inputs)[0]]
    training = [random.random((2, CLASSES, width)) for width in WIDTHS]
    layer_means = [random.random(width) for width in WIDTHS]
    sums = paths.path_sums(model, inputs, marked, batch_size=10)
    signals = [
        paths.path_signals(*of_layer, marked, means, layer_mean)
        for of_layer, means, layer_mean in zip(sums, training, layer_means, strict=True)
    ]
    return locals()


def _network() -> MLP:
    torch.manual_seed(1)
    return MLP(5, WIDTHS, CLASSES).requires_grad_(False)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    norms = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norms) if norms > 0 else np.nan


def test_predictions_are_those_of_the_network(case):
    expected = case["model"](case["inputs"]).argmax(1).numpy()
    np.testing.assert_array_equal(paths.predict(case["model"], case["inputs"], 7), expected)


def test_groups_are_halved_and_marks_permuted_within_each_class(case):
    labels, marked = case["labels"], case["marked"]
    correct = case["predicted"] == labels
    cells = marked.cells.numpy()
    np.testing.assert_array_equal(cells // 4, labels)
    np.testing.assert_array_equal(cells // 2 % 2, correct)
    for group in np.unique(cells // 2):
        sizes = np.bincount(cells[cells // 2 == group] % 2, minlength=2)
        assert 0 <= sizes[0] - sizes[1] <= 1
    permuted = marked.permuted.numpy().reshape(PERMUTATIONS, CLASSES, SAMPLES)
    for c in range(CLASSES):
        assert not permuted[:, c, labels != c].any()
        np.testing.assert_array_equal(permuted[:, c].sum(1), (correct & (labels == c)).sum())
    assert len({row.tobytes() for row in permuted[:, 0]}) > 1


def test_the_random_order_of_samples_stays_when_predictions_change(case):
    other = paths.mark(case["predicted"], case["labels"], CLASSES, PERMUTATIONS, seed=3)
    np.testing.assert_array_equal(other.permuted, case["marked"].permuted)
    reseeded = paths.mark(case["predicted"], case["labels"], CLASSES, PERMUTATIONS, seed=4)
    assert not np.array_equal(reseeded.permuted, case["marked"].permuted)


@pytest.mark.parametrize("layer", [0, 1])
def test_every_row_equals_the_cosine_of_means_over_single_samples(case, layer):
    hidden, labels = case["hidden"][layer], case["labels"]
    correct = case["predicted"] == labels
    permuted = case["marked"].permuted.numpy().reshape(PERMUTATIONS, CLASSES, SAMPLES).astype(bool)
    halves = case["marked"].cells.numpy() % 2
    rows = pd.concat(map(pd.DataFrame, paths.path_rows(case["signals"][layer], case["marked"].sizes)))
    assert len(rows) == 2 * 2 * 2 * (CLASSES + 1)
    for row in rows[rows["class"] >= 0].itertuples(index=False):
        c = row[0]
        centre = case["layer_means"][layer] if row.measure == "cosine_centred" else 0
        reference = case["training"][layer][["clean", "noisy"].index(row.reference), c] - centre
        of_class = labels == c
        members = of_class & (correct if row.predictions == "correct" else ~correct)
        assert row.n == members.sum()
        if not members.any():
            assert np.isnan([row.value, row.split_half, row.null_mean, row.null_low, row.null_high]).all()
            continue
        assert row.value == pytest.approx(_cosine(hidden[members].mean(0) - centre, reference), rel=1e-5, nan_ok=True)
        a, b = (hidden[members & (halves == half)].mean(0) - centre for half in (0, 1))
        assert row.split_half == pytest.approx(_cosine(a, b), rel=1e-5, nan_ok=True)
        null = []
        for marks in permuted[:, c]:
            drawn = of_class & (marks if row.predictions == "correct" else ~marks)
            null.append(_cosine(hidden[drawn].mean(0) - centre, reference))
        expected = pytest.approx([np.mean(null), np.min(null), np.max(null)], rel=1e-5, nan_ok=True)
        assert [row.null_mean, row.null_low, row.null_high] == expected
    for _, group in rows.groupby(["predictions", "reference", "measure"]):
        of_classes, mean = group[group["class"] >= 0], group[group["class"] == -1]
        assert mean["value"].item() == pytest.approx(of_classes["value"].mean())  # without missing classes
        assert mean["split_half"].item() == pytest.approx(of_classes["split_half"].mean())
        assert mean["n"].item() == of_classes["n"].sum()
        assert mean["null_mean"].item() == pytest.approx(of_classes["null_mean"].mean())


def test_a_class_that_is_always_right_has_no_path_of_wrong_predictions(case):
    rows = pd.concat(map(pd.DataFrame, paths.path_rows(case["signals"][0], case["marked"].sizes)))
    wrong = rows[(rows["predictions"] == "wrong") & (rows["class"] == 2)]
    assert wrong["value"].isna().all()
    assert (wrong["n"] == 0).all()
