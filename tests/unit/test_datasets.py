"""Data sets of every source and layout: read exactly, or refused with the file, what is wrong, and the remedy."""

import hashlib
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from epochwise.data.datasets import DataError, Images
from PIL import Image
from sklearn.datasets import load_digits

from epochwise.data import datasets
from epochwise.data.sources import SOURCES
from epochwise.workflow import tables
from epochwise.workflow.errors import InputError

CIFAR10 = Path(os.environ.get("EPOCHWISE_CIFAR10", "nowhere"))
IMG = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


# -- digits ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits", None)


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
    assert digest == hashlib.sha256(content).hexdigest() == datasets.load("digits", None, digest)[2]


def test_altered_content_is_refused_with_both_sums(digits):
    with pytest.raises(
        DataError, match=rf"digits .*{digits[2]}.* expects {'0' * 64}.*Restore them, or correct `sha256`"
    ):
        datasets.load("digits", None, "0" * 64)


# -- Parquet -----------------------------------------------------------------------------------------------------------


def encoded(array, kind="PNG"):
    content = io.BytesIO()
    Image.fromarray(array).save(content, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return content.getvalue()


def layout(images, labels, label_type=None):
    return pa.table(
        {
            "img": pa.array([{"bytes": image, "path": None} for image in images], IMG),
            "label": pa.array(labels, label_type or pa.int64()),
        }
    )


@pytest.fixture
def pictures(random):
    """Five colour images (H, W, C) that are smooth enough for JPEG."""
    rows, columns = np.mgrid[0:32, 0:32]
    waves = [np.sin(rows / a + columns / b) for a, b in random.uniform(4, 9, (15, 2))]
    return (128 + 100 * np.array(waves).reshape(5, 3, 32, 32).transpose(0, 2, 3, 1)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, pictures):
    """A folder in the layout of the Hugging Face copies: five training images and one test image."""
    pq.write_table(layout(map(encoded, pictures), [3, 0, 9, 1, 1]), tmp_path / "train.parquet")
    pq.write_table(layout([encoded(pictures[0])], [7]), tmp_path / "test.parquet")
    return tmp_path


def test_png_images_come_back_exactly_in_channel_first_order(folder, pictures):
    train, test, _ = datasets.load("cifar10", str(folder))
    assert (train.labels.tolist(), test.labels.tolist()) == ([3, 0, 9, 1, 1], [7])
    for found, picture in zip(train.pixels, pictures, strict=True):
        np.testing.assert_array_equal(found, np.concatenate([picture[:, :, c].ravel() for c in range(3)]))
    assert train.shape == (3, 32, 32) and train.class_names[3] == "cat"


def test_jpeg_images_come_back_nearly(folder, pictures):
    pq.write_table(layout([encoded(p, "JPEG") for p in pictures], [0] * 5), folder / "train.parquet")
    train, _, _ = datasets.load("cifar10", str(folder))
    found = train.pixels.reshape(5, 3, 32, 32).transpose(0, 2, 3, 1)
    assert np.abs(found.astype(int) - pictures).mean() < 4


def test_grey_images(tmp_path, random):
    pictures = random.integers(0, 256, (2, 28, 28), np.uint8)
    for split in ("train", "test"):
        pq.write_table(layout(map(encoded, pictures), [3, 4]), tmp_path / f"{split}.parquet")
    train, _, _ = datasets.load("mnist", str(tmp_path))
    np.testing.assert_array_equal(train.pixels.reshape(2, 28, 28), pictures)


def test_further_columns_and_row_groups_do_not_matter(folder, pictures):
    expected, _, _ = datasets.load("cifar10", str(folder))
    table = pq.read_table(folder / "train.parquet").append_column("note", pa.array(list("abcde")))
    pq.write_table(table, folder / "train.parquet", row_group_size=2)
    np.testing.assert_array_equal(datasets.load("cifar10", str(folder))[0].pixels, expected.pixels)


GREY = np.zeros((32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (layout([encoded(GREY)] * 2, [0, 10]), "labels must be 0 to 9"),
        (layout([encoded(GREY)] * 2, [0, -1]), "labels must be 0 to 9"),
        (layout([], []), "labels must be"),
        (layout([encoded(GREY), encoded(GREY[:28])], [0, 1]), r"row 1 has size \(28, 32\), not \(32, 32\)"),
        (layout([encoded(GREY), b"no image"], [0, 1]), "row 1 cannot be decoded"),
        (layout([encoded(GREY), encoded(GREY)[:40]], [0, 1]), "row 1 cannot be decoded"),
        (layout([encoded(GREY), encoded(GREY, "BMP")], [0, 1]), "row 1 cannot be decoded"),
        (layout([None, encoded(GREY)], [0, 1]), "row 0 cannot be decoded"),
        (layout([encoded(GREY)], [0]).drop(["img"]), r"columns img .* and label"),
        (layout([encoded(GREY)], [0]).rename_columns(["img", "fine_label"]), r"columns img .* and label"),
    ],
    ids=["label too large", "label negative", "no rows", "other size", "no image", "image cut", "other format",
         "null image", "no img", "no label"],
)  # fmt: skip
def test_an_unusable_split_is_refused_by_file_and_row(folder, table, message):
    pq.write_table(table, folder / "test.parquet")
    with pytest.raises(DataError, match=rf"{folder}/test\.parquet(?s:.*){message}"):
        datasets.load("cifar10", str(folder))


@pytest.mark.parametrize(
    "table",
    [
        layout([encoded(GREY)] * 2, [0, None]),
        layout([encoded(GREY)] * 2, [0, 1.5], pa.float64()),
        layout([encoded(GREY)] * 2, ["cat", "dog"], pa.string()),
        pa.table({"img": [encoded(GREY)], "label": [0]}),
        pa.table({"img": [{"path": "cat.png"}], "label": [0]}),
    ],
    ids=["null label", "fractional label", "text label", "img is bytes", "img without bytes"],
)
def test_columns_of_another_type_are_refused(folder, table):
    pq.write_table(table, folder / "test.parquet")
    with pytest.raises(DataError, match=rf"{folder}/test\.parquet"):
        datasets.load("cifar10", str(folder))


@pytest.mark.parametrize("length", [0, 4, 1000, -1])
def test_a_truncated_parquet_file_is_refused_by_name(folder, length):
    path = folder / "train.parquet"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=rf"{path} cannot be read(?s:.*)truncated or altered: fetch it again"):
        datasets.load("cifar10", str(folder))


