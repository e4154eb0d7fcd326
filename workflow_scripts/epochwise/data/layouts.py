"""Where the files of a data set are, in the folder that the configuration names.

Two layouts are known: torchvision's, whose files may still be packed, and the Parquet files of the Hugging Face copies.
Both are accepted in the folder itself, in the folders where they usually are below it, and one level further down, so
that a path that is one level too high or too deep works. Of any other source, all files in the folder count. Only names
are looked at here; no file is opened. Images of one's own (`folder`) are in class folders or in Parquet files.
"""

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path

from epochwise.data import class_folders
from epochwise.data.class_folders import ClassFolders
from epochwise.data.sources import SOURCES, DataError

SPLITS = ("train", "test")
_SHARD = re.compile(r"-(?P<number>\d{5})-of-(?P<count>\d{5})(?:-[0-9a-f]+)?")  # train-00000-of-00002-a1b2.parquet
_SHOWN = 10  # names in a message


@dataclass(frozen=True)
class TorchvisionLayout:
    """torchvision's layout of a data set: its folder, and each of its files with the archive that contains it."""

    folder: tuple[str, ...]
    packed_in: dict[str, str]


@dataclass(frozen=True)
class ParquetFiles:
    """The Parquet files of each split, in the order of their rows."""

    train: tuple[Path, ...]
    test: tuple[Path, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files."""
        return self.train + self.test


@dataclass(frozen=True)
class TorchvisionFiles:
    """torchvision's files, or the archives that contain them."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class OtherFiles:
    """All files of a source whose layout is not known here, because its own loader reads the folder."""

    paths: tuple[Path, ...]


_IDX = tuple(f"{split}-{kind}-ubyte" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
_CIFAR10 = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
TORCHVISION = {
    "cifar10": TorchvisionLayout(("cifar-10-batches-py",), dict.fromkeys(_CIFAR10, "cifar-10-python.tar.gz")),
    "cifar100": TorchvisionLayout(
        ("cifar-100-python",), dict.fromkeys(("train", "test", "meta"), "cifar-100-python.tar.gz")
    ),
    "mnist": TorchvisionLayout(("MNIST", "raw"), {name: f"{name}.gz" for name in _IDX}),
    "fashion_mnist": TorchvisionLayout(("FashionMNIST", "raw"), {name: f"{name}.gz" for name in _IDX}),
}
# These data sets have files of the same names, so only the folder says which one it is.
_SAME_FILE_NAMES = ("MNIST", "FashionMNIST", "KMNIST", "EMNIST", "QMNIST")


def locate(source: str, path: str | Path) -> ParquetFiles | TorchvisionFiles | ClassFolders | OtherFiles:
    """The files of a data set in the folder `path`, or one level above or below where they usually are.

    Of a source that is not in TORCHVISION, these are all files below `path` that are not hidden.

    Raises DataError, which names the files that were expected and what was found, if there are none, if some are
    missing, or if several folders have them.
    """
    path = Path(path)
    if source == "folder":
        return _own_images(path)
    if source not in TORCHVISION:
        return _all_files(source, path)
    if found := _files_at(source, path):
        return found
    folders = [path / name for name in _folder_names(path) if not _is_other(source, name)]
    below = {folder: found for folder in folders if (found := _files_at(source, folder))}
    if len(below) == 1:
        return next(iter(below.values()))
    if below:
        raise DataError(
            f"{source} is in more than one folder of {path}: {', '.join(map(str, below))}. Set `path` of this data set "
            "to one of them."
        )
    places = [place for folder in (path, *folders) for place in _usual_folders(source, folder)]
    missing = next((text for place in places if (text := _missing_in(source, place))), None)
    raise DataError(f"{source} was expected in {path}: {missing or _nothing_found(path)}\n{_remedy(source)}")


def _own_images(path: Path) -> ParquetFiles | ClassFolders:
    """Images of one's own: Parquet files, also in the folder `data` of a Hugging Face copy, or class folders."""
    found = _parquet_in(path) or _parquet_in(path / "data") or class_folders.find(path)
    if found is None:
        missing = class_folders.missing_in(path) or _missing_parquet(path) or _nothing_found(path)
        raise DataError(
            f"images were expected in {path}: {missing}\nSet `path` to a folder with train/<class>/ and test/<class>/ "
            "full of PNG or JPEG files, or with train.parquet and test.parquet, or their shards, of Hugging Face."
        )
    return found


def _all_files(source: str, path: Path) -> OtherFiles:
    """All files below a folder, sorted. Hidden files and folders do not count."""
    names = glob.glob("**", root_dir=path, recursive=True)  # noqa: PTH207  because Path.rglob does not follow links
    found = sorted(file for name in names if (file := path / name).is_file())
    if not found:
        raise DataError(
            f"{source} was expected in {path}: {_nothing_found(path)}\nSet `path` to a folder with its files."
        )
    return OtherFiles(tuple(found))


def _files_at(source: str, path: Path) -> ParquetFiles | TorchvisionFiles | None:
    """The files of a data set in `path` or where they usually are below it; Parquet files before torchvision's."""
    places = _usual_folders(source, path)
    return next((found for place in places if (found := _parquet_in(place))), None) or next(
        (found for place in places if (found := _torchvision_in(source, place))), None
    )


def _usual_folders(source: str, path: Path) -> list[Path]:
    """Where the files may be if `path` is the usual folder, a folder inside it, or the innermost one.

    For mnist: MNIST/raw, raw, then the folders of Hugging Face, and `path` itself. The innermost folder comes first,
    because an archive often lies beside its unpacked files.
    """
    chain = TORCHVISION[source].folder
    inner = [path.joinpath(*chain[start:]) for start in range(len(chain))]
    return [*inner, path, *(path / name for name in ("plain_text", "data", source, "default"))]


def _parquet_in(folder: Path) -> ParquetFiles | None:
    """The Parquet files of both splits if all are in this folder."""
    names = _file_names(folder)
    splits = {split: _parquet_files(folder, names, split) for split in SPLITS}
    if all(splits.values()) and not any(_missing_shards(names, split) for split in SPLITS):
        return ParquetFiles(**splits)
    return None


def _torchvision_in(source: str, folder: Path) -> TorchvisionFiles | None:
    """torchvision's files of a data set, or the archives they come in, if all are in this folder."""
    names = _file_names(folder)
    found = [name if name in names else archive for name, archive in TORCHVISION[source].packed_in.items()]
    if all(name in names for name in found) and not _is_of_another_data_set(source, folder):
        return TorchvisionFiles(tuple(folder / name for name in dict.fromkeys(found)))
    return None


def _parquet_files(folder: Path, names: set[str], split: str) -> tuple[Path, ...]:
    """`train.parquet`, or its shards `train-00000-of-00002.parquet` …, or `train/0000.parquet` … in this folder."""
    if f"{split}.parquet" in names:
        return (folder / f"{split}.parquet",)
    if shards := _shards(names, split):
        return tuple(folder / name for name in shards)
    return tuple(folder / split / name for name in sorted(_file_names(folder / split)) if name.endswith(".parquet"))


def _shards(names: set[str], split: str) -> list[str]:
    return sorted(
        name
        for name in names
        if name.startswith(f"{split}-") and name.endswith(".parquet") and _SHARD.fullmatch(name[len(split) : -8])
    )


def _missing_shards(names: set[str], split: str) -> list[str]:
    """The shards that the names of the others promise: 00001-of-00002 if only 00000-of-00002 is there."""
    if f"{split}.parquet" in names or not (shards := _shards(names, split)):
        return []
    found = [_SHARD.fullmatch(name[len(split) : -8]) for name in shards]
    count, numbers = int(found[0]["count"]), {int(match["number"]) for match in found}
    return [f"{split}-{number:05}-of-{count:05}.parquet" for number in range(count) if number not in numbers]


def _missing_in(source: str, folder: Path) -> str | None:
    """What a folder lacks that has some of the files, as a sentence."""
    if missing := _missing_parquet(folder):
        return missing
    names = _file_names(folder)
    packed_in = TORCHVISION[source].packed_in
    missing = [name for name, archive in packed_in.items() if name not in names and archive not in names]
    if len(missing) < len(packed_in) and not _is_of_another_data_set(source, folder):
        return f"{folder} lacks {_listed(missing)}; it has {_listed(sorted(names))}."
    return None


def _missing_parquet(folder: Path) -> str | None:
    """What a folder lacks that has some of the Parquet files, as a sentence."""
    names = _file_names(folder)
    if not any(_parquet_files(folder, names, split) for split in SPLITS):
        return None
    missing = [name for split in SPLITS for name in _missing_shards(names, split)]
    missing += [f"{split}.parquet" for split in SPLITS if not _parquet_files(folder, names, split)]
    return f"{folder} lacks {_listed(missing)}; it has {_listed(sorted(names))}."


def _nothing_found(path: Path) -> str:
    """What is there instead, as a sentence."""
    if not os.path.isdir(path):  # noqa: PTH112  because Path.is_dir raises where a name is too long
        return f"there is no folder {str(path)!r}{'' if path.is_absolute() else f' in {Path.cwd()}'}."
    if not os.access(path, os.R_OK | os.X_OK):
        return f"the permissions of {path} do not allow to list it."
    names = [*(f"{name}/" for name in _folder_names(path)), *sorted(_file_names(path))]
    return f"none of its files is there. Found: {_listed(names) or 'nothing'}."


def _remedy(source: str) -> str:
    layout = TORCHVISION[source]
    files = _listed(list(layout.packed_in))
    archives = _listed(list(dict.fromkeys(layout.packed_in.values())))
    embedded = " and ".join(f"`{name}`" for name, known in SOURCES.items() if known.package)
    return (
        f"Set `path` of this data set to a folder with one of these: {'/'.join(layout.folder)}/ with {files}; or "
        f"{archives}; or train.parquet and test.parquet, or their shards, in the layout of Hugging Face. "
        f"{embedded} need no download."
    )


def _is_other(source: str, name: str) -> bool:
    """Whether a folder has the name of another data set."""
    others = [known for known in TORCHVISION if known != source]
    return name in others or name in {part for known in others for part in TORCHVISION[known].folder if part != "raw"}


def _is_of_another_data_set(source: str, folder: Path) -> bool:
    """Whether a folder belongs to another data set whose files have the same names as MNIST's."""
    own = TORCHVISION[source].folder[0]
    absolute = Path(os.path.abspath(folder))  # noqa: PTH100  because `resolve` would follow links
    parents = {absolute.name, absolute.parent.name if absolute.name == "raw" else ""}
    return bool(parents & (set(_SAME_FILE_NAMES) - {own}))


def _file_names(folder: Path) -> set[str]:
    """Names of the files in a folder, without links to nowhere; none if the folder cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except (OSError, ValueError):  # ValueError: a null byte in the name
        return set()


def _folder_names(folder: Path) -> list[str]:
    """Names of the folders in a folder that are not hidden, sorted; none if the folder cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except (OSError, ValueError):  # ValueError: a null byte in the name
        return []


def _listed(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    shown = ", ".join(names[:_SHOWN]).encode("utf-8", "backslashreplace").decode()  # a name may hold any bytes
    return shown + (f" and {rest} more" if rest > 0 else "")
