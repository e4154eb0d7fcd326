"""Load a data set from any source."""

import hashlib

import numpy as np

from epochwise.data import embedded, folder, parquet, torchvision_files
from epochwise.data.image_table import Images
from epochwise.data.layouts import ParquetFiles, locate
from epochwise.data.sources import SOURCES, DataError


def load(
    source: str,
    path: str | None,
    sha256: str | None = None,
    image_size: int | None = None,
    channels: int | None = None,
) -> tuple[Images, Images, str]:
    """Load a data set and check its content.

    Args:
        source: a name in SOURCES, or `folder` for images of one's own.
        path: folder with the files of the data set; see `layouts` for what it may contain. None downloads them into
            `data/<source>`, except for a source that comes with a package.
        sha256: the SHA-256 that the content must have, or None for any.
        image_size: of a folder, the height and width that all pictures get, or None if they have one size already.
        channels: of a folder, the channels that all pictures get, or None if they have the same already.

    Returns:
        Training images, test images, and the SHA-256 of pixels and labels of both splits.

    Raises:
        DataError: data are missing, damaged, of another shape, or do not have the expected `sha256`.
    """
    if source == folder.FOLDER:
        place, (train, test) = path, folder.read_splits(path, image_size, channels)
    elif package := SOURCES[source].package:
        place, (train, test) = f"the package {package}", embedded.read_splits(source)
    else:
        place = path or torchvision_files.DOWNLOADS / source
        files = locate(source, path) if path is not None else torchvision_files.download(source)
        reader = parquet if isinstance(files, ParquetFiles) else torchvision_files
        train, test = reader.read_splits(source, files)
    digest = content_digest(train, test)
    if sha256 is not None and sha256 != digest:
        raise DataError(
            f"The content of {source} at {place} has SHA-256 {digest}, but the configuration expects {sha256}: the "
            "data were altered. Restore them, or correct `sha256` of this data set."
        )
    return train, test, digest


def content_digest(train: Images, test: Images) -> str:
    """SHA-256 of pixels and labels of both splits, in hexadecimal digits."""
    content = hashlib.sha256()
    for split in (train, test):
        content.update(np.ascontiguousarray(split.pixels).tobytes())
        content.update(split.labels.astype("<i2").tobytes())
    return content.hexdigest()
