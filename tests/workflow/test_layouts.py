"""The workflow on images from a local folder: a small one made here, and all of CIFAR-10 where it is at hand."""

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from epochwise.data import image_table

CIFAR10 = Path(os.environ.get("EPOCHWISE_CIFAR10", "nowhere"))


def experiment(path) -> dict:
    """CIFAR-10 from a folder: one small network, one seed, two epochs."""
    block = {
        "models": {"mlp3": {"hidden_layers": 2, "width": 8}, "mlp5": None, "mlp7": None},
        "seeds": [0],
        "training": {"epochs": 2},
    }
    return {
        "experiment": "cifar10_uniform",
        "datasets": {"cifar10": {"path": str(path), "components": 5}},
        "experiments": {"cifar10_uniform": block},
    }


def write_split(path, count, random):
    """A split in the Parquet layout with random PNG images; returns pixels (N, 32, 32, 3) and labels."""
    pixels = random.integers(0, 256, (count, 32, 32, 3), np.uint8)
    labels = np.arange(count) % 10
    encoded = []
    for image in pixels:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        encoded.append({"bytes": buffer.getvalue(), "path": None})
    images = pa.array(encoded, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"img": images, "label": pa.array(labels, pa.int64())}), path)
    return pixels, labels


def test_a_parquet_folder_goes_all_the_way(checkout):
    random = np.random.default_rng(0)
    folder = checkout.folder / "images"
    folder.mkdir()
    pixels, labels = write_split(folder / "train.parquet", 200, random)
    write_split(folder / "test.parquet", 50, random)
    overlay = experiment("images")
    checkout.build("all", overlay=overlay)
    images = image_table.read(checkout.results / "data" / "cifar10" / "train.parquet")
    np.testing.assert_array_equal(images.pixels.reshape(-1, 3, 32, 32), pixels.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(images.labels, labels)
    assert (checkout.results / "cifar10_uniform" / "figures" / "scenario.png").exists()
    assert "Nothing to be done" in checkout.build("all", overlay=overlay)
    (folder / "train.parquet").touch()
    assert checkout.planned(overlay) == {}
    write_split(folder / "test.parquet", 60, random)
    assert {"dataset", "corrupt", "train", "figure"} <= checkout.planned(overlay).keys(), "other data are seen"
    shutil.rmtree(folder)
    assert checkout.planned(overlay) == {}, "data that are gone are not needed again"


@pytest.mark.skipif(not CIFAR10.is_dir(), reason="EPOCHWISE_CIFAR10 is not set to a folder of the images")
def test_all_of_cifar10_is_read(checkout):
    target = "results/data/cifar10/train.parquet"
    checkout.build(target, overlay=experiment(CIFAR10))
    images = image_table.read(checkout.folder / target)
    np.testing.assert_array_equal(np.bincount(images.labels), [5000] * 10)
    assert images.pixels.shape == (50_000, 3 * 32 * 32)
    assert images.class_names[3] == "cat"
    means = images.pixels.reshape(-1, 3, 1024).mean(axis=(0, 2)) / 255
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], atol=0.005)  # CIFAR-10's well-known channel means
