"""The files that data sets and noises are read from, and whether they can be used, before any job starts."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from epochwise.data import folder as own_images
from epochwise.data.layouts import locate
from epochwise.data.sources import DataError
from epochwise.workflow.config import ConfigError
from epochwise.workflow.errors import InputError


class FolderError(InputError):
    """The folder of the workflow or of its results cannot be used."""


def has_braces(path: str | Path) -> bool:
    """Whether Snakemake would take a part of this path for a wildcard."""
    return bool(set("{}") & set(str(path)))


def check_folders(*folders: Path) -> None:
    """Raise FolderError if a folder that the workflow runs in has a brace in its path."""
    for path in filter(has_braces, folders):
        raise FolderError(
            f"{path}: Snakemake takes the braces in this path for wildcards. Rename the folder, because the workflow "
            "and its results must be in folders without braces."
        )


def check_data(experiments: Mapping[str, dict], *, pictures: bool) -> None:
    """Raise ConfigError if a data set's path has a brace, or if its files are not there and are still needed.

    They are needed until `train.parquet` has been made from them. With `pictures`, the heads of one's own pictures are
    read too.
    """
    for dataset in [b["dataset"] for b in experiments.values() if b["dataset"]["path"] is not None]:
        name, path = dataset["name"], dataset["path"]
        _refuse_braces(name, path)
        if Path(f"results/data/{name}/train.parquet").exists():
            continue
        try:
            locate(dataset["source"], path)
            if dataset["source"] == own_images.FOLDER and pictures:
                own_images.check_pictures(path, dataset["image_size"], dataset["channels"])
        except DataError as error:
            raise ConfigError(f"datasets.{name}.path: {error}") from None


def check_noises(experiments: Mapping[str, dict], kinds: Mapping[str, ModuleType]) -> None:
    """Raise ConfigError if a file that a noise reads is not there and still needed, or has a brace in its path."""
    for experiment, noise in [(name, noise) for name, b in experiments.items() for noise in b["noises"]]:
        where = f"experiments.{experiment}.noises.{noise}"
        try:
            files = locate_noise(experiments[experiment], noise, kinds)
        except InputError as error:  # its message begins with the key
            if not any(Path(f"results/{experiment}/{noise}").glob("labels*.parquet")):
                raise ConfigError(f"{where}.{error}") from None
            continue
        for file in filter(has_braces, files):
            raise ConfigError(
                f"{where}.path: {file!r} contains a brace, and Snakemake takes braces for wildcards; rename the "
                "folder, or name a symbolic link to it."
            )


def locate_data(dataset: Mapping) -> list[str]:
    """All files that a data set is read from; none if it is downloaded or comes with a package.

    If they are gone, the list has a file that does not exist. Snakemake then keeps the results that were made from
    them. Raises ConfigError if one of them has a brace in its path.
    """
    if dataset["path"] is None:
        return []
    try:
        files = [str(path) for path in locate(dataset["source"], dataset["path"]).paths]
    except DataError:
        files = [os.path.join(dataset["path"], f"(the files of {dataset['source']})")]  # noqa: PTH118
    for file in files:
        _refuse_braces(dataset["name"], file)
    return files


def locate_noise(block: Mapping, noise: str, kinds: Mapping[str, ModuleType]) -> list[str]:
    """The files that a noise reads. Raises InputError, whose message begins with the key, if they are not there."""
    settings, dataset = block["noises"][noise], block["dataset"]
    kind = kinds[settings["kind"]]
    folder = dataset["path"] or f"data/{dataset['source']}"
    return [str(path) for path in kind.files(settings, folder)] if hasattr(kind, "files") else []


def measure_sizes(files: Iterable[str]) -> dict[str, int]:
    """Bytes of each file, because Snakemake does not notice a file that is older than the results."""
    return {path: os.path.getsize(path) for path in files if os.path.isfile(path)}  # noqa: PTH113, PTH202


def _refuse_braces(name: str, path: str) -> None:
    """Raise ConfigError if the path of a data set, or of one of its files, has a brace."""
    if has_braces(path):
        raise ConfigError(
            f"datasets.{name}.path: {path!r} contains a brace, and Snakemake takes braces for wildcards; rename it, or "
            "name a symbolic link to it."
        )
