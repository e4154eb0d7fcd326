"""Images of one's own: class folders against torchvision's ImageFolder, Parquet files, and every error."""

import os
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from snakemake.utils import update_config

from epochwise.data import class_folders, folder, image_table, noise_kinds
from epochwise.data.layouts import locate
from epochwise.data.loading import load
from epochwise.data.sources import SOURCES, DataError
from epochwise.data.torchvision_files import import_torchvision
from epochwise.workflow import config
from epochwise.workflow.config_checks import ConfigError
from tests.unit.made_data import encoded, table
from tests.unit.test_config import ROOT, changed


def put(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(array, "PNG" if path.suffix.lower() == ".png" else "JPEG"))


@pytest.fixture
def made(random, tmp_path):
    """Class folders with six training and four test pictures of 4 × 6 pixels; the folder and the arrays by name."""
    names = [f"train/{c}/{k}.png" for c in ("dog", "Zebra", "cat") for k in (10, 9)]
    names += [f"test/{c}/{k}.png" for c in ("dog", "cat") for k in (0, 1)]
    arrays = {name: random.integers(0, 256, (4, 6), np.uint8) for name in names}
    for name, array in arrays.items():
        put(tmp_path / name, array)
    return tmp_path, arrays


def described(path, image_size=None, channels=None, table=None):
    return folder.describe(str(path), image_size, channels, table or path / "no table")


def refused(path, *words, **keys):
    """The same message while jobs are planned and while the pictures are read."""
    for read in (described, lambda path: load("folder", str(path))):
        with pytest.raises(DataError) as raised:
            read(path)
        assert all(word in str(raised.value) for word in words), str(raised.value)


def test_class_folders_are_read_back_equal_with_their_names(made):
    path, arrays = made
    train, test, digest = load("folder", str(path))
    assert train.class_names == test.class_names == ("Zebra", "cat", "dog")
    assert train.labels.tolist() == [0, 0, 1, 1, 2, 2] and test.labels.tolist() == [1, 1, 2, 2]
    order = [f"train/{c}/{k}.png" for c in train.class_names for k in (10, 9)]
    np.testing.assert_array_equal(train.pixels, [arrays[name].ravel() for name in order])
    source = described(path)
    assert source.shape == train.shape == (1, 4, 6) and source.class_names == train.class_names
    assert (source.train, source.test) == (6, 4)
    assert load("folder", str(path), digest)[2] == digest


def test_the_order_of_files_and_classes_is_that_of_image_folder(made):
    path, _ = made
    for name in ("train/cat/deeper/3.PNG", "train/cat/deeper/1.JPEG", "train/cat/b.jpg", "train/cat/A.png"):
        put(path / name, np.zeros((4, 6), np.uint8))
    found = class_folders.find(path)
    for split in ("train", "test"):
        theirs = import_torchvision().datasets.ImageFolder(path / split)
        ours = found.labelled(split)
        assert [str(file) for file, _ in ours] == [file for file, _ in theirs.samples]
        names = [found.class_names[label] for _, label in ours]
        assert names == [theirs.classes[label] for _, label in theirs.samples]


def test_hidden_files_and_other_files_do_not_count(made):
    path, _ = made
    before = load("folder", str(path))[2]
    for name in (".DS_Store", "train/.DS_Store", "train/cat/.DS_Store", "train/cat/._9.png", "train/cat/Thumbs.db"):
        (path / name).write_bytes(b"x")
    put(path / "train/.cache/x.png", np.zeros((4, 6), np.uint8))
    put(path / "train/cat/.cache/x.png", np.zeros((4, 6), np.uint8))
    (path / "readme.txt").touch()
    assert load("folder", str(path))[2] == before
    assert len(locate("folder", path).paths) == 10


def test_sizes_and_colours_are_made_the_same_where_the_keys_say_so(made):
    path, _ = made
    put(path / "train/cat/large.png", np.full((40, 50, 3), [200, 0, 0], np.uint8))
    assert described(path, 5, 3).shape == (3, 5, 5)
    train, test, _ = load("folder", str(path), image_size=5, channels=3)
    large = train.pixels[[file.name for file, _ in class_folders.find(path).labelled("train")].index("large.png")]
    np.testing.assert_array_equal(large.reshape(3, 25), np.repeat([[200], [0], [0]], 25, axis=1))
    assert train.shape == (3, 5, 5) and test.pixels.shape == (4, 75)


