"""The files of a training job, and how they become results. This module does not need torch.

A training job works in a folder that Snakemake does not know: `.training/{unit}/` beside its manifest `{unit}.sha256`,
where the unit is `seed{seed}` or, if one job trains all seeds of a model, `stack`. There the job keeps its saved state
and, per seed, `seed{seed}/` with the snapshots, the learning curves and the provenance of the network. These files are
published at the end: they become the declared results of the run.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from epochwise.workflow.errors import InputError
from epochwise.workflow.files import atomic
from epochwise.workflow.records import sha256
from epochwise.workflow.schedule import log_spaced

HISTORY_FILE = "history.parquet"
PROVENANCE_FILE = "provenance.json"


def snapshot_path(folder: str | Path, epoch: int) -> Path:
    """The file of one epoch in a folder of snapshots."""
    return Path(folder) / f"epoch_{epoch:07d}.safetensors"


def epochs_in(folder: str | Path) -> list[int]:
    """The epochs of the snapshots in a folder, ascending. Raises InputError if there are none."""
    epochs = sorted(int(path.stem.removeprefix("epoch_")) for path in Path(folder).glob("epoch_*.safetensors"))
    if not epochs:
        raise InputError(f"{folder} holds no snapshots; delete the folder and run the workflow again.")
    return epochs


def training_folder(manifest: Path) -> Path:
    """The folder in which a training job works, from the path of its manifest."""
    return manifest.parent / ".training" / manifest.stem


def trained_files(folder: Path, seeds: Sequence[int], settings: Mapping) -> list[Path]:
    """The files in a training folder that are published: learning curves and snapshots of every seed.

    `settings` gives `epochs` and `snapshots_per_decade`.
    """
    epochs = log_spaced(settings["epochs"], settings["snapshots_per_decade"])
    return [
        path
        for seed_folder in (folder / f"seed{seed}" for seed in seeds)
        for path in (seed_folder / HISTORY_FILE, *(snapshot_path(seed_folder, epoch) for epoch in epochs))
    ]


def write_manifest(manifest: Path, paths: Sequence[Path]) -> None:
    """Write the SHA-256 sums of files, by path relative to the manifest's folder, for `sha256sum --check`.

    The stages after training depend on manifests, because a folder has no checksum: what was trained again to the same
    bytes makes nothing stale.
    """
    lines = [f"{sha256(path)}  {path.relative_to(manifest.parent)}\n" for path in paths]
    with atomic(manifest) as written:
        written.write_text("".join(lines), "utf-8")


def publish(
    trained: Path,
    folder: Path,
    settings: Mapping,
    *,
    snapshots: Path,
    manifest: Path,
    history: Path,
    provenance: Path,
) -> None:
    """Publish the files of one seed as the results of its run.

    Args:
        trained: manifest that the training job has written.
        folder: folder of the seed in the training folder.
        settings: `epochs` and `snapshots_per_decade`, which say whose snapshots are published.
        snapshots: new folder for the snapshots, which are hard links where the file system has them.
        manifest: checksums of the snapshots.
        history: learning curves.
        provenance: provenance of the network.

    Raises:
        InputError: a file is missing, or differs from what was trained.
    """
    _require_intact(trained, folder)
    temporary = snapshots.with_name(f".{snapshots.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for epoch in log_spaced(settings["epochs"], settings["snapshots_per_decade"]):
        source = snapshot_path(folder, epoch)
        try:
            os.link(source, temporary / source.name)
        except OSError:  # a file system without links
            shutil.copyfile(source, temporary / source.name)
    shutil.rmtree(snapshots, ignore_errors=True)
    temporary.replace(snapshots)
    write_manifest(manifest, sorted(snapshots.iterdir()))
    for source, destination in ((HISTORY_FILE, history), (PROVENANCE_FILE, provenance)):
        with atomic(destination) as written:
            shutil.copyfile(folder / source, written)


def _require_intact(manifest: Path, folder: Path) -> None:
    """Raise InputError if a file in `folder` that `manifest` lists is missing or altered, or if none is listed."""
    listed = [line.split("  ", 1) for line in manifest.read_text("utf-8").splitlines()]
    ours = [
        (expected, manifest.parent / name) for expected, name in listed if (manifest.parent / name).parent == folder
    ]
    for expected, file in ours or [("", folder)]:
        if not file.is_file() or sha256(file) != expected:
            raise InputError(
                f"{file} is missing or differs from what was trained; delete {manifest} and run the workflow again."
            )
