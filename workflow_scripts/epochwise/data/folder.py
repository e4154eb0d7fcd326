"""The source `folder`: images of one's own, in class folders or Parquet files. The data say what they are."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from epochwise.data import class_folders, image_table, parquet, pictures
from epochwise.data.class_folders import ClassFolders
from epochwise.data.image_table import Images
from epochwise.data.layouts import SPLITS, ParquetFiles, locate
from epochwise.data.pictures import Shape
from epochwise.data.sources import DataError, Source

FOLDER = "folder"  # the name of this source


def describe(path: str, image_size: int | None, channels: int | None, table: Path) -> Source:
    """Shape, classes and numbers of images, from the names of the files and the first picture.

    Args:
        path: folder with class folders or Parquet files.
        image_size: height and width that all pictures get, or None if they have one size already.
        channels: channels that all pictures get, or None if all are gray or all in colour already.
        table: `train.parquet` of this data set in the results. If the pictures are gone, it says what they were.

    Raises:
        DataError: the pictures are neither here nor in `table`, or their folders make no data set.
    """
    try:
        files = locate(FOLDER, path)
    except DataError:
        if table.exists():
            return _described_by(table)
        raise
    _check(files)
    names = _class_names(files)
    first = ((name, pictures.shape_of(picture, name)) for picture, name, _ in itertools.islice(_all(files, "train"), 1))
    shape = pictures.common_shape(first, image_size, channels)
    return Source(shape, names, *(_count(files, split) for split in SPLITS))


def describe_dataset(dataset: Mapping) -> Source:
    """`describe` for the block of a data set in the configuration."""
    table = Path("results/data") / dataset["name"] / "train.parquet"
    return describe(dataset["path"], dataset["image_size"], dataset["channels"], table)


def check_pictures(path: str, image_size: int | None, channels: int | None) -> None:
    """Raise DataError, which names the pictures, if a picture in a class folder is none or is unlike the others.

    Only the heads of the files are read. Pictures in Parquet files are checked when they are read.
    """
    files = locate(FOLDER, path)
    if isinstance(files, ClassFolders):
        pictures.common_shape(_shapes(files), image_size, channels)


def read_splits(path: str, image_size: int | None, channels: int | None) -> tuple[Images, Images]:
    """Training and test images. The arguments are those of `describe`.

    Raises DataError, which names the picture that cannot be read, or two pictures that differ.
    """
    files = locate(FOLDER, path)
    _check(files)
    shape = pictures.common_shape(_shapes(files), image_size, channels)
    names = _class_names(files)
    return tuple(_read_split(_all(files, split), _count(files, split), shape, names) for split in SPLITS)


def _check(files: ClassFolders | ParquetFiles) -> None:
    """Raise DataError if the files make no data set."""
    class_folders.check(files) if isinstance(files, ClassFolders) else _check_labels(files)


def _read_split(found: Iterable[tuple], count: int, shape: Shape, names: tuple[str, ...]) -> Images:
    """The images of one split; `found` yields picture, name and label."""
    pixels, labels = np.empty((count, int(np.prod(shape))), np.uint8), np.empty(count, np.int16)
    for row, (picture, name, label) in enumerate(found):
        pixels[row], labels[row] = pictures.pixels_of(picture, name, shape), label
    return Images(pixels, labels, shape, names)


def _shapes(files: ClassFolders | ParquetFiles) -> Iterator[tuple[str, Shape]]:
    """Name and shape of each picture of both splits."""
    for picture, name, _ in itertools.chain(*(_all(files, split) for split in SPLITS)):
        yield name, pictures.shape_of(picture, name)


def _all(files: ClassFolders | ParquetFiles, split: str) -> Iterator[tuple[Path | bytes, str, int]]:
    """Each picture of a split, as a path or as the content of a file; its name in messages; and its label."""
    if isinstance(files, ClassFolders):
        yield from ((path, str(path), label) for path, label in files.labelled(split))
        return
    for path in getattr(files, split):
        for (name, content), label in zip(parquet.read_pictures(path), parquet.read_labels(path), strict=True):
            yield content, name, label


def _class_names(files: ClassFolders | ParquetFiles) -> tuple[str, ...]:
    """Names of the classes. Of Parquet files without names these are the numbers up to the largest training label."""
    if isinstance(files, ClassFolders):
        return files.class_names
    return parquet.class_names(files.train[0]) or tuple(map(str, range(_labels(files.train).max(initial=-1) + 1)))


def _labels(paths: Sequence[Path]) -> np.ndarray:
    """The labels in the Parquet files of a split."""
    return np.concatenate([parquet.read_labels(path) for path in paths])


def _check_labels(files: ParquetFiles) -> None:
    """Raise DataError if Parquet files have no images, one class, other labels, or a class without training images."""
    names = _class_names(files)
    train, test = _labels(files.train), _labels(files.test)
    for labels, paths in ((train, files.train), (test, files.test)):
        if len(labels) == 0:
            raise DataError(f"{paths[0]} has no images.")
        if labels.min() < 0 or labels.max() >= len(names):
            raise DataError(
                f"{paths[0]}: labels are from {labels.min()} to {labels.max()}, but {files.train[0]} has the classes 0 "
                f"to {len(names) - 1}; correct the labels."
            )
    if absent := sorted({*range(len(names))} - {*train.tolist()}):
        raise DataError(f"{files.train[0]}: no training image is of class {absent[0]}, {names[absent[0]]}; add some.")
    if len(names) < 2:
        raise DataError(f"{files.train[0]} has one class, {names[0]}; add images of others.")


def _count(files: ClassFolders | ParquetFiles, split: str) -> int:
    """Number of pictures of a split."""
    if isinstance(files, ClassFolders):
        return len(files.labelled(split))
    return sum(pq.read_metadata(path).num_rows for path in getattr(files, split))


def _described_by(table: Path) -> Source:
    """What the data set was, from the workflow's own tables."""
    shape, names = image_table.read_metadata(table)
    counts = (pq.read_metadata(table.with_name(f"{split}.parquet")).num_rows for split in SPLITS)
    return Source(shape, names, *counts)
