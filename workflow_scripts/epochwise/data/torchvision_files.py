"""Images in torchvision's files, and their download."""

import gzip
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import numpy as np

from epochwise.data.image_table import Images, checked_labels
from epochwise.data.layouts import TORCHVISION, TorchvisionFiles, locate
from epochwise.data.sources import SOURCES, DataError, Source

DOWNLOADS = Path("data")


def download(source: str) -> TorchvisionFiles:
    """Download what is missing in `data/<source>`, and return the files. Raises DataError if that fails."""
    folder = DOWNLOADS / source
    dataset = _dataset(source)
    if pickles := sorted(folder.glob("*/processed/*.pt")):
        raise DataError(
            f"{pickles[0]} is a pickle of an old torchvision, which would be read instead of the data and cannot be "
            f"checked: delete {pickles[0].parent}; the files in `raw` are enough."
        )
    try:
        dataset(folder, download=True)
    except Exception as error:  # because torchvision raises many kinds
        raise DataError(
            f"{source} could not be downloaded into {folder} ({error}).{_put_aside(dataset, folder)}\n"
            "Put its files into a folder and set `path` of this data set to it. The experiment `digits` needs no "
            "download."
        ) from error
    return locate(source, folder)


def read_splits(source: str, files: TorchvisionFiles) -> tuple[Images, Images]:
    """Both splits. Files and archives whose MD5 sums torchvision knows must have them.

    The files may be anywhere: a temporary folder gets links to them, and the content of archives, in torchvision's own
    layout. Nothing is written into the user's folder. Raises DataError, which names the file that cannot be used.
    """
    dataset = _dataset(source)
    sums = _md5_sums(dataset)
    for path in files.paths:
        _require_md5(path, sums.get(path.name))
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, *TORCHVISION[source].folder)
        folder.mkdir(parents=True)
        for path in files.paths:
            _stage(path, folder, Path(temporary))
        read = _read_idx if folder.name == "raw" else _read_batches  # as in torchvision's layout of MNIST and its kin
        return tuple(read(dataset, folder, train, files.paths[0].parent, SOURCES[source]) for train in (True, False))


def _stage(path: Path, folder: Path, root: Path) -> None:
    """Bring one of torchvision's files, or what an archive contains, into a folder."""
    if path.name.endswith(".tar.gz"):
        import_torchvision().datasets.utils.extract_archive(str(path), str(root))
    elif path.suffix == ".gz":
        with gzip.open(path, "rb") as packed, (folder / path.stem).open("wb") as file:
            shutil.copyfileobj(packed, file)
    else:
        (folder / path.name).symlink_to(path.resolve())


def _read_batches(dataset: type, folder: Path, train: bool, origin: Path, known: Source) -> Images:
    """A split of CIFAR, whose files torchvision reads only if they have the right MD5 sums."""
    try:
        split = dataset(folder.parent, train)
    except Exception as error:  # because torchvision raises many kinds
        raise DataError(f"{origin} cannot be read ({error}); fetch its files again.") from error
    return _images(np.asarray(split.data), np.asarray(split.targets), known, origin)


def _read_idx(dataset: type, folder: Path, train: bool, origin: Path, known: Source) -> Images:
    """A split of a data set with MNIST's files. torchvision knows the MD5 sums of the archives only."""
    mnist = import_torchvision().datasets.mnist
    prefix = "train" if train else "t10k"
    arrays = []
    for name, reader in (("images-idx3-ubyte", mnist.read_image_file), ("labels-idx1-ubyte", mnist.read_label_file)):
        file = f"{prefix}-{name}"
        try:
            arrays.append(reader(folder / file).numpy())
        except Exception as error:  # because torchvision raises many kinds
            raise DataError(
                f"{origin / file} is truncated or damaged ({type(error).__name__} {error}): fetch it again."
            ) from error
    return _images(*arrays, known, origin / f"{prefix}-*")


def _images(pixels: np.ndarray, labels: np.ndarray, known: Source, origin: Path) -> Images:
    """Images of a split from pixels (N, H, W) or (N, H, W, C). Raises DataError, which names `origin`."""
    channels, *size = known.shape
    shape = tuple(size) if channels == 1 else (*size, channels)
    if pixels.dtype != np.uint8 or pixels.shape[1:] != shape:
        raise DataError(
            f"{origin} has images that are {pixels.dtype} of shape {pixels.shape[1:]}, not uint8 of shape {shape}; "
            "name the source that it fits."
        )
    labels = checked_labels(labels, known, origin).astype(np.int16)
    if len(pixels) != len(labels):
        raise DataError(f"{origin} has {len(pixels)} images, but there are {len(labels)} labels; fetch both again.")
    planes = pixels.reshape(-1, *size, channels).transpose(0, 3, 1, 2)
    return Images(planes.reshape(len(labels), -1), labels, known.shape, known.class_names)


def _dataset(source: str) -> type:
    """The class of a data set in torchvision."""
    return getattr(import_torchvision().datasets, SOURCES[source].torchvision)


def _md5_sums(dataset: type) -> dict[str, str]:
    """The MD5 sums that torchvision knows, by the name of the file or archive."""
    if hasattr(dataset, "resources"):
        return dict(dataset.resources)
    listed = [(dataset.filename, dataset.tgz_md5), *dataset.train_list, *dataset.test_list]
    return {**dict(listed), dataset.meta["filename"]: dataset.meta["md5"]}


def _require_md5(path: Path, md5: str | None) -> None:
    """Raise DataError if a file does not have the MD5 sum that torchvision knows, if it knows one."""
    if md5 is not None and not import_torchvision().datasets.utils.check_integrity(path, md5):
        raise DataError(f"{path} is truncated or damaged: its MD5 sum is not {md5}. Fetch it again.")


def _put_aside(dataset: type, folder: Path) -> str:
    """Rename downloaded archives that do not have torchvision's checksum; a sentence for each of them."""
    utils = import_torchvision().datasets.utils
    archives = getattr(dataset, "resources", None) or [(dataset.filename, dataset.tgz_md5)]
    sentences = ""
    for path, md5 in ((path, md5) for name, md5 in archives for path in folder.rglob(name)):
        if not utils.check_integrity(path, md5):
            aside = path.rename(f"{path}.damaged")
            sentences += f" {path} does not have the MD5 sum {md5}: it was renamed to {aside.name}."
    return sentences


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
