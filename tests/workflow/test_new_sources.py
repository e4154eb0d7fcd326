"""A new source of images, added as docs/extending.md says."""

import os

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.unit.made_data import write_mnist
from tests.workflow.conftest import Checkout, new_checkout

DATA = "workflow_scripts/epochwise/data"
TARGET = "results/data/mine/train.parquet"
SOURCES = (f"{DATA}/sources.py", "SOURCES = {\n")
LOADER = '''"""Grey pictures in one folder per split and class."""

from pathlib import Path

import numpy as np
from PIL import Image

from epochwise.data.image_table import Images
from epochwise.data.sources import SOURCES


def read_splits(path):
    known = SOURCES["pictures"]
    splits = []
    for split in ("train", "test"):
        files = sorted(Path(path, split).glob("*/*.png"))
        pixels = np.array([np.asarray(Image.open(file)).ravel() for file in files])
        labels = np.array([known.class_names.index(file.parent.name) for file in files], np.int16)
        splits.append(Images(pixels, labels, known.shape, known.class_names))
    return tuple(splits)
'''


def add(checkout: Checkout, name: str, before: str, addition: str) -> None:
    """Put text behind `before` in a file of the checkout."""
    path = checkout.folder / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, before + addition, 1), encoding="utf-8")


def overlay(source: str) -> dict:
    """The experiment digits, but with images of a source from the folder `images`."""
    return {
        "experiment": "digits",
        "datasets": {"mine": {"source": source, "path": "images"}},
        "experiments": {"digits": {"dataset": "mine", "outliers": {"folds": 2}}},
    }


def test_a_further_data_set_of_torchvision(tmp_path):
    checkout = new_checkout(tmp_path)
    names = ", ".join(f'"{number}"' for number in range(10))
    add(checkout, *SOURCES, f'    "kmnist": Source((1, 28, 28), ({names}), 60_000, 10_000, "KMNIST"),\n')
    layout = 'TorchvisionLayout(("KMNIST", "raw"), {name: f"{name}.gz" for name in _IDX})'
    add(checkout, f"{DATA}/layouts.py", "TORCHVISION = {\n", f'    "kmnist": {layout},\n')
    arrays = write_mnist(checkout.folder / "images" / "KMNIST" / "raw", np.random.default_rng(0))
    checkout.build(TARGET, overlay=overlay("kmnist"))
    labels = pq.read_table(checkout.folder / TARGET)["label"].to_pylist()
    assert labels == arrays["train-labels-idx1-ubyte"].tolist()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Checkout:
    """A checkout with a source of its own: a folder of pictures."""
    checkout = new_checkout(tmp_path_factory.mktemp("pictures"))
    add(checkout, *SOURCES, '    "pictures": Source((1, 4, 4), ("cat", "dog"), 4, 2),\n')
    (checkout.folder / DATA / "my_pictures.py").write_text(LOADER)
    add(checkout, f"{DATA}/loading.py", "from epochwise.data import embedded, ", "my_pictures, ")
    branch = '    elif source == "pictures":\n        place, (train, test) = path, my_pictures.read_splits(path)\n'
    add(checkout, f"{DATA}/loading.py", "embedded.read_splits(source)\n", branch)
    for name in ("train/cat/a", "train/cat/b", "train/dog/a", "train/dog/b", "test/cat/a", "test/dog/a"):
        draw(checkout, name, 4)
    checkout.build(TARGET, overlay=overlay("pictures"))
    return checkout


def draw(checkout, name, colours):
    """A picture with an old time, as copied files have it. More colours make a larger file."""
    path = checkout.folder / "images" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.arange(16, dtype=np.uint8) % colours).reshape(4, 4)).save(path)
    os.utime(path, (1e9, 1e9))
    return path


def count(checkout):
    return pq.read_metadata(checkout.folder / TARGET).num_rows


def test_a_picture_more_or_less_is_noticed(pictures):
    assert count(pictures) == 4
    assert "Nothing to be done" in pictures.build(TARGET, overlay=overlay("pictures"))
    added = draw(pictures, "train/dog/c 1", 4)
    pictures.build(TARGET, overlay=overlay("pictures"))
    assert count(pictures) == 5
    added.unlink()
    pictures.build(TARGET, overlay=overlay("pictures"))
    assert count(pictures) == 4


def test_a_picture_of_another_size_is_noticed_and_hidden_files_are_not(pictures):
    before = (pictures.folder / TARGET).read_bytes()
    size = (pictures.folder / "images/train/cat/a.png").stat().st_size
    assert draw(pictures, "train/cat/a", 16).stat().st_size != size
    pictures.build(TARGET, overlay=overlay("pictures"))
    assert (pictures.folder / TARGET).read_bytes() != before
    (pictures.folder / "images" / "train" / ".DS_Store").touch()
    assert "Nothing to be done" in pictures.build(TARGET, overlay=overlay("pictures"))


def test_a_brace_in_the_name_of_a_picture_is_refused(pictures):
    added = draw(pictures, "train/dog/{1}", 4)
    status, messages = pictures.snakemake(TARGET, overlay=overlay("pictures"))
    added.unlink()
    assert status != 0 and "datasets.mine.path: 'images/train/dog/{1}.png' contains a brace" in messages


def test_a_folder_without_pictures_is_refused_before_any_job(pictures):
    (pictures.folder / "none").mkdir()
    block = {**overlay("pictures"), "datasets": {"none": {"source": "pictures", "path": "none"}}}
    block["experiments"] = {"digits": {"dataset": "none", "outliers": {"folds": 2}}}
    status, messages = pictures.snakemake("results/data/none/train.parquet", overlay=block)
    assert status != 0 and "datasets.none.path: pictures was expected in none" in messages
    assert "Found: nothing" in messages and "Traceback" not in messages
