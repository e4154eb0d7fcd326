"""Pictures in one folder per split and class, `train/<class>/` and `test/<class>/`, as torchvision's ImageFolder reads.

Only names are looked at here; no file is opened.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from epochwise.data.sources import DataError

SUFFIXES = (".png", ".jpg", ".jpeg")
_OTHER_PICTURES = (".avif", ".bmp", ".gif", ".heic", ".ppm", ".tif", ".tiff", ".webp")
_SHOWN = 5  # names in a message


@dataclass(frozen=True)
class ClassFolders:
    """The pictures of each split, by the name of their class. The classes are sorted by name, as their labels are."""

    folder: Path
    train: dict[str, tuple[Path, ...]]
    test: dict[str, tuple[Path, ...]]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All pictures."""
        return tuple(path for split in (self.train, self.test) for found in split.values() for path in found)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their labels."""
        return tuple(self.train)

    def labelled(self, split: str) -> list[tuple[Path, int]]:
        """Path and label of each picture of `train` or `test`."""
        found = getattr(self, split)
        return [(path, label) for label, name in enumerate(self.train) for path in found.get(name, ())]


def find(folder: Path) -> ClassFolders | None:
    """The class folders in `folder`, or None if one of the splits has none."""
    splits = {split: _listed_classes(folder / split) for split in ("train", "test")}
    return ClassFolders(folder, **splits) if all(splits.values()) else None


def check(found: ClassFolders) -> None:
    """Raise DataError, which names the folder or file, if these class folders make no data set."""
    train, test = found.folder / "train", found.folder / "test"
    if len(found.train) < 2:
        raise DataError(f"{train} has one class, {found.class_names[0]}; add a folder for each further class.")
    if unknown := [name for name in found.test if name not in found.train]:
        raise DataError(f"{test} has classes that {train} lacks: {_some(unknown)}. Add their training pictures.")
    for folder, classes in ((train, found.train), (test, found.test)):
        if stray := [name for name in _entries(folder)[1] if _is_picture(name)]:
            raise DataError(f"{folder / stray[0]} is in no class; move it into the folder of its class.")
        for name, pictures in classes.items():
            if not name.isprintable():
                raise DataError(f"{folder} has a class named {name!r}, which cannot be printed; rename the folder.")
            if not pictures:
                names = _some([*_entries(folder / name)[1]]) or "nothing"
                raise DataError(f"{folder / name} has no PNG or JPEG picture. Found: {names}. Add some, or remove it.")
    if other := next((path for path in found.paths if path.suffix.lower() in _OTHER_PICTURES), None):
        raise DataError(f"{other} is neither PNG nor JPEG; save it as PNG, or remove it.")


def missing_in(folder: Path) -> str | None:
    """What a folder lacks that has the classes of one split, and how to mend it; None if it has neither."""
    train, test = (bool(_listed_classes(folder / split)) for split in ("train", "test"))
    if train == test:
        return None
    if test:
        return f"there is no folder {folder / 'train'} with a folder for each class."
    others = [name for name in ("val", "valid", "validation") if _listed_classes(folder / name)]
    if others:
        return (
            f"there is no folder {folder / 'test'}. If {folder / others[0]} has the test pictures, rename it to test."
        )
    return (
        f"there is no folder {folder / 'test'} with a folder for each class. Split your pictures: move some of each "
        "class, for instance every fifth, from train/<class>/ to test/<class>/. docs/howto.md has a script for this."
    )


def _listed_classes(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The pictures in each folder of `folder` that is not hidden."""
    return {name: _pictures(folder / name) for name in _entries(folder)[0]}


def _pictures(folder: Path) -> tuple[Path, ...]:
    """All pictures below a folder, in the order of ImageFolder. Hidden files and folders do not count."""
    found = []
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [(root, name) for name in names if _is_picture(name)]
    return tuple(Path(root, name) for root, name in sorted(found))


def _is_picture(name: str) -> bool:
    """Whether a file has the name of a picture, also of one that cannot be read, and is not hidden."""
    return name.lower().endswith(SUFFIXES + _OTHER_PICTURES) and not name.startswith(".")


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the files in a folder that are not hidden, sorted; none if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            shown = [(entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith(".")]
    except (OSError, ValueError):  # ValueError: a null byte in the name
        return [], []
    return tuple(sorted(name for name, is_folder in shown if is_folder == wanted) for wanted in (True, False))


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