@pytest.mark.parametrize("kind", ["size", "colour", "damaged"])
def test_pictures_that_do_not_fit_are_named_before_any_job_and_in_the_job(made, kind):
    path, _ = made
    odd = path / "test/dog/2.png"
    put(odd, np.zeros({"size": (4, 7), "colour": (4, 6, 3), "damaged": (4, 6)}[kind], np.uint8))
    if kind == "damaged":
        odd.write_bytes(b"\x89PNG")
    words = {"size": "set `image_size`", "colour": "set `channels`", "damaged": "cannot be read"}[kind]
    for read in (lambda: folder.check_pictures(str(path), None, None), lambda: load("folder", str(path))):
        with pytest.raises(DataError, match=words) as raised:
            read()
        assert str(odd) in str(raised.value)


@pytest.mark.parametrize("missing", ["train", "test"])
def test_a_missing_split_is_refused_with_what_to_do(made, missing):
    path, _ = made
    (path / missing).rename(path / "elsewhere")
    refused(path, f"there is no folder {path / missing}", *(["every fifth"] if missing == "test" else []))


def test_a_folder_of_validation_pictures_is_suggested(made):
    path, _ = made
    (path / "test").rename(path / "val")
    refused(path, f"If {path / 'val'} has the test pictures, rename it to test")


def test_an_empty_class_is_named_with_what_it_holds(made):
    path, _ = made
    (path / "train" / "empty").mkdir()
    (path / "train" / "empty" / "notes.txt").touch()
    refused(path, str(path / "train" / "empty"), "has no PNG or JPEG picture", "notes.txt")


def test_a_class_that_is_only_in_test_is_named(made):
    path, _ = made
    put(path / "test/cow/1.png", np.zeros((4, 6), np.uint8))
    refused(path, str(path / "test"), "lacks: cow")


def test_other_mistakes_in_folders_are_named(made):
    path, _ = made
    put(path / "train/stray.png", np.zeros((4, 6), np.uint8))
    refused(path, str(path / "train/stray.png"), "in no class")
    (path / "train/stray.png").rename(path / "train/cat/a.webp")
    refused(path, str(path / "train/cat/a.webp"), "neither PNG nor JPEG")
    (path / "train/cat/a.webp").unlink()
    (path / "train/cat").rename(path / "train/c\nt")
    (path / "test/cat").rename(path / "test/c\nt")
    refused(path, "'c\\nt'", "rename the folder")


def test_one_class_is_no_data_set(made):
    path, _ = made
    for name in ("train/cat", "train/Zebra", "test/cat"):
        (path / name).rename(path / name.replace("/", "_"))
    refused(path, "has one class, dog")


@pytest.mark.parametrize("name", ["nothing", "x" * 300, "a\0b"])
def test_a_folder_without_pictures_is_named(tmp_path, name):
    with pytest.raises(DataError, match=r"images were expected in [^\n]*\nSet `path` to a folder with train/<class>"):
        locate("folder", tmp_path / name)


def test_if_the_pictures_are_gone_the_table_says_what_they_were(made):
    path, _ = made
    train, test, digest = load("folder", str(path))
    results = path / "results"
    results.mkdir()
    for images, split in ((train, "train"), (test, "test")):
        pq.write_table(image_table.to_table(images, "folder", digest), results / f"{split}.parquet")
    before = described(path)
    (path / "train").rename(path / "gone")
    assert described(path, table=results / "train.parquet") == before


# -- Parquet files -----------------------------------------------------------------------------------------------------


def write(path, pictures, labels, names=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table(map(encoded, pictures), labels, ("image", "label"), class_names=names), path)


