"""The kinds of noise: counts, seeds, distributions, human labels from files, and settings that cannot work."""

import io
import os
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, truncnorm

from epochwise.data import noise_kinds, pickled_arrays
from epochwise.data.corruption import corrupt
from epochwise.data.noise import human, instance
from epochwise.data.sources import SOURCES
from epochwise.workflow import config
from epochwise.workflow.config_checks import ConfigError
from epochwise.workflow.errors import InputError

SEED = st.integers(0, 2**31 - 1)
RATE = st.floats(0, 1, exclude_max=True)
NAMES = ("ape", "bee", "cat", "dog")
LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=80).map(lambda x: np.array(x, np.int16))


def given_of(true, kind, *, samples=None, seed=0, classes=4, **values):
    samples = samples or SimpleNamespace(class_names=NAMES)
    return corrupt(true, classes, {"kind": kind, **values, "samples": samples}, seed)


# -- drawn kinds -------------------------------------------------------------------------------------------------------


@given(LABELS, RATE, SEED)
def test_pair_noise_takes_the_next_class_exactly_as_often_as_asked(true, rate, seed):
    noisy = given_of(true, "pair", rate=rate, seed=seed)
    wrong = noisy != true
    assert wrong.sum() == round(rate * len(true)) and noisy.dtype == true.dtype
    assert all(after == (before + 1) % 4 for before, after in zip(true[wrong], noisy[wrong], strict=True))
    for label in range(4):
        of_class = true == label
        assert abs(wrong[of_class].sum() - rate * of_class.sum()) < 1 + 1e-9


@given(LABELS, RATE, SEED)
def test_inclusive_noise_draws_exactly_as_many_labels_as_asked(true, rate, seed):
    noisy = given_of(true, "symmetric_inclusive", rate=rate, seed=seed)
    assert np.sum(noisy != true) <= round(rate * len(true)) and set(noisy) <= {0, 1, 2, 3}


def test_inclusive_noise_draws_the_true_label_again_as_often_as_any_other():
    true = np.tile(np.arange(4, dtype=np.int16), 10_000)
    noisy = given_of(true, "symmetric_inclusive", rate=0.4)
    wrong = np.mean(noisy != true)
    assert abs(wrong - 0.4 * 3 / 4) < 4 * np.sqrt(0.4 * 0.25 * 0.75 / len(true))
    for label in range(4):
        counts = np.bincount(noisy[(true == label) & (noisy != label)], minlength=4)
        assert chisquare(counts[np.arange(4) != label]).pvalue > 1e-3


@given(LABELS, RATE, SEED)
def test_asymmetric_noise_follows_its_map_and_leaves_other_classes_alone(true, rate, seed):
    noisy = given_of(true, "asymmetric", rate=rate, map={"cat": "dog", "dog": "cat", "ape": "bee"}, seed=seed)
    wrong = noisy != true
    assert set(zip(true[wrong], noisy[wrong], strict=True)) <= {(2, 3), (3, 2), (0, 1)}
    assert wrong.sum() == round(rate * np.sum(true != 1))


def test_the_usual_map_is_that_of_cifar10():
    source = SOURCES["cifar10"]
    true = np.repeat(np.arange(10, dtype=np.int16), 20)
    samples = SimpleNamespace(class_names=source.class_names)
    noisy = given_of(true, "asymmetric", samples=samples, classes=10, rate=0.5, map=None)
    wrong = noisy != true
    names = np.array(source.class_names)
    pairs = set(zip(names[true[wrong]], names[noisy[wrong]], strict=True))
    assert pairs == {
        ("truck", "automobile"), ("bird", "airplane"), ("deer", "horse"), ("cat", "dog"), ("dog", "cat"),
    }  # fmt: skip
    assert all(np.sum(wrong[true == label]) in (0, 10) for label in range(10))


ROWS = st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any), min_size=4, max_size=4)


@given(LABELS, ROWS, SEED)
def test_a_matrix_gives_each_label_its_share_to_within_one_sample(true, rows, seed):
    matrix = np.array(rows, float) / np.sum(rows, axis=1, keepdims=True)
    noisy = given_of(true, "matrix", matrix=matrix.tolist(), seed=seed)
    for label in range(4):
        members = true == label
        counts = np.bincount(noisy[members], minlength=4)
        assert np.all(np.abs(counts - members.sum() * matrix[label]) < 1 + 1e-6)
        assert not counts[matrix[label] == 0].any()


