"""The files of a data set are inputs: another, a further or a changed file makes the data set stale."""

import os
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.unit.made_data import encoded, table
from tests.workflow.conftest import new_checkout

TARGET = "results/data/mine/train.parquet"


def write(path, labels):
    """A Parquet file in the layout of Hugging Face; the picture of label k has brightness 20·k."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [encoded(np.full((28, 28), 20 * label, np.uint8)) for label in labels]
    pq.write_table(table(pictures, labels, ("image", "label")), path, compression="none")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkout, and a function that prepares a data set in it: the overlay, after the table of images was made."""
    checkout = new_checkout(tmp_path_factory.mktemp("checkout"))

    def prepare(name="my pictures"):
        folder = checkout.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(checkout.results, ignore_errors=True)
        write(folder / "train" / "0000.parquet", [1, 2, 3])
        write(folder / "test" / "0000.parquet", [4])
        overlay = {
            "experiment": "digits",
            "datasets": {"mine": {"source": "mnist", "path": name}},
            "experiments": {"digits": {"dataset": "mine"}},
        }
        checkout.build(TARGET, overlay=overlay)
        assert labels(checkout) == [1, 2, 3]
        assert "Nothing to be done" in checkout.build(TARGET, overlay=overlay)
        return folder, overlay

    return checkout, prepare


def labels(checkout):
    return pq.read_table(checkout.folder / TARGET)["label"].to_pylist()


def test_a_changed_file_is_read_again(made):
    checkout, prepare = made
    folder, overlay = prepare()
    write(folder / "train" / "0000.parquet", [7, 8])
    checkout.build(TARGET, overlay=overlay)
    assert labels(checkout) == [7, 8]


def test_a_further_file_is_read(made):
    checkout, prepare = made
    folder, overlay = prepare()
    write(folder / "train" / "0001.parquet", [9])
    os.utime(folder / "train" / "0001.parquet", (1e9, 1e9))  # because a copied file is often older than the results
    checkout.build(TARGET, overlay=overlay)
    assert labels(checkout) == [1, 2, 3, 9]


def test_a_file_of_another_size_that_is_older_than_the_results_is_read(made):
    checkout, prepare = made
    folder, overlay = prepare()
    path = folder / "train" / "0000.parquet"
    write(path, [3, 2, 1, 0])
    os.utime(path, (1e9, 1e9))
    checkout.build(TARGET, overlay=overlay)
    assert labels(checkout) == [3, 2, 1, 0]


def test_a_file_that_is_taken_away_is_noticed(made):
    checkout, prepare = made
    folder, overlay = prepare()
    write(folder / "train" / "0001.parquet", [9])
    checkout.build(TARGET, overlay=overlay)
    (folder / "train" / "0001.parquet").unlink()
    checkout.build(TARGET, overlay=overlay)
    assert labels(checkout) == [1, 2, 3]


@pytest.mark.parametrize("gone", ["folder", "file"])
def test_results_are_kept_when_their_data_are_gone(made, gone):
    checkout, prepare = made
    folder, overlay = prepare()
    made_from_them = "results/digits/symmetric30/labels.parquet"
    checkout.build(made_from_them, overlay=overlay)
    shutil.rmtree(folder if gone == "folder" else folder / "test")
    assert "Nothing to be done" in checkout.build(made_from_them, overlay=overlay)


def test_all_files_that_are_read_are_in_the_record(made):
    checkout, prepare = made
    folder, _ = prepare()
    record = (checkout.results / "provenance" / "dataset" / "mine.json").read_text()
    for path in folder.rglob("*.parquet"):
        assert str(path.relative_to(checkout.folder)) in record
