"""Small data sets in the layouts of torchvision and Hugging Face, made for tests."""

import gzip
import hashlib
import io
import json
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from epochwise.data.torchvision_files import import_torchvision

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def encoded(array, kind="PNG"):
    """An image (H, W) or (H, W, C) as the content of a file."""
    content = io.BytesIO()
    Image.fromarray(array).save(content, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return content.getvalue()


def table(images, labels, columns=("img", "label"), label_type=None, class_names=None):
    """A table in the layout of the Hugging Face copies, with class names as the library `datasets` writes them."""
    image, label = columns
    made = pa.table(
        {
            image: pa.array([{"bytes": content, "path": None} for content in images], IMAGE),
            label: pa.array(labels, label_type or pa.int64()),
        }
    )
    if class_names:
        features = {image: {"_type": "Image"}, label: {"names": class_names, "_type": "ClassLabel"}}
        made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    return made


def write_parquet(folder: Path, pictures, columns=("img", "label"), names=("train.parquet", "test.parquet")):
    """Two files with the same pictures, labelled 0, 1, 2, …"""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table(map(encoded, pictures), range(len(pictures)), columns), folder / name)


def write_idx(path: Path, array) -> None:
    """An array in MNIST's format."""
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def write_mnist(raw: Path, random) -> dict[str, np.ndarray]:
    """MNIST's four files with 30 and 8 images; their arrays by name."""
    raw.mkdir(parents=True)
    arrays = {}
    for split, n in (("train", 30), ("t10k", 8)):
        arrays[f"{split}-images-idx3-ubyte"] = random.integers(0, 256, (n, 28, 28), np.uint8)
        arrays[f"{split}-labels-idx1-ubyte"] = random.integers(0, 10, n).astype(np.uint8)
    for name, array in arrays.items():
        write_idx(raw / name, array)
    return arrays


def pack_mnist(raw: Path, monkeypatch) -> None:
    """Put each of MNIST's files into an archive, and let torchvision expect the sums of these archives."""
    sums = []
    for path in sorted(raw.iterdir()):
        packed = gzip.compress(path.read_bytes())
        (raw / f"{path.name}.gz").write_bytes(packed)
        path.unlink()
        sums.append((f"{path.name}.gz", hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(import_torchvision().datasets.MNIST, "resources", sums)


def write_cifar10(root: Path, random, monkeypatch) -> np.ndarray:
    """CIFAR-10's files with four images each, whose sums torchvision then expects; the images (24, 3, 32, 32)."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    images = random.integers(0, 256, (24, 3072), np.uint8)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for number, name in enumerate(names):
        batch = {"data": images[4 * number :][:4], "labels": [0, 1, 2, 3]}
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    md5 = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    dataset = import_torchvision().datasets.CIFAR10
    monkeypatch.setattr(dataset, "train_list", [[name, md5[name]] for name in names[:5]])
    monkeypatch.setattr(dataset, "test_list", [["test_batch", md5["test_batch"]]])
    monkeypatch.setattr(dataset, "meta", {**dataset.meta, "md5": md5["batches.meta"]})
    return images.reshape(24, 3, 32, 32)


def pack_cifar10(root: Path, monkeypatch) -> Path:
    """Put CIFAR-10's files into their archive, whose sum torchvision then expects, and delete them."""
    archive = root / "cifar-10-python.tar.gz"
    folder = root / "cifar-10-batches-py"
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, folder.name)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(import_torchvision().datasets.CIFAR10, "tgz_md5", md5)
    return archive