def test_rounding_the_counts_of_a_matrix_keeps_the_expectation():
    row = [0.25, 0.45, 0.3, 0.0]
    matrix = [row, *np.eye(4)[1:].tolist()]
    true = np.zeros(7, np.int16)
    counts = [np.bincount(given_of(true, "matrix", matrix=matrix, seed=s), minlength=4) for s in range(2000)]
    np.testing.assert_allclose(np.mean(counts, axis=0), 7 * np.array(row), atol=0.05)
    assert {tuple(count) for count in counts} <= {(a, b, 7 - a - b, 0) for a in (1, 2) for b in (3, 4)}


def image_samples(pixels):
    return SimpleNamespace(class_names=NAMES, pixels=lambda: pixels)


def instance_noise_sample_by_sample(true, classes, rate, pixels, random):
    """Algorithm 2 of Xia et al. (2020), one sample after another, with the same random numbers."""
    ends = (0 - rate) / 0.1, (1 - rate) / 0.1
    q = truncnorm.rvs(*ends, loc=rate, scale=0.1, size=len(true), random_state=random)
    flips, position = random.random(len(true)), random.random(len(true))
    noisy = true.copy()
    for label in range(classes):
        weights = random.standard_normal((pixels.shape[1], classes))
        for i in np.flatnonzero((true == label) & (flips < q)):
            scores = np.array([sum(pixels[i, d] / 255 * weights[d, k] for d in range(4)) for k in range(classes)])
            others = [k for k in range(classes) if k != label]
            odds = np.exp(scores[others])
            noisy[i] = others[int(np.searchsorted(np.cumsum(odds / odds.sum()), position[i], side="right"))]
    return noisy


@settings(max_examples=30)
@given(LABELS, RATE, SEED)
def test_instance_noise_is_the_published_algorithm(true, rate, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (len(true), 4), np.uint8)
    random = np.random.default_rng(seed + 1)
    expected = instance_noise_sample_by_sample(true, 4, rate, pixels, np.random.default_rng(seed + 1))
    found = instance.given_labels(true, 4, {"rate": rate, "samples": image_samples(pixels)}, random)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.6])
def test_instance_noise_has_the_rate_of_its_distribution_and_the_same_label_for_equal_images(rate):
    random = np.random.default_rng(5)
    true = np.tile(np.arange(4, dtype=np.int16), 5000)
    pixels = random.integers(0, 256, (4, 50), np.uint8)[true]  # one picture per class
    noisy = given_of(true, "instance", samples=image_samples(pixels), rate=rate)
    mean = truncnorm.mean(-rate / 0.1, (1 - rate) / 0.1, loc=rate, scale=0.1)
    assert abs(np.mean(noisy != true) - mean) < 4 * np.sqrt(mean * (1 - mean) / len(true))
    for label in range(4):
        counts = np.bincount(noisy[(true == label) & (noisy != label)], minlength=4)
        assert counts[label] == 0
        assert chisquare(counts[np.arange(4) != label]).pvalue < 1e-4  # unlike symmetric noise


