"""The workflow's own table of images: it comes back as it was written, or is refused with the name of the file."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epochwise.data import image_table
from epochwise.data.image_table import Images
from epochwise.workflow import tables
from epochwise.workflow.errors import InputError


@pytest.fixture
def stored(tmp_path, random):
    """More images than are decoded at a time, and their table."""
    labels = random.integers(0, 3, 9000).astype(np.int16)
    images = Images(random.integers(0, 256, (9000, 12), np.uint8), labels, (3, 2, 2), ("a", "b", "−"))
    tables.write_arrow(image_table.to_table(images, "made_up", "f" * 64), tmp_path / "train.parquet")
    return images, tmp_path / "train.parquet"


def test_images_come_back_from_the_table_as_they_were(stored):
    images, path = stored
    found = image_table.read(path)
    np.testing.assert_array_equal(found.pixels, images.pixels)
    np.testing.assert_array_equal(found.labels, images.labels)
    assert (found.shape, found.class_names) == (images.shape, images.class_names) == image_table.read_metadata(path)
    np.testing.assert_array_equal(image_table.read_labels(path), images.labels)


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
    with pytest.raises(InputError, match=f"{path} is not an image table"):
        image_table.read(path)


def test_altered_pixels_in_the_table_are_found(stored):
    _, path = stored
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{path} cannot be used"):
        image_table.read(path)


def test_another_table_is_no_table_of_images(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=f"{tmp_path}/t.parquet is not an image table of this workflow.*delete it"):
        image_table.read(tmp_path / "t.parquet")
