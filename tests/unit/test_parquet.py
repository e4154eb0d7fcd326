"""Parquet files in the layouts of Hugging Face: read exactly, or refused with the file, the reason and the remedy."""

import io
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from epochwise.data.loading import load
from epochwise.data.sources import SOURCES, DataError
from tests.unit.made_data import encoded, table, write_parquet

CIFAR10 = Path(os.environ.get("EPOCHWISE_CIFAR10", "nowhere"))


@pytest.fixture
def pictures(random):
    """Five colour images (H, W, C) that are smooth enough for JPEG."""
    rows, columns = np.mgrid[0:32, 0:32]
    waves = [np.sin(rows / a + columns / b) for a, b in random.uniform(4, 9, (15, 2))]
    return (128 + 100 * np.array(waves).reshape(5, 3, 32, 32).transpose(0, 2, 3, 1)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, pictures):
    """A folder in the layout of the Hugging Face copies: five training images and one test image."""
    pq.write_table(table(map(encoded, pictures), [3, 0, 9, 1, 1]), tmp_path / "train.parquet")
    pq.write_table(table([encoded(pictures[0])], [7]), tmp_path / "test.parquet")
    return tmp_path


def test_png_images_come_back_exactly_in_channel_first_order(folder, pictures):
    train, test, _ = load("cifar10", str(folder))
    assert (train.labels.tolist(), test.labels.tolist()) == ([3, 0, 9, 1, 1], [7])
    for found, picture in zip(train.pixels, pictures, strict=True):
        np.testing.assert_array_equal(found, np.concatenate([picture[:, :, c].ravel() for c in range(3)]))
    assert train.shape == (3, 32, 32) and train.class_names[3] == "cat"


def test_jpeg_images_come_back_nearly(folder, pictures):
    pq.write_table(table([encoded(p, "JPEG") for p in pictures], [0] * 5), folder / "train.parquet")
    train, _, _ = load("cifar10", str(folder))
    found = train.pixels.reshape(5, 3, 32, 32).transpose(0, 2, 3, 1)
    assert np.abs(found.astype(int) - pictures).mean() < 4


ONE_SHARD = "-00000-of-00001"


@pytest.mark.parametrize(
    ("source", "columns", "names"),
    [
        ("mnist", ("image", "label"), f"mnist/{{}}{ONE_SHARD}.parquet"),
        ("fashion_mnist", ("image", "label"), f"fashion_mnist/{{}}{ONE_SHARD}.parquet"),
        ("cifar10", ("img", "label"), f"plain_text/{{}}{ONE_SHARD}.parquet"),
        ("cifar100", ("img", "fine_label"), f"cifar100/{{}}{ONE_SHARD}.parquet"),
        ("cifar10", ("image", "labels"), f"data/{{}}{ONE_SHARD}-b42a8c1f05a6f1b2.parquet"),
        ("cifar10", ("img", "label"), "plain_text/{}/0000.parquet"),
        ("cifar10", ("img", "label"), f"{{}}{ONE_SHARD}.parquet"),
    ],
    ids=["MNIST", "Fashion-MNIST", "CIFAR-10", "CIFAR-100", "data/", "converted branch", "flat"],
)
def test_the_layouts_of_hugging_face_are_read(tmp_path, random, source, columns, names):
    known = SOURCES[source]
    shape = (28, 28) if known.shape[0] == 1 else (32, 32, 3)
    pictures = random.integers(0, 256, (3, *shape), np.uint8)
    write_parquet(tmp_path, pictures, columns, [names.format(split) for split in ("train", "test")])
    for split in load(source, str(tmp_path))[:2]:
        found = split.pixels.reshape(3, *known.shape).transpose(0, 2, 3, 1)
        np.testing.assert_array_equal(found.squeeze(), pictures)
        assert split.labels.tolist() == [0, 1, 2]


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path, pictures):
    for number in (10, 2, 0, 1, *range(3, 10)):
        shard = table([encoded(pictures[number % 5])], [number % 10])
        pq.write_table(shard, tmp_path / f"train-{number:05}-of-00011.parquet")
    pq.write_table(table([encoded(pictures[0])], [7]), tmp_path / "test-00000-of-00001.parquet")
    train, _, _ = load("cifar10", str(tmp_path))
    assert train.labels.tolist() == [*range(10), 0]
    np.testing.assert_array_equal(train.pixels[7], np.moveaxis(pictures[2], 2, 0).ravel())


def test_the_fine_labels_of_cifar100_are_taken(tmp_path, pictures):
    made = table(map(encoded, pictures), [90, 1, 2, 3, 99], ("img", "fine_label"))
    made = made.append_column("coarse_label", pa.array([0] * 5))
    for split in ("train", "test"):
        pq.write_table(made, tmp_path / f"{split}.parquet")
    assert load("cifar100", str(tmp_path))[0].labels.tolist() == [90, 1, 2, 3, 99]


def test_further_columns_and_row_groups_do_not_matter(folder, pictures):
    expected, _, _ = load("cifar10", str(folder))
    larger = pq.read_table(folder / "train.parquet").append_column("note", pa.array(list("abcde")))
    pq.write_table(larger, folder / "train.parquet", row_group_size=2)
    np.testing.assert_array_equal(load("cifar10", str(folder))[0].pixels, expected.pixels)