@pytest.mark.parametrize("names", [["no", "yes"], None])
@pytest.mark.parametrize("under", ["", "data"])
def test_parquet_files_are_read_back_equal(random, tmp_path, names, under):
    pictures = random.integers(0, 256, (600, 3, 5, 3), np.uint8)
    shards = [f"train-0000{k}-of-00002.parquet" for k in (0, 1)]
    for name, part in zip(shards, (slice(0, 590), slice(590, 596)), strict=True):
        write(tmp_path / under / name, pictures[part], np.arange(600)[part] % 2, names)
    write(tmp_path / under / "test-00000-of-00001.parquet", pictures[596:], [1, 1, 0, 1], names)
    source = described(tmp_path)
    assert source.class_names == tuple(names or "01")
    assert (source.shape, source.train, source.test) == ((3, 3, 5), 596, 4)
    train, test, _ = load("folder", str(tmp_path))
    assert train.class_names == source.class_names and train.shape == (3, 3, 5)
    np.testing.assert_array_equal(train.pixels.reshape(-1, 3, 3, 5), pictures[:596].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(train.labels, np.arange(596) % 2)
    assert test.labels.tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize(
    ("train", "test", "names", "words"),
    [
        ([0, 1], [2], None, ["test.parquet", "labels are from 2 to 2", "0 to 1"]),
        ([0, 2], [0], None, ["train.parquet", "no training image is of class 1, 1"]),
        ([0, 0], [0], ["a", "b"], ["train.parquet", "no training image is of class 1, b"]),
        ([0, 0], [0], None, ["train.parquet", "has one class, 0"]),
        ([0, 1], [], None, ["test.parquet", "has no images"]),
        ([], [0], None, ["train.parquet", "has no images"]),
        ([-1, 1], [0], None, ["train.parquet", "labels are from -1 to 1"]),
    ],
)
def test_labels_that_make_no_data_set_are_refused(tmp_path, train, test, names, words):
    for split, labels in (("train", train), ("test", test)):
        write(tmp_path / f"{split}.parquet", np.zeros((len(labels), 4, 4), np.uint8), labels, names)
    refused(tmp_path, *words)


def test_a_missing_file_and_a_picture_of_another_size_are_named(tmp_path):
    write(tmp_path / "train.parquet", np.zeros((2, 4, 4), np.uint8), [0, 1])
    refused(tmp_path, f"{tmp_path} lacks test.parquet")
    write(tmp_path / "test.parquet", np.zeros((1, 5, 5), np.uint8), [0])
    with pytest.raises(DataError, match=r"test\.parquet: the image in row 0 has 5 × 5: set `image_size`"):
        load("folder", str(tmp_path))
    assert load("folder", str(tmp_path), image_size=4)[1].shape == (1, 4, 4)


# -- the configuration -------------------------------------------------------------------------------------------------


def describe_block(dataset):
    return folder.describe(dataset["path"], dataset["image_size"], dataset["channels"], Path("no table"))


def resolve(dataset, **experiment):
    configuration = changed(("datasets", "ten_digits"), dataset)
    configuration["experiments"]["first"] = {**configuration["experiments"]["first"], **experiment}

    return config.resolve(configuration, SOURCES, noise_kinds.load(), describe_block)["first"]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"source": "folder"}, r"^datasets\.ten_digits\.path: null does not say where"),
        ({"source": "folder", "path": "nowhere"}, r"^datasets\.ten_digits\.path: images were expected in nowhere"),
        ({"source": "digits", "image_size": 8}, r"^datasets\.ten_digits\.image_size: 8 has no effect"),
        ({"source": "digits", "channels": 1}, r"^datasets\.ten_digits\.channels: 1 has no effect"),
        ({"source": "folder", "path": "x", "channels": 2}, r"^datasets\.ten_digits\.channels: 2 is not allowed"),
        ({"source": "folder", "path": "x", "image_size": 0}, r"^datasets\.ten_digits\.image_size: 0 is not allowed"),
    ],
)
def test_bad_keys_are_refused_by_name(dataset, message):
    with pytest.raises(ConfigError, match=message):
        resolve(dataset)


def test_the_sizes_of_ones_own_images_are_known_to_the_configuration(made):
    dataset = {"source": "folder", "path": str(made[0])}
    assert resolve(dataset, subset={"size": 3}, outliers={"folds": 2})["dataset"]["path"] == str(made[0])
    with pytest.raises(ConfigError, match=r"subset\.size: 7 is more than the 6 training samples"):
        resolve(dataset, subset={"size": 7}, outliers={"folds": 2})
    with pytest.raises(ConfigError, match=r"subset\.size: 2 is fewer than the 3 classes"):
        resolve(dataset, subset={"size": 2}, outliers={"folds": 2})


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_named(made):
    path, _ = made
    path.chmod(0)
    try:
        refused(path, "permissions")
    finally:
        path.chmod(0o755)


def test_the_script_and_the_configuration_of_the_documentation_work(random, tmp_path, monkeypatch):
    section = (ROOT / "docs/howto.md").read_text(encoding="utf-8").split("## Use your own images")[1].split("\n## ")[0]
    written = yaml.safe_load(re.search(r"```yaml\n(.*?)```", section, re.S)[1])
    script = re.search(r"```python\n(.*?)```", section, re.S)[1]
    monkeypatch.chdir(tmp_path)
    for number in range(20):
        for name in ("cat", "dog"):
            size = random.integers(5, 9, 2)
            put(tmp_path / f"my_images/train/{name}/{number}.png", random.integers(0, 256, size, np.uint8))
    (tmp_path / "my_images/train/.DS_Store").touch()
    exec(compile(script, "howto.md", "exec"), {})
    defaults = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    update_config(defaults, written)
    block = config.resolve(defaults, SOURCES, noise_kinds.load(), describe_block)["mine"]
    assert list(block["models"]) == ["mlp3", "mlp7"]
    source = describe_block(block["dataset"])
    assert (source.shape, source.class_names) == ((3, 32, 32), ("cat", "dog"))
    assert (source.train, source.test) == (32, 8)
