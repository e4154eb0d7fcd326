"""Load a data set from any source."""

import hashlib
from pathlib import Path

import numpy as np

from epochwise.data import embedded, parquet, torchvision_files
from epochwise.data.image_table import DataError, Images
from epochwise.data.sources import SOURCES


def load(source: str, path: str | None, sha256: str | None = None) -> tuple[Images, Images, str]:
    """Training images, test images, and the SHA-256 of their content (pixels and labels of both splits).

    `path` is a folder in torchvision's or the Parquet layout; None lets torchvision download into `data/<source>`.
    Raises DataError if data are missing, damaged, of another shape, or do not have the expected `sha256`.
    """
    if SOURCES[source].package:
        train, test = embedded.read_splits(source)
    elif path is not None and (Path(path) / "train.parquet").is_file():
        train, test = (
            parquet.read_split(Path(path) / f"{split}.parquet", SOURCES[source]) for split in ("train", "test")
        )
    else:
        train, test = torchvision_files.read_splits(source, path)
    content = hashlib.sha256()
    for split in (train, test):
        content.update(np.ascontiguousarray(split.pixels).tobytes())
        content.update(split.labels.astype("<i2").tobytes())
    digest = content.hexdigest()
    if sha256 is not None and sha256 != digest:
        raise DataError(
            f"The content of {source} at {path or torchvision_files.DOWNLOADS / source} has SHA-256 {digest}, but the "
            f"configuration expects {sha256}: the data were altered. Restore them, or correct `sha256` of this data set."
        )
    return train, test, digest
