"""Image data sets, whatever their source, as one table layout: index, label, pixels (uint8, CHW order)."""

import hashlib
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from epochwise import tables
from epochwise.errors import InputError
from epochwise.sources import SOURCES, Source

DOWNLOADS = Path("data")
_ROWS = 4096  # images decoded at a time


class DataError(InputError):
    """Data are missing or not what they should be; the message names the file and the remedy."""


@dataclass(frozen=True)
class Images:
    """Images of one split: `pixels` (N, C·H·W) uint8 in CHW order, `labels` (N,) int16."""

    pixels: np.ndarray
    labels: np.ndarray
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]


def load(source: str, path: str | None, sha256: str | None = None) -> tuple[Images, Images, str]:
    """Training images, test images, and the SHA-256 of their content (pixels and labels of both splits).

    `path` is a folder in torchvision's or the Parquet layout; None lets torchvision download into `data/<source>`.
    Raises DataError if data are missing, damaged, of another shape, or do not have the expected `sha256`.
    """
    if source == "digits":
        train, test = _digits()
    elif path is not None and (Path(path) / "train.parquet").is_file():
        train, test = (_from_parquet(Path(path) / f"{split}.parquet", SOURCES[source]) for split in ("train", "test"))
    else:
        train, test = _from_torchvision(source, path)
    content = hashlib.sha256()
    for split in (train, test):
        content.update(np.ascontiguousarray(split.pixels).tobytes())
        content.update(split.labels.astype("<i2").tobytes())
    digest = content.hexdigest()
    if sha256 is not None and sha256 != digest:
        raise DataError(
            f"The content of {source} at {path or DOWNLOADS / source} has SHA-256 {digest}, but the configuration "
            f"expects {sha256}: the data were altered. Restore them, or correct `sha256` of this data set."
        )
    return train, test, digest


def to_table(images: Images, source: str, sha256: str) -> pa.Table:
    """The table of one split; its schema metadata carry shape, class names, source and content hash as JSON."""
    metadata = {
        "shape": json.dumps(images.shape),
        "class_names": json.dumps(images.class_names),
        "source": source,
        "sha256": sha256,
    }
    count, pixels = images.pixels.shape
    return pa.Table.from_arrays(
        [
            pa.array(np.arange(count, dtype=np.int32)),
            pa.array(images.labels.astype(np.int16)),
            pa.FixedSizeListArray.from_arrays(pa.array(images.pixels.reshape(-1)), pixels),
        ],
        schema=tables.images_schema(pixels).with_metadata(metadata),
    )


def read(path: str | Path) -> Images:
    """Images of one split from the workflow's own table. Raises InputError naming the file if it is damaged.

    Decoded in pieces: at once, the list structure of the column would take several times the memory of the pixels.
    """
    shape, names = read_metadata(path)
    size = int(np.prod(shape))
    labels = read_labels(path)
    pixels = np.empty((len(labels), size), np.uint8)
    with tables.opened(path, tables.images_schema(size)) as file:
        start = 0
        for batch in file.iter_batches(_ROWS, columns=["pixels"]):
            pixels[start : start + len(batch)] = batch.column(0).flatten().to_numpy().reshape(-1, size)
            start += len(batch)
    return Images(pixels, labels, shape, names)


def read_labels(path: str | Path) -> np.ndarray:
    """Labels (N,) int16 of one split, without reading the images."""
    shape, _ = read_metadata(path)
    return tables.read_arrow(path, tables.images_schema(int(np.prod(shape))), ["label"])["label"].to_numpy()


def read_metadata(path: str | Path) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """Shape (C, H, W) and class names, without reading the images."""
    try:
        metadata: Mapping = pq.read_schema(path).metadata or {}
        return tuple(json.loads(metadata[b"shape"])), tuple(json.loads(metadata[b"class_names"]))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} is no image table of this workflow ({error}); delete it and run again.") from error


