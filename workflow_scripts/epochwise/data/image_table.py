"""Images as the workflow stores them: one Parquet table per split, with the columns index, label and pixels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from epochwise.data.sources import DataError, Source
from epochwise.workflow import tables
from epochwise.workflow.errors import InputError

_ROWS = 4096  # images decoded at a time


@dataclass(frozen=True)
class Images:
    """Images of one split: `pixels` (N, C·H·W) uint8 in CHW order, `labels` (N,) int16."""

    pixels: np.ndarray
    labels: np.ndarray
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]


def schema(pixels: int) -> pa.Schema:
    """Columns of `train.parquet` and `test.parquet` for images of `pixels` = C·H·W values in CHW order."""
    return pa.schema([("index", pa.int32()), ("label", pa.int16()), ("pixels", pa.list_(pa.uint8(), pixels))])


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
        schema=schema(pixels).with_metadata(metadata),
    )


def read(path: str | Path) -> Images:
    """Images of one split from the workflow's own table. Raises InputError naming the file if it is damaged.

    Decoded in pieces: at once, the list structure of the column would take several times the memory of the pixels.
    """
    shape, names = read_metadata(path)
    size = int(np.prod(shape))
    labels = read_labels(path)
    pixels = np.empty((len(labels), size), np.uint8)
    with tables.open_table(path, schema(size)) as file:
        start = 0
        for batch in file.iter_batches(_ROWS, columns=["pixels"]):
            pixels[start : start + len(batch)] = batch.column(0).flatten().to_numpy().reshape(-1, size)
            start += len(batch)
    return Images(pixels, labels, shape, names)


def read_labels(path: str | Path) -> np.ndarray:
    """Labels (N,) int16 of one split, without reading the images."""
    shape, _ = read_metadata(path)
    return tables.read_arrow(path, schema(int(np.prod(shape))), ["label"])["label"].to_numpy()


def read_metadata(path: str | Path) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """Shape (C, H, W) and class names, without reading the images."""
    try:
        metadata: Mapping = pq.read_schema(path).metadata or {}
        return tuple(json.loads(metadata[b"shape"])), tuple(json.loads(metadata[b"class_names"]))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is not an image table of this workflow ({error}); delete it and run again."
        ) from error


def checked_labels(labels: np.ndarray, known: Source, path: str | Path) -> np.ndarray:
    """The labels that were read from `path`. Raises DataError if there are none, or if one of them names no class."""
    if len(labels) == 0:
        raise DataError(f"{path} has no images; fetch it again.")
    if labels.min() < 0 or labels.max() >= known.classes:
        raise DataError(
            f"{path} has labels from {labels.min()} to {labels.max()}, but labels must be 0 to {known.classes - 1}; "
            "name the source that it fits."
        )
    return labels
