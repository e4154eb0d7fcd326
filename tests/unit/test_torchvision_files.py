"""torchvision's files, packed or not: read exactly and left as they are, or refused with the file that is damaged."""

import pickle

import numpy as np
import pytest

from epochwise.data import torchvision_files
from epochwise.data.loading import load
from epochwise.data.sources import SOURCES, DataError
from tests.unit.made_data import pack_cifar10, pack_mnist, write_cifar10, write_idx, write_mnist


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_torchvision_can_be_imported_here():
    torchvision = torchvision_files.import_torchvision()
    assert all(hasattr(torchvision.datasets, s.torchvision) for s in SOURCES.values() if s.torchvision)
    assert torchvision_files.import_torchvision() is torchvision


def test_the_layouts_are_those_of_torchvision():
    datasets = torchvision_files.import_torchvision().datasets
    for source, layout in torchvision_files.TORCHVISION.items():
        sums = torchvision_files._md5_sums(getattr(datasets, SOURCES[source].torchvision))
        assert set(layout.packed_in.values()) <= set(sums)
        if source.startswith("cifar"):
            assert set(sums) == {*layout.packed_in, *layout.packed_in.values()}


def test_a_download_that_fails_says_why_and_what_to_do(tmp_path, monkeypatch):
    def offline(self, *arguments, download, **options):
        assert download
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision_files.import_torchvision().datasets.CIFAR10, "__init__", offline)
    with pytest.raises(DataError, match=r"cifar10 could not be downloaded .*\(no route to host\)(?s:.*)set `path`"):
        load("cifar10", None)


# -- CIFAR-10 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_cifar10_is_read_and_its_folder_stays_as_it_is(tmp_path, random, monkeypatch, packed):
    images = write_cifar10(tmp_path, random, monkeypatch)
    if packed:
        pack_cifar10(tmp_path, monkeypatch)
    before = contents(tmp_path)
    train, test, _ = load("cifar10", str(tmp_path))
    np.testing.assert_array_equal(train.pixels.reshape(20, 3, 32, 32), images[:20])
    np.testing.assert_array_equal(test.pixels.reshape(4, 3, 32, 32), images[20:])
    assert train.labels.tolist() == [0, 1, 2, 3] * 5 and train.class_names[3] == "cat"
    assert contents(tmp_path) == before


def test_an_altered_file_of_cifar10_is_named(tmp_path, random, monkeypatch):
    write_cifar10(tmp_path, random, monkeypatch)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_4"
    path.write_bytes(pickle.dumps({"data": np.zeros((4, 3072), np.uint8), "labels": [0, 1, 2, 3]}))
    with pytest.raises(
        DataError, match=rf"{path} is truncated or damaged: its MD5 sum is not \w{{32}}. Fetch it again"
    ):
        load("cifar10", str(tmp_path))


def test_a_truncated_archive_is_named_and_not_unpacked(tmp_path, random, monkeypatch):
    write_cifar10(tmp_path, random, monkeypatch)
    archive = pack_cifar10(tmp_path, monkeypatch)
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(DataError, match=rf"{archive} is truncated or damaged: its MD5 sum is not"):
        load("cifar10", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [archive.name]


# -- MNIST -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mnist(tmp_path, random):
    """A folder in torchvision's layout of MNIST with 30 and 8 images, and its files by name."""
    raw = tmp_path / "MNIST" / "raw"
    return tmp_path, raw, write_mnist(raw, random)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_read_and_its_folder_stays_as_it_is(mnist, monkeypatch, packed):
    folder, raw, arrays = mnist
    if packed:
        pack_mnist(raw, monkeypatch)
    before = contents(folder)
    train, test, _ = load("mnist", str(folder))
    for split, name in ((train, "train"), (test, "t10k")):
        np.testing.assert_array_equal(split.pixels.reshape(-1, 28, 28), arrays[f"{name}-images-idx3-ubyte"])
        np.testing.assert_array_equal(split.labels, arrays[f"{name}-labels-idx1-ubyte"])
    assert train.shape == (1, 28, 28) and train.class_names == SOURCES["mnist"].class_names
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("train-images-idx3-ubyte", lambda content: content[:-100], "train-images-idx3-ubyte is truncated or damaged"),
        ("t10k-images-idx3-ubyte", lambda content: b"", "t10k-images-idx3-ubyte is truncated or damaged"),
        ("train-images-idx3-ubyte", lambda content: b"x" * 500, "train-images-idx3-ubyte is truncated or damaged"),
        ("train-labels-idx1-ubyte", lambda content: content[:8] + b"\x4d" * 30, "train-.* has labels from 77 to 77"),
        ("train-labels-idx1-ubyte", lambda content: content[:7] + b"\x0a" + b"\1" * 10, "30 images, but .* 10 labels"),
    ],
    ids=["images cut", "images empty", "images garbage", "labels beyond the classes", "fewer labels than images"],
)
def test_damaged_files_of_mnist_are_named(mnist, name, damage, message):
    folder, raw, _ = mnist
    (raw / name).write_bytes(damage((raw / name).read_bytes()))
    with pytest.raises(DataError, match=rf"{raw}/.*{message}"):
        load("mnist", str(folder))


def test_a_truncated_archive_of_mnist_is_named(mnist, monkeypatch):
    folder, raw, _ = mnist
    pack_mnist(raw, monkeypatch)
    path = raw / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=rf"{path} is truncated or damaged: its MD5 sum is not"):
        load("mnist", str(folder))


@pytest.mark.parametrize("shape", [(30, 14, 56), (30, 784, 1), (60, 14, 28)])
def test_images_of_another_shape_are_refused(mnist, shape):
    folder, raw, arrays = mnist
    write_idx(raw / "train-images-idx3-ubyte", arrays["train-images-idx3-ubyte"].reshape(shape))
    with pytest.raises(DataError, match=r"not uint8 of shape \(28, 28\)"):
        load("mnist", str(folder))