def _digits() -> tuple[Images, Images]:
    """scikit-learn's 1,797 digits (8×8, 17 grey levels brought to 0..255), split 70 : 30 by class, always alike."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    known = SOURCES["digits"]
    data = load_digits()
    pixels = np.rint(data.data * (255 / 16)).astype(np.uint8)
    split = train_test_split(pixels, data.target, test_size=known.test, stratify=data.target, random_state=0)
    return tuple(Images(split[i], split[i + 2].astype(np.int16), known.shape, known.class_names) for i in (0, 1))


def _from_parquet(path: Path, known: Source) -> Images:
    """One split in the layout of the Hugging Face copies: `img: struct<bytes, path>`, `label: int64`."""
    from PIL import Image

    if not path.is_file():
        raise DataError(f"There is no {path} beside {path.with_name('train.parquet')}: put both splits there.")
    try:
        table = pq.read_table(path, columns=["img", "label"], page_checksum_verification=True)
        encoded_images = table["img"].combine_chunks().field("bytes").cast(pa.binary())
        if table["label"].null_count:
            raise ValueError("labels are missing")
        labels = _checked(table["label"].cast(pa.int16()).to_numpy(), known)
    except (pa.ArrowException, OSError, KeyError, AttributeError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as a Parquet file with the columns img (struct of encoded bytes and path) and "
            f"label (integer): {error}\nIt may be truncated or altered: fetch it again."
        ) from error
    mode = {1: "L", 3: "RGB"}[known.shape[0]]
    pixels = np.empty((len(table), known.pixels), np.uint8)
    for row, encoded in enumerate(encoded_images):
        try:
            with Image.open(io.BytesIO(encoded.as_py()), formats=("JPEG", "PNG")) as image:
                array = np.asarray(image.convert(mode))
        except Exception as error:  # the decoders raise many kinds
            raise DataError(
                f"{path}: the image in row {row} cannot be decoded ({error}); fetch the file again."
            ) from error
        if array.shape[:2] != known.shape[1:]:
            raise DataError(
                f"{path}: the image in row {row} has size {array.shape[:2]}, not {known.shape[1:]}; "
                "name the source that it fits."
            )
        pixels[row] = array.reshape(*known.shape[1:], known.shape[0]).transpose(2, 0, 1).reshape(-1)
    return Images(pixels, labels, known.shape, known.class_names)


def _from_torchvision(source: str, path: str | None) -> tuple[Images, Images]:
    """Both splits through torchvision, which checks MD5 sums (of MNIST: of downloads); downloads only if no path."""
    known = SOURCES[source]
    folder = Path(path) if path is not None else DOWNLOADS / source
    dataset = getattr(import_torchvision().datasets, known.torchvision)
    if pickles := sorted(folder.glob("*/processed/*.pt")):
        raise DataError(
            f"{pickles[0]} is a pickle of an old torchvision, which would be read in place of the data and cannot be "
            f"checked: delete {pickles[0].parent}; the files in `raw` are enough."
        )
    try:
        return tuple(_images_of(dataset(folder, train, download=path is None), known) for train in (True, False))
    except Exception as error:  # torchvision raises many kinds
        trouble = "could not be downloaded" if path is None else "is not there complete and unaltered"
        aside = _put_aside(dataset, folder) if path is None else ""
        raise DataError(
            f"{source} was looked for in {folder} and {trouble} ({error}).{aside}\n"
            f"Put torchvision's files of {source} (or train.parquet and test.parquet with the columns img and label) "
            "into a folder and set `path` of this data set to it. The experiment `digits` needs no download."
        ) from error


def _put_aside(dataset: type, folder: Path) -> str:
    """Rename what was downloaded and does not have torchvision's checksum; tells of it, for a message."""
    utils = import_torchvision().datasets.utils
    expected = getattr(dataset, "resources", None) or [(dataset.filename, dataset.tgz_md5)]
    told = ""
    for path, md5 in ((path, md5) for name, md5 in expected for path in folder.rglob(name)):
        if not utils.check_integrity(path, md5):
            aside = path.rename(f"{path}.damaged")
            told += f" {path} does not have the MD5 sum {md5}: it was put aside as {aside.name}."
    return told


def _images_of(split, known: Source) -> Images:
    channels, *size = known.shape
    images, shape = np.asarray(split.data), tuple(size) if channels == 1 else (*size, channels)
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        raise ValueError(f"its images are {images.dtype} of shape {images.shape[1:]}, not uint8 of shape {shape}")
    pixels = images.reshape(-1, *size, channels)
    labels = _checked(np.asarray(split.targets, np.int16), known)
    if len(pixels) != len(labels):
        raise ValueError(f"{len(pixels)} images have {len(labels)} labels")
    return Images(pixels.transpose(0, 3, 1, 2).reshape(len(labels), -1), labels, known.shape, known.class_names)


def _checked(labels: np.ndarray, known: Source) -> np.ndarray:
    """The labels, if there are any and all name a class; else ValueError."""
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= known.classes:
        raise ValueError(f"labels must be 0 to {known.classes - 1}, of at least one image")
    return labels


def import_torchvision() -> ModuleType:
    """torchvision, also where its compiled operators do not fit the installed torch.

    A torchvision built for CUDA cannot load its operators beside a CPU build of torch; importing it then fails because
    the operators `nms` and `qnms`, whose Python parts it registers, do not exist. Declaring their schemas lets the
    import pass. No data set uses them.
    """
    import torch

    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision

        torchvision._declared_operators = library  # the declarations live as long as this object
    return torchvision
