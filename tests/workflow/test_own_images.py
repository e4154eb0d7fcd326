"""Images of one's own in class folders, from the pictures to all results."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from epochwise.data import image_table
from tests.workflow.conftest import new_checkout

CLASSES = ("brown dog", "Zebra", "cat")
TABLE = "results/data/mine/train.parquet"


def draw(path, brightness, size=(7, 5)):
    """A colour picture with an old time, as copied files have it; its pixels (height, width, 3)."""
    random = np.random.default_rng(brightness)
    pixels = np.clip(random.normal(brightness, 40, (*size[::-1], 3)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    os.utime(path, (1e9, 1e9))
    return pixels


def overlay(**dataset):
    """A tiny experiment on the folder `my pictures`."""
    block = {
        "dataset": "mine",
        "noises": {"symmetric30": {"rate": 0.3}},
        "models": {"mlp3": {"hidden_layers": 2, "width": 8}},
        "seeds": [0, 1],
        "training": {"epochs": 2},
        "outliers": {"folds": 2},
    }
    mine = {"source": "folder", "path": "my pictures", "components": 3, **dataset}
    return {"experiment": "tiny", "datasets": {"mine": mine}, "experiments": {"tiny": block}}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A checkout with 60 training and 15 test pictures of three classes."""
    checkout = new_checkout(tmp_path_factory.mktemp("pictures"))
    for split, count in (("train", 20), ("test", 5)):
        for label, name in enumerate(CLASSES):
            for number in range(count):
                draw(checkout.folder / "my pictures" / split / name / f"{number}.png", 40 + 80 * label + number)
    return checkout


def refused(checkout, *words, **dataset):
    """Nothing runs, and the message has these words."""
    status, messages = checkout.snakemake("all", overlay=overlay(**dataset))
    assert status != 0 and "The configuration cannot be used. datasets.mine" in messages
    assert all(word in messages for word in words), messages
    assert "Traceback" not in messages and not (checkout.results / "logs").exists()


def test_pictures_that_differ_are_refused_before_any_job(pictures):
    odd = pictures.folder / "my pictures" / "train" / "cat" / "odd.png"
    draw(odd, 100, (9, 9))
    refused(pictures, "my pictures/train/cat/odd.png", "9 × 9", "7 × 5", "`image_size`")
    odd.write_bytes(b"\x89PNG")
    refused(pictures, "my pictures/train/cat/odd.png cannot be read as PNG or JPEG", image_size=4)
    odd.unlink()
    test = pictures.folder / "my pictures" / "test"
    test.rename(test.with_name("elsewhere"))
    refused(pictures, "there is no folder my pictures/test", "every fifth")
    test.with_name("elsewhere").rename(test)


def test_a_folder_goes_all_the_way(pictures):
    pictures.build("all", overlay=overlay())
    images = image_table.read(pictures.folder / TABLE)
    assert images.class_names == ("Zebra", "brown dog", "cat") and images.shape == (3, 5, 7)
    assert np.bincount(images.labels).tolist() == [20, 20, 20]
    first = np.asarray(Image.open(pictures.folder / "my pictures/train/Zebra/0.png"))
    np.testing.assert_array_equal(images.pixels[0].reshape(3, 5, 7), first.transpose(2, 0, 1))
    shown = pd.read_csv(pictures.results / "tiny/figures/separation_by_class.csv")
    assert set(shown["class_name"]) == set(CLASSES)
    record = (pictures.results / "provenance/dataset/mine.json").read_text()
    assert "my pictures/test/brown dog/4.png" in record
    assert pictures.planned(overlay()) == {}


def test_changed_and_added_pictures_and_keys_are_noticed(pictures):
    rerun = {"dataset", "features", "corrupt", "train", "extract", "figure"}
    folder = pictures.folder / "my pictures"
    assert pictures.planned(overlay(image_size=4)).keys() > rerun
    assert pictures.planned(overlay(channels=1)).keys() > rerun
    before = (folder / "train/cat/3.png").read_bytes()
    draw(folder / "train/cat/3.png", 0)
    assert (folder / "train/cat/3.png").stat().st_size != len(before)
    assert pictures.planned(overlay()).keys() > rerun, "of another size, and older than the results"
    (folder / "train/cat/3.png").write_bytes(before)
    draw(folder / "test/cat/99.png", 0)
    assert pictures.planned(overlay()).keys() > rerun
    (folder / "test/cat/99.png").unlink()
    (folder / "train/cat/.DS_Store").touch()
    assert pictures.planned(overlay()) == {}, "what counts is as before"
    (folder / "train" / "empty").mkdir()
    status, messages = pictures.snakemake("all", overlay=overlay())
    assert status != 0 and "my pictures/train/empty has no PNG or JPEG picture" in messages
    shutil.rmtree(folder)
    assert pictures.planned(overlay()) == {}, "data that are gone are not needed again"