@pytest.mark.parametrize("kind", ["pair", "symmetric_inclusive", "instance", "asymmetric", "matrix"])
def test_the_seed_names_the_draw(kind):
    true = np.tile(np.arange(4, dtype=np.int16), 60)
    samples = image_samples(np.random.default_rng(0).integers(0, 256, (240, 6), np.uint8))
    values = {"rate": 0.4, "map": {"ape": "bee", "bee": "ape"}, "matrix": [[0.25] * 4] * 4}
    one, again, other = (given_of(true, kind, samples=samples, seed=seed, **values) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.any(one != other)


# -- human labels ------------------------------------------------------------------------------------------------------

TRUE = np.random.default_rng(0).integers(0, 10, 50)
HUMAN = np.where(np.arange(50) % 3 == 0, (TRUE + 4) % 10, TRUE)
ARRAYS = {"clean_label": TRUE, **dict.fromkeys(human.COLUMNS.values(), (TRUE + 1) % 10), "worse_label": HUMAN}


def old_numpy(path):
    """As NumPy 1 under Python 2 protocol wrote the published file."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": ()})
    content = pickle.dumps(np.array(ARRAYS, dtype=object), protocol=2)
    path.write_bytes(header.getvalue() + content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))


WRITERS = {
    "new.npy": lambda path: np.save(path, ARRAYS, allow_pickle=True),
    "old.npy": old_numpy,
    "arrays.pt": lambda path: torch.save(ARRAYS, path),
    "tensors.pt": lambda path: torch.save({name: torch.from_numpy(array) for name, array in ARRAYS.items()}, path),
    "old.pt": lambda path: torch.save(ARRAYS, path, _use_new_zipfile_serialization=False),
    "table.parquet": lambda path: pd.DataFrame(ARRAYS).to_parquet(path),
}


def human_labels(path, labels="worse", index=None, clean=TRUE):
    index = np.arange(50) if index is None else index
    samples = SimpleNamespace(files=[str(path)], index=index, all_labels=lambda: clean)
    true = clean[index].astype(np.int16)
    return human.given_labels(true, 10, {"labels": labels, "samples": samples}, np.random.default_rng(0))


@pytest.mark.parametrize("name", WRITERS)
def test_human_labels_are_read_from_every_published_form(tmp_path, name):
    WRITERS[name](tmp_path / name)
    chosen = np.array([3, 4, 9, 40])
    found = human_labels(tmp_path / name, index=chosen)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, HUMAN[chosen])
    np.testing.assert_array_equal(human_labels(tmp_path / name, "aggre"), (TRUE + 1) % 10)


def test_human_labels_of_other_data_are_refused(tmp_path):
    path = tmp_path / "table.parquet"
    WRITERS["table.parquet"](path)
    other = TRUE.copy()
    other[[5, 7]] = (other[[5, 7]] + 1) % 10
    with pytest.raises(InputError, match=r"table\.parquet: its 50 clean labels differ .* in 2 places"):
        human_labels(path, clean=other)
    with pytest.raises(InputError, match="its 50 clean labels differ from the 49 labels"):
        human_labels(path, clean=TRUE[:49], index=np.arange(9))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"clean_label": TRUE}, "has no 'worse_label'; it has clean_label"),
        ({**ARRAYS, "worse_label": TRUE[:9]}, "worse_label is int64 of length 9"),
        ({**ARRAYS, "worse_label": TRUE / 2}, "worse_label is float64"),
        ({**ARRAYS, "worse_label": TRUE + 5}, "labels from 5 to 14, not 0 to 9"),
    ],
)
def test_files_with_other_labels_are_refused(tmp_path, content, message):
    np.save(tmp_path / "human.npy", content, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        human_labels(tmp_path / "human.npy")


@pytest.mark.parametrize("name", ["table.parquet", "new.npy", "arrays.pt"])
def test_damaged_files_are_refused_by_name(tmp_path, name):
    WRITERS[name](tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=f"{name}.*damaged.*again"):
        human_labels(tmp_path / name)


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["human.npy", "human.pt"])
def test_code_in_a_pickle_does_not_run(tmp_path, name):
    content, trace = {"clean_label": Harmful(tmp_path / "trace")}, tmp_path / "trace"
    if name.endswith(".pt"):
        torch.save(content, tmp_path / name)
    else:
        np.save(tmp_path / name, content, allow_pickle=True)
    with pytest.raises(InputError, match="names code that could do harm") as raised:
        pickled_arrays.read(tmp_path / name)
    assert not trace.exists() and "weights_only" not in str(raised.value)


def test_the_file_with_human_labels_is_looked_for_beside_the_data(tmp_path):
    with pytest.raises(InputError, match=r"path: there is no file .*cifar10n\.parquet or .*Fetch"):
        human.files({"path": None}, str(tmp_path))
    (tmp_path / "CIFAR-10_human.pt").touch()
    assert human.files({"path": None}, str(tmp_path)) == [tmp_path / "CIFAR-10_human.pt"]
    (tmp_path / "CIFAR-10_human.npy").touch()
    assert human.files({"path": str(tmp_path)}, "elsewhere") == [tmp_path / "CIFAR-10_human.npy"]
    named = tmp_path / "mine.npy"
    named.touch()
    assert human.files({"path": str(named)}, "elsewhere") == [named]


# -- settings ----------------------------------------------------------------------------------------------------------


def noises_of(noises, source="digits"):
    """The noises of an experiment on this source, resolved."""
    experiment = {
        "dataset": "images",
        "noises": noises,
        "models": {"only": {"hidden_layers": 1, "width": 4}},
        "seeds": [0],
    }
    configuration = {
        "experiment": "one",
        "datasets": {"images": {"source": source}},
        "experiments": {"one": experiment},
    }
    return config.resolve(configuration, SOURCES, noise_kinds.load())["one"]["noises"]


EYE = np.eye(10).tolist()
SHORT = [[1.0], *EYE[1:]]
UNEVEN = [[0.5, 0.4] + [0.0] * 8, *EYE[1:]]


@pytest.mark.parametrize(
    ("noise", "parts"),
    [
        ({"kind": "pair"}, ["noises.a", "'rate' is missing"]),
        ({"kind": "pair", "rate": 0.3, "matched_rate": "b"}, ["'rate' and 'matched_rate' exclude each other"]),
        ({"kind": "pair", "matched_rate": "c"}, ["noises.a.matched_rate", "'c'", "There are: a, b"]),
        ({"kind": "pair", "matched_rate": "a"}, ["'a' has a matched rate itself"]),
        ({"kind": "pair", "rate": 0.2, "matrix": EYE}, ["key 'matrix' of the kind 'pair'", "rate, matched_rate"]),
        ({"kind": "instance", "matched_rate": "b"}, ["unknown key 'matched_rate' of the kind 'instance'"]),
        ({"kind": "asymmetric", "rate": 0.2}, ["noises.a.map", "usual map is that of CIFAR-10", "no class 'truck'"]),
        ({"kind": "asymmetric", "rate": 0.2, "map": {"1": "11"}}, ["noises.a.map", "no class '11'", "0, 1, 2"]),
        ({"kind": "asymmetric", "rate": 0.2, "map": {"1": "1"}}, ["noises.a.map", "'1' is mapped to itself"]),
        ({"kind": "matrix", "matrix": EYE[:9]}, ["noises.a.matrix", "9 rows", "10 classes"]),
        ({"kind": "matrix", "matrix": SHORT}, ["noises.a.matrix.0", "entries: at least 2"]),
        ({"kind": "matrix", "matrix": [row[:9] for row in EYE]}, ["the row of class '0' has 9 entries"]),
        ({"kind": "matrix", "matrix": UNEVEN}, ["the row of class '0' sums to 0.9"]),
        ({"kind": "human", "labels": "worse"}, ["noises.a.kind", "CIFAR-10 only"]),
        ({"kind": "human", "labels": "worst"}, ["noises.a.labels", "worst"]),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(noise, parts):
    with pytest.raises(ConfigError) as raised:
        noises_of({"a": noise, "b": {"rate": 0.3}})
    for part in parts:
        assert part in str(raised.value)


def test_a_shared_draw_cannot_have_the_rates_of_many_draws():
    each = {"kind": "symmetric_inclusive", "rate": 0.3, "shared_draw": False}
    with pytest.raises(ConfigError, match=r"noises\.a\.matched_rate: 'b' has a draw.*shared_draw: false"):
        noises_of({"a": {"kind": "pair", "matched_rate": "b"}, "b": each})
    found = noises_of({"a": {"kind": "pair", "matched_rate": "b", "shared_draw": False}, "b": each})
    assert found["a"] == {"kind": "pair", "matched_rate": "b", "seed": 0, "shared_draw": False}


@pytest.mark.parametrize("key", ["seed", "shared_draw"])
def test_human_labels_are_not_drawn(key):
    noise = {"kind": "human", "labels": "worse", key: {"seed": 3, "shared_draw": False}[key]}
    with pytest.raises(ConfigError, match=f"noises.a.{key}: .* human labels are not drawn; leave it out"):
        noises_of({"a": noise}, "cifar10")
    assert noises_of({"a": {"kind": "human", "labels": "worse"}}, "cifar10")["a"]["path"] is None
