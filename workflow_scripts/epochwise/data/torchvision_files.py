"""Images through torchvision, which downloads them or reads its own layout of files."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from epochwise.data.image_table import DataError, Images, checked_labels
from epochwise.data.sources import SOURCES, Source

DOWNLOADS = Path("data")


def read_splits(source: str, path: str | None) -> tuple[Images, Images]:
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
    labels = checked_labels(np.asarray(split.targets, np.int16), known)
    if len(pixels) != len(labels):
        raise ValueError(f"{len(pixels)} images have {len(labels)} labels")
    return Images(pixels.transpose(0, 3, 1, 2).reshape(len(labels), -1), labels, known.shape, known.class_names)


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