GREY = np.zeros((32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (table([encoded(GREY)] * 2, [0, 10]), "labels from 0 to 10, but labels must be 0 to 9"),
        (table([encoded(GREY)] * 2, [0, -1]), "labels from -1 to 0, but labels must be 0 to 9"),
        (table([encoded(GREY)], [70_000]), "labels must be 0 to 9"),
        (table([], []), "has no images"),
        (table([encoded(GREY), encoded(GREY[:28])], [0, 1]), r"row 1 has size \(28, 32\), not \(32, 32\)"),
        (table([encoded(GREY), b"no image"], [0, 1]), "row 1 cannot be decoded"),
        (table([encoded(GREY), encoded(GREY)[:40]], [0, 1]), "row 1 cannot be decoded"),
        (table([encoded(GREY), encoded(GREY, "BMP")], [0, 1]), "row 1 cannot be decoded"),
        (table([None, encoded(GREY)], [0, 1]), "row 0 is missing.* not only their paths"),
        (table([encoded(GREY)] * 2, [0, None]), "1 values of the column label are missing"),
        (table([encoded(GREY)], [0]).drop(["img"]), "has the columns label, but needs one named img or image"),
        (table([encoded(GREY)], [0], ("picture", "class")), "has the columns picture, class, but needs .* rename"),
        (pa.table({"img": [encoded(GREY)], "label": [0]}), "column img is binary, but must be a struct"),
        (pa.table({"img": [{"path": "cat.png"}], "label": [0]}), "column img is struct<path: string>, but must be"),
        (table([encoded(GREY)], [1.5], label_type=pa.float64()), "column label is double, but must be an integer"),
        (table([encoded(GREY)], ["cat"], label_type=pa.string()), "column label is string, but must be an integer"),
    ],
    ids=["label too large", "label negative", "label beyond 16 bits", "no rows", "other size", "no image", "image cut",
         "other format", "null image", "null label", "no image column", "other columns", "bytes alone",
         "path alone", "fractional label", "text label"],
)  # fmt: skip
def test_an_unusable_file_is_refused_without_a_word_of_damage_to_the_file(folder, made, message):
    pq.write_table(made, folder / "test.parquet")
    with pytest.raises(DataError, match=rf"{folder}/test\.parquet(?s:.*){message}") as raised:
        load("cifar10", str(folder))
    assert "truncated" not in str(raised.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "is empty: fetch it again"),
        (lambda content: content[:4], "truncated or damaged .*fetch it again"),
        (lambda content: content[:1000], "truncated or damaged .*fetch it again"),
        (lambda content: content[:-1], "truncated or damaged .*fetch it again"),
        (lambda content: b"<!DOCTYPE html><p>404", "is not a Parquet file: it begins with b'<!DOCTYPE html>"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS.*git lfs pull"),
    ],
    ids=["empty", "4 bytes", "1,000 bytes", "last byte missing", "web page", "LFS pointer"],
)  # fmt: skip
def test_a_damaged_file_is_refused_by_name_with_the_kind_of_damage(folder, damage, message):
    path = folder / "train.parquet"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=rf"{path} .*{message}"):
        load("cifar10", str(folder))


def test_a_flipped_byte_is_found(folder):
    path = folder / "train.parquet"
    pq.write_table(pq.read_table(path), path, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{path} is truncated or damaged"):
        load("cifar10", str(folder))


FASHION = ["T - shirt / top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def test_class_names_in_the_file_must_be_those_of_the_source(tmp_path):
    """Fashion-MNIST has the shape and the labels of MNIST, so nothing else can tell them apart."""
    made = table([encoded(GREY[:28, :28, 0])], [9], ("image", "label"), class_names=FASHION)
    for split in ("train", "test"):
        pq.write_table(made, tmp_path / f"{split}.parquet")
    assert load("fashion_mnist", str(tmp_path))[0].class_names[9] == "ankle boot"
    with pytest.raises(DataError, match=r"10 classes, T - shirt / top, Trouser, .*has 10, 0, 1, 2 .*name the source"):
        load("mnist", str(tmp_path))


@pytest.mark.skipif(not CIFAR10.is_dir(), reason="EPOCHWISE_CIFAR10 is not set to a folder of the images")
def test_the_real_images_are_read(tmp_path):
    (tmp_path / "test.parquet").symlink_to(CIFAR10 / "test.parquet")
    real = pq.read_table(CIFAR10 / "test.parquet")
    pq.write_table(real.slice(0, 10), tmp_path / "train.parquet")  # because all 50,000 would take long
    train, test, _ = load("cifar10", str(tmp_path))
    assert np.bincount(test.labels).tolist() == [1000] * 10
    np.testing.assert_array_equal(train.pixels, test.pixels[:10])
    planes = test.pixels.reshape(10_000, 3, 1024) / 255
    np.testing.assert_allclose(planes.mean((0, 2)), (0.4942, 0.4851, 0.4504), atol=0.003)  # of the original images
    np.testing.assert_allclose(planes.std((0, 2)), (0.2467, 0.2429, 0.2616), atol=0.006)
    for row in (0, 1234, 9999):
        image = np.asarray(Image.open(io.BytesIO(real["img"][row]["bytes"].as_py())))
        np.testing.assert_array_equal(test.pixels[row], np.moveaxis(image, 2, 0).ravel())