def test_a_missing_test_split_is_named(folder):
    (folder / "test.parquet").unlink()
    with pytest.raises(DataError, match=rf"{folder}/test\.parquet"):
        datasets.load("cifar10", str(folder))


@pytest.mark.skipif(not CIFAR10.is_dir(), reason="EPOCHWISE_CIFAR10 is not set to a folder of the images")
def test_the_real_images_are_read(tmp_path):
    (tmp_path / "test.parquet").symlink_to(CIFAR10 / "test.parquet")
    table = pq.read_table(CIFAR10 / "test.parquet")
    pq.write_table(table.slice(0, 10), tmp_path / "train.parquet")  # all 50,000 would take long
    train, test, _ = datasets.load("cifar10", str(tmp_path))
    assert np.bincount(test.labels).tolist() == [1000] * 10
    np.testing.assert_array_equal(train.pixels, test.pixels[:10])
    planes = test.pixels.reshape(10_000, 3, 1024) / 255
    np.testing.assert_allclose(planes.mean((0, 2)), (0.4942, 0.4851, 0.4504), atol=0.003)  # of the original images
    np.testing.assert_allclose(planes.std((0, 2)), (0.2467, 0.2429, 0.2616), atol=0.006)
    for row in (0, 1234, 9999):
        image = np.asarray(Image.open(io.BytesIO(table["img"][row]["bytes"].as_py())))
        np.testing.assert_array_equal(test.pixels[row], np.moveaxis(image, 2, 0).ravel())


# -- torchvision -------------------------------------------------------------------------------------------------------


def test_torchvision_can_be_imported_here():
    torchvision = datasets.import_torchvision()
    assert all(hasattr(torchvision.datasets, s.torchvision) for s in SOURCES.values() if s.torchvision)
    assert datasets.import_torchvision() is torchvision


@pytest.mark.parametrize("source", ["cifar10", "cifar100", "mnist", "fashion_mnist"])
def test_missing_data_tell_what_was_looked_for_where_and_what_to_do(tmp_path, source):
    with pytest.raises(DataError) as raised:
        datasets.load(source, str(tmp_path / "nowhere"))
    message = str(raised.value)
    for part in (source, f"{tmp_path}/nowhere", "set `path`", "train.parquet", "img and label", "`digits` needs no"):
        assert part in message
    assert message.count(f"{tmp_path}/nowhere") == 1 and "Traceback" not in message


def test_a_download_that_fails_tells_the_same(tmp_path, monkeypatch):
    def offline(self, *arguments, download, **options):
        assert download
        raise OSError("no route to host")

    monkeypatch.setattr(datasets.import_torchvision().datasets.CIFAR10, "__init__", offline)
    with pytest.raises(DataError, match=r"cifar10 .*could not be downloaded \(no route to host\)(?s:.*)set `path`"):
        datasets.load("cifar10", None)


def test_altered_files_of_cifar10_are_refused(tmp_path, random):
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        batch = {"data": random.integers(0, 256, (4, 3072), np.uint8), "labels": [0, 1, 2, 3]}
        (batches / name).write_bytes(pickle.dumps(batch))
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": list(SOURCES["cifar10"].class_names)}))
    with pytest.raises(
        DataError, match=rf"cifar10 was looked for in {tmp_path} and is not there complete and unaltered"
    ):
        datasets.load("cifar10", str(tmp_path))


