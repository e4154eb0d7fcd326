"""Human noise: labels that people gave to the training images of CIFAR-10 (CIFAR-10N, Wei et al. 2022)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from epochwise.data import pickled_arrays
from epochwise.data.noise import NoiseSettings, Text
from epochwise.data.sources import SOURCES, Source
from epochwise.workflow.errors import InputError

COLUMNS = {
    "aggre": "aggre_label",
    "random1": "random_label1",
    "random2": "random_label2",
    "random3": "random_label3",
    "worse": "worse_label",
}
CLEAN = "clean_label"
NAMES = ("cifar10n.parquet", "CIFAR-10_human.npy", "CIFAR-10_human.pt")  # the files that are looked for, in this order


class Settings(NoiseSettings):
    """The keys of this kind."""

    labels: Literal["aggre", "random1", "random2", "random3", "worse"]
    """Of kind `human`: which labels of CIFAR-10N. Three people labelled each image. `random1`, `random2`, `random3`:
    the label of one of them (17 to 18 % wrong); `aggre`: their majority (9 % wrong); `worse`: a wrong label if one of
    them gave one (40 % wrong)."""
    path: Text | None = None
    """Of kind `human`: the file with the labels, or its folder: cifar10n.parquet, or the published CIFAR-10_human.npy
    or CIFAR-10_human.pt. `~` and `$NAME` are replaced. null looks in the folder of the data set."""


def given_labels(true: np.ndarray, classes: int, settings: Mapping, random: np.random.Generator) -> np.ndarray:
    """The labels that people gave to the samples. Nothing is drawn, so all seeds have the same labels.

    Args:
        true: true labels (N,), integers in 0..9.
        classes: number of classes, 10.
        settings: `labels`, a name in COLUMNS, and `samples`, for the file and the rows of the samples in it.
        random: not used.

    Returns:
        Given labels (N,), of the dtype of `true`.

    Raises:
        InputError: the file cannot be read, or its clean labels are not those of the data set, in the same order.
    """
    samples = settings["samples"]
    [path] = samples.files
    clean, human = _read(Path(path), COLUMNS[settings["labels"]])
    labels = samples.all_labels()
    differing = len(labels) if len(clean) != len(labels) else int(np.sum(clean != labels))
    if differing:
        raise InputError(
            f"{path}: its {len(clean)} clean labels differ from the {len(labels)} labels of the data set in "
            f"{differing} places. The images must be those of CIFAR-10 in their usual order (data_batch_1 to "
            "data_batch_5); the file CIFAR-10_human_ordered.npy is for another order."
        )
    if human.min() < 0 or human.max() >= classes:
        raise InputError(f"{path}: it has labels from {human.min()} to {human.max()}, not 0 to {classes - 1}.")
    return human[samples.index].astype(true.dtype)


def check(settings: Mapping, source: Source) -> None:
    """Raise InputError for other data than CIFAR-10, and for settings of a draw, because nothing is drawn."""
    if source != SOURCES["cifar10"]:
        raise InputError("kind: 'human' has labels for CIFAR-10 only; choose another kind for this data set.")
    for key, usual in (("shared_draw", True), ("seed", 0)):
        if settings[key] != usual:
            raise InputError(
                f"{key}: {str(settings[key]).lower()} has no effect, because human labels are not drawn; leave it out."
            )


def files(settings: Mapping, folder: str) -> list[Path]:
    """The file with the labels. Raises InputError if it is not where the settings or the data set say."""
    place = Path(settings["path"] or folder)
    candidates = [place] if place.suffix in (".parquet", ".npy", ".pt") else [place / name for name in NAMES]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise InputError(
            f"path: there is no file {' or '.join(map(str, candidates))}. Fetch {NAMES[1]} from "
            "https://github.com/UCSC-REAL/cifar-10-100n, and set `path` to it."
        )
    return [found]


def _read(path: Path, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The clean labels, and those of one column, both (N,) int64."""
    try:
        arrays = _read_parquet(path) if path.suffix == ".parquet" else pickled_arrays.read(path)
        found = [np.asarray(arrays[name]).reshape(-1) for name in (CLEAN, column)]
    except KeyError as error:
        raise InputError(f"{path} has no {error}; it has {', '.join(arrays) or 'nothing'}. Fetch it again.") from error
    for name, labels in zip((CLEAN, column), found, strict=True):
        if labels.dtype.kind not in "iu" or len(labels) != len(found[0]):
            raise InputError(f"{path}: {name} is {labels.dtype} of length {len(labels)}, not one integer per image.")
    return found[0].astype(np.int64), found[1].astype(np.int64)


def _read_parquet(path: Path) -> dict[str, np.ndarray]:
    """The columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is truncated or damaged ({error}); fetch it again.") from error
    return {name: table[name].to_numpy() for name in table.column_names}
