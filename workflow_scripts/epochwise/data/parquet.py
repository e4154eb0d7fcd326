"""Images from Parquet files in the layouts of the Hugging Face copies."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from epochwise.data.image_table import Images, checked_labels
from epochwise.data.layouts import ParquetFiles
from epochwise.data.sources import SOURCES, DataError, Source

IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMNS = ("fine_label", "label", "labels")
_ROWS = 256  # images read at a time


def read_splits(source: str, files: ParquetFiles) -> tuple[Images, Images]:
    """Both splits. Raises DataError, which names the file and says whether it is damaged or has another layout."""
    return _read_split(files.train, SOURCES[source]), _read_split(files.test, SOURCES[source])


def _read_split(paths: Sequence[Path], known: Source) -> Images:
    parts = [_read_file(path, known) for path in paths]
    pixels, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Images(pixels, labels, known.shape, known.class_names)


def _read_file(path: Path, known: Source) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (N, C·H·W) uint8 in CHW order and labels (N,) int16 of one file.

    The images are a struct with the field `bytes`, an encoded PNG or JPEG image; the labels are integers.
    """
    if names := class_names(path):
        _check_class_names(path, names, known)
    labels = checked_labels(read_labels(path), known, path).astype(np.int16)
    pixels = np.empty((len(labels), known.pixels), np.uint8)
    for row, (name, image) in enumerate(read_pictures(path)):
        pixels[row] = _decoded(image, name, known)
    return pixels, labels


def class_names(path: Path) -> tuple[str, ...] | None:
    """The class names that Hugging Face writes into a file, or None if it has none."""
    with _opened(path) as file:
        schema = file.schema_arrow
    _, label_column = _columns(path, schema)
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[label_column]["names"])
    except (KeyError, TypeError, ValueError):
        return None


def read_labels(path: Path) -> np.ndarray:
    """The labels (N,) of one file, integers."""
    with _opened(path) as file:
        _, column = _columns(path, file.schema_arrow)
        labels = file.read([column])[column]
    if labels.null_count:
        raise DataError(f"{path}: {labels.null_count} values of the column {column} are missing.")
    return labels.to_numpy()


def read_pictures(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each image of one file: its name for messages, and its content, an encoded PNG or JPEG image."""
    with _opened(path) as file:
        column, _ = _columns(path, file.schema_arrow)
        contents = (
            image for batch in file.iter_batches(_ROWS, columns=[column]) for image in batch.column(0).field("bytes")
        )
        for row, content in enumerate(contents):
            name = f"{path}: the image in row {row}"
            if not content.is_valid:
                raise DataError(f"{name} is missing: the file must contain the images, not only their paths.")
            yield name, content.as_py()


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file. Raises DataError, which names it, if it cannot be read."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise DataError(_unreadable(path, error)) from error


def _columns(path: Path, schema: pa.Schema) -> tuple[str, str]:
    """The names of the columns of images and labels, if there are any and their types are right."""
    image = next((name for name in IMAGE_COLUMNS if name in schema.names), None)
    label = next((name for name in LABEL_COLUMNS if name in schema.names), None)
    if image is None or label is None:
        raise DataError(
            f"{path} has the columns {', '.join(schema.names) or '(none)'}, but needs one named "
            f"{' or '.join(IMAGE_COLUMNS)} and one named {' or '.join(LABEL_COLUMNS)}; rename its columns."
        )
    encoded = schema.field(image).type
    bytes_type = encoded.field("bytes").type if pa.types.is_struct(encoded) and "bytes" in encoded.names else None
    if bytes_type not in (pa.binary(), pa.large_binary()):
        raise DataError(f"{path}: the column {image} is {encoded}, but must be a struct with the field bytes: binary.")
    if not pa.types.is_integer(schema.field(label).type):
        raise DataError(f"{path}: the column {label} is {schema.field(label).type}, but must be an integer.")
    return image, label


def _check_class_names(path: Path, names: Sequence[str], known: Source) -> None:
    """Compare the class names in the file with those of the source.

    Half of them may be written in another way: the copy of CIFAR-100 has "cra" for "crab".
    """
    alike = sum(map(_same_name, names, known.class_names))
    if len(names) != known.classes or alike < known.classes / 2:
        raise DataError(
            f"{path} has {len(names)} classes, {', '.join(names[:3])} …, but the source has {known.classes}, "
            f"{', '.join(known.class_names[:3])} …: name the source that it fits."
        )


def _same_name(one: str, other: str) -> bool:
    """Whether two class names differ only in case and punctuation: "T - shirt / top" and "T-shirt/top"."""
    return [c.lower() for c in one if c.isalnum()] == [c.lower() for c in other if c.isalnum()]


def _unreadable(path: Path, error: Exception) -> str:
    """Why a file is not readable as Parquet, and what to do."""
    with path.open("rb") as file:
        start = file.read(100)
    if start.startswith(b"version https://git-lfs"):
        return f"{path} is only the pointer of Git LFS to the data: run `git lfs pull` in its folder."
    if not start:
        return f"{path} is empty: fetch it again."
    if not start.startswith(b"PAR1"):
        return f"{path} is not a Parquet file: it begins with {start[:20]!r}. Fetch it again."
    return f"{path} is truncated or damaged ({error}): fetch it again."


def _decoded(encoded: bytes, what: str, known: Source) -> np.ndarray:
    """The pixels (C·H·W,) uint8 of an encoded image, in CHW order. `what` names the image in messages."""
    from PIL import Image

    mode = {1: "L", 3: "RGB"}[known.shape[0]]
    try:
        with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
            array = np.asarray(image.convert(mode))
    except Exception as error:  # because the decoders raise many kinds
        raise DataError(f"{what} cannot be decoded ({error}); fetch the file again.") from error
    if array.shape[:2] != known.shape[1:]:
        raise DataError(f"{what} has size {array.shape[:2]}, not {known.shape[1:]}; name the source that it fits.")
    return array.reshape(*known.shape[1:], known.shape[0]).transpose(2, 0, 1).reshape(-1)