def write_idx(path, array):
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def mnist(tmp_path, random):
    """A folder in torchvision's layout of MNIST with 30 and 8 images, and its files by name."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    arrays = {}
    for split, n in (("train", 30), ("t10k", 8)):
        arrays[f"{split}-images-idx3-ubyte"] = random.integers(0, 256, (n, 28, 28), np.uint8)
        arrays[f"{split}-labels-idx1-ubyte"] = random.integers(0, 10, n).astype(np.uint8)
    for name, array in arrays.items():
        write_idx(raw / name, array)
    return tmp_path, raw, arrays


def test_mnist_in_the_layout_of_torchvision(mnist):
    folder, _, arrays = mnist
    train, test, _ = datasets.load("mnist", str(folder))
    for split, name in ((train, "train"), (test, "t10k")):
        np.testing.assert_array_equal(split.pixels.reshape(-1, 28, 28), arrays[f"{name}-images-idx3-ubyte"])
        np.testing.assert_array_equal(split.labels, arrays[f"{name}-labels-idx1-ubyte"])
    assert train.shape == (1, 28, 28) and len(train.class_names) == 10


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("train-images-idx3-ubyte", lambda content: content[:-100]),
        ("t10k-images-idx3-ubyte", lambda content: b""),
        ("train-images-idx3-ubyte", lambda content: b"x" * 500),
        ("train-labels-idx1-ubyte", lambda content: content[:8] + b"\x4d" * 30),
        ("train-labels-idx1-ubyte", lambda content: content[:7] + b"\x0a" + b"\1" * 10),
    ],
    ids=["images cut", "images empty", "images garbage", "labels beyond the classes", "fewer labels than images"],
)
def test_damaged_files_of_mnist_are_refused(mnist, name, damage):
    folder, raw, _ = mnist
    (raw / name).write_bytes(damage((raw / name).read_bytes()))
    with pytest.raises(DataError, match=rf"mnist was looked for in {folder}"):
        datasets.load("mnist", str(folder))


@pytest.mark.parametrize("shape", [(30, 14, 56), (30, 784, 1), (60, 14, 28)])
def test_images_of_another_shape_are_refused(mnist, shape):
    folder, raw, arrays = mnist
    write_idx(raw / "train-images-idx3-ubyte", arrays["train-images-idx3-ubyte"].reshape(shape))
    with pytest.raises(DataError, match=r"not uint8 of shape \(28, 28\)"):
        datasets.load("mnist", str(folder))


def test_class_names_do_not_depend_on_the_layout(mnist):
    assert datasets.load("mnist", str(mnist[0]))[0].class_names == SOURCES["mnist"].class_names


# -- the workflow's own table ------------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path, random):
    """More images than are decoded at a time, and their table."""
    labels = random.integers(0, 3, 9000).astype(np.int16)
    images = Images(random.integers(0, 256, (9000, 12), np.uint8), labels, (3, 2, 2), ("a", "b", "−"))
    tables.write_arrow(datasets.to_table(images, "made_up", "f" * 64), tmp_path / "train.parquet")
    return images, tmp_path / "train.parquet"


def test_images_come_back_from_the_table_as_they_were(stored):
    images, path = stored
    found = datasets.read(path)
    np.testing.assert_array_equal(found.pixels, images.pixels)
    np.testing.assert_array_equal(found.labels, images.labels)
    assert (found.shape, found.class_names) == (images.shape, images.class_names) == datasets.read_metadata(path)
    np.testing.assert_array_equal(datasets.read_labels(path), images.labels)


def test_the_table_is_that_of_the_contract(stored):
    _, path = stored
    table = pq.read_table(path)
    types = {"index": pa.int32(), "label": pa.int16(), "pixels": pa.list_(pa.uint8(), 12)}
    assert {field.name: field.type for field in table.schema} == types
    assert table["index"].to_pylist() == list(range(9000))
    metadata = table.schema.metadata
    assert metadata[b"source"] == b"made_up" and metadata[b"sha256"] == b"f" * 64


@pytest.mark.parametrize("cut", [0, 100, 50_000, -1])
def test_a_truncated_table_of_images_is_refused_by_name(stored, cut):
    _, path = stored
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=f"{path} is no image table"):
        datasets.read(path)


def test_altered_pixels_in_the_table_are_found(stored):
    _, path = stored
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{path} cannot be used"):
        datasets.read(path)


def test_another_table_is_no_table_of_images(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=f"{tmp_path}/t.parquet is no image table of this workflow.*delete it"):
        datasets.read(tmp_path / "t.parquet")
