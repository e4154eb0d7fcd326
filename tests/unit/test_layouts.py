"""Where the files of a data set are found, and the message where they are not. All files are empty: none is opened."""

import os

import pytest

from epochwise.data.layouts import TORCHVISION, ParquetFiles, locate
from epochwise.data.sources import DataError

CIFAR10 = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]
IDX = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
PARQUET = ["train.parquet", "test.parquet"]


def put(folder, names, under=""):
    for name in names:
        path = folder / under / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(source, folder):
    return [str(path.relative_to(folder)) for path in locate(source, folder).paths]


def refused(source, folder):
    with pytest.raises(DataError) as raised:
        locate(source, folder)
    message = str(raised.value)
    assert "download=True" not in message and str(folder) in message and "Set `path`" in message
    return message


@pytest.mark.parametrize(
    ("source", "chain", "names"),
    [
        ("cifar10", "cifar-10-batches-py", CIFAR10),
        ("cifar100", "cifar-100-python", ["train", "test", "meta"]),
        ("mnist", "MNIST/raw", IDX),
        ("fashion_mnist", "FashionMNIST/raw", IDX),
    ],
)
def test_torchvisions_files_are_found_from_one_level_above_to_the_innermost_folder(tmp_path, source, chain, names):
    root = tmp_path / "all" / "mine"
    put(root, names, chain)
    inner = root / chain
    for path in {tmp_path / "all", root, inner.parent, inner}:
        assert {place.name for place in locate(source, path).paths} == set(names)
        assert {place.parent for place in locate(source, path).paths} == {inner}
    assert "there" in refused(source, tmp_path), "two levels above is too far"


@pytest.mark.parametrize("under", ["", "plain_text", "data", "cifar10", "anything", "mine/plain_text"])
def test_parquet_files_are_found_in_the_usual_folders_and_one_level_above(tmp_path, under):
    put(tmp_path, PARQUET, under)
    assert locate("cifar10", tmp_path) == ParquetFiles(*((tmp_path / under / name,) for name in PARQUET))


def test_archives_are_taken_where_the_files_are_not_unpacked(tmp_path):
    put(tmp_path, ["cifar-10-python.tar.gz"])
    assert found("cifar10", tmp_path) == ["cifar-10-python.tar.gz"]
    put(tmp_path, CIFAR10[:-1], "cifar-10-batches-py")
    assert found("cifar10", tmp_path) == ["cifar-10-python.tar.gz"], "one unpacked file is missing"
    put(tmp_path, CIFAR10[-1:], "cifar-10-batches-py")
    assert found("cifar10", tmp_path) == [f"cifar-10-batches-py/{name}" for name in CIFAR10]


def test_each_file_of_mnist_may_be_packed_or_not(tmp_path):
    put(tmp_path, [IDX[0], *(f"{name}.gz" for name in IDX)], "MNIST/raw")
    assert found("mnist", tmp_path) == [f"MNIST/raw/{name}" for name in (IDX[0], *(f"{name}.gz" for name in IDX[1:]))]


def test_flat_files_are_found(tmp_path):
    put(tmp_path, [f"{name}.gz" for name in IDX])
    assert found("mnist", tmp_path) == found("fashion_mnist", tmp_path) == [f"{name}.gz" for name in IDX]


def test_what_is_in_the_folder_itself_comes_before_what_is_below(tmp_path):
    put(tmp_path, PARQUET)
    put(tmp_path, PARQUET, "old")
    put(tmp_path, CIFAR10, "cifar-10-batches-py")
    assert found("cifar10", tmp_path) == PARQUET


def test_data_sets_with_files_of_the_same_names_differ_by_their_folders(tmp_path):
    put(tmp_path, IDX, "FashionMNIST/raw")
    assert found("fashion_mnist", tmp_path) == [f"FashionMNIST/raw/{name}" for name in IDX]
    for path in (tmp_path, tmp_path / "FashionMNIST", tmp_path / "FashionMNIST" / "raw"):
        refused("mnist", path)
    put(tmp_path, IDX, "KMNIST/raw")
    refused("mnist", tmp_path)
    put(tmp_path, PARQUET, "fashion_mnist")
    refused("mnist", tmp_path)
    put(tmp_path, IDX, "MNIST/raw")
    assert found("mnist", tmp_path) == [f"MNIST/raw/{name}" for name in IDX]


def test_several_folders_with_the_data_are_refused_by_name(tmp_path):
    put(tmp_path, PARQUET, "new")
    put(tmp_path, PARQUET, "old")
    message = refused("cifar10", tmp_path)
    assert f"{tmp_path}/new, {tmp_path}/old" in message and "to one of them" in message


@pytest.mark.parametrize(
    ("source", "files", "words"),
    [
        ("cifar10", [f"cifar-10-batches-py/{name}" for name in CIFAR10 if name != "data_batch_3"],
         ["cifar-10-batches-py lacks data_batch_3;", "it has batches.meta, data_batch_1"]),
        ("mnist", [f"MNIST/raw/{name}.gz" for name in IDX[:3]], ["MNIST/raw lacks t10k-labels-idx1-ubyte;"]),
        ("cifar10", ["train.parquet"], ["lacks test.parquet;", "it has train.parquet"]),
        ("cifar10", ["plain_text/test.parquet"], ["plain_text lacks train.parquet;"]),
        ("cifar10", ["train-00000-of-00003.parquet", "train-00002-of-00003.parquet", "test.parquet"],
         ["lacks train-00001-of-00003.parquet;"]),
        ("cifar10", ["deep/er/train.parquet", "deep/er/test.parquet", "notes.txt"], ["Found: deep/, notes.txt."]),
        ("cifar10", ["train.parquet.incomplete", "test.parquet.incomplete"], ["Found: test.parquet.incomplete, train"]),
        ("cifar10", ["data_batch_1.bin"], ["Found: data_batch_1.bin.", "cifar-10-batches-py/ with data_batch_1, "]),
        ("mnist", ["MNIST/processed/training.pt"], ["Found: MNIST/.", "MNIST/raw/ with train-images-idx3-ubyte"]),
        ("cifar10", [], ["Found: nothing.", "`digits` and `mnist_small` need no download"]),
        ("cifar10", [f"picture{i}.png" for i in range(30)], ["picture0.png, ", "and 20 more."]),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_beside_what_was_found(tmp_path, source, files, words):
    put(tmp_path, files)
    message = refused(source, tmp_path)
    for word in words:
        assert word in message
    assert "truncated" not in message and "damaged" not in message


@pytest.mark.parametrize("name", ["nowhere", "x" * 300, "file", "a\0b"])
def test_what_is_no_folder_is_refused(tmp_path, name):
    (tmp_path / "file").touch()
    assert "there is no folder" in refused("cifar10", tmp_path / name)


def test_a_name_that_is_not_utf8_can_be_printed(tmp_path):
    (tmp_path / os.fsdecode(b"M\xfcller.txt")).touch()
    assert "Found: M\\udcfcller.txt." in refused("cifar10", tmp_path).encode("utf-8").decode()


def test_a_link_to_nowhere_is_no_file(tmp_path):
    put(tmp_path, PARQUET[:1])
    (tmp_path / "test.parquet").symlink_to(tmp_path / "pruned")
    assert "lacks test.parquet" in refused("cifar10", tmp_path)


def test_every_source_that_is_downloaded_has_a_layout():
    from epochwise.data.sources import SOURCES

    assert TORCHVISION.keys() == {name for name, known in SOURCES.items() if known.torchvision}
