"""The record that every job leaves beside its results: what they were made from, by which code, on which machine."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1]
PROJECT = LIBRARY.parents[1]
PACKAGES = ("matplotlib", "numpy", "pandas", "pyarrow", "safetensors", "scikit-learn", "scipy", "seaborn", "torch")


def record_path(log: str | Path) -> Path:
    """The record of the job with this log file: results/logs/train/x.log becomes results/provenance/train/x.json."""
    results, below = _split_at_logs(log)
    return results / "provenance" / below.with_suffix(".json")


def _split_at_logs(log: str | Path) -> tuple[Path, Path]:
    """The results folder, and the path below its folder `logs`. Nothing below `logs` has this name again."""
    parts = Path(log).parts
    position = len(parts) - 1 - parts[::-1].index("logs")
    return Path(*parts[:position]), Path(*parts[position + 1 :])


def of_job(snakemake) -> dict:
    """The record of a finished job: its rule and settings, checksums of inputs, code and outputs, and the environment.

    Paths are relative to the folder that contains the results folder, also where a module has a prefix.
    """
    parent = _split_at_logs(snakemake.log[0])[0].parent
    loaded = [Path(module.__file__) for module in sys.modules.values() if getattr(module, "__file__", None)]
    return {
        "rule": snakemake.rule,
        **environment(read_settings(snakemake.params)),
        "code_sha256": snakemake.params.code.rpartition(" ")[2],
        "modules": {
            str(path.relative_to(LIBRARY.parent)): sha256(path) for path in sorted(loaded) if LIBRARY in path.parents
        },
        "inputs": checksums(snakemake.input, parent),
        "outputs": checksums(snakemake.output, parent),
    }


def read_settings(params: Mapping) -> dict:
    """All settings that a rule names in its params, each as JSON under its name, in one dictionary."""
    texts = [text for name, text in params.items() if name != "code"]
    return {name: value for text in texts for name, value in json.loads(text).items()}


def environment(settings: dict) -> dict:
    """The settings, the git commit of the code, versions and the kind of machine.

    The commit is None if git does not track this code, for instance after unpacking an archive in another repository.
    """
    tracked = _git("ls-files", "--error-unmatch", "--", str(Path(__file__).resolve())) is not None
    commit = _git("rev-parse", "HEAD") if tracked else None
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", str(PROJECT)) if tracked else None
    return {
        "settings": settings,
        "git_commit": commit,
        "git_dirty": None if changes is None else bool(changes),
        "python": platform.python_version(),
        "versions": {package: found for package in PACKAGES if (found := _version(package))},
        "machine": f"{platform.system()} {platform.machine()}",
    }


def checksums(paths: Iterable[str | Path], parent: Path = Path()) -> dict[str, str]:
    """SHA-256 of files by path, relative to `parent` if the path was relative.

    A folder counts as all its files that are not hidden.
    """
    files = []
    for path in map(Path, paths):
        files += path.rglob("[!.]*") if path.is_dir() else [path]
    return {
        str(path if path.is_absolute() else os.path.relpath(path, parent)): sha256(path)
        for path in sorted(files)
        if path.is_file()
    }


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # because each stage's environment holds only what this stage needs
        return None


def _git(*arguments: str) -> str | None:
    """Output of a git command in the project's folder, or None if there is no git or no repository.

    The command takes no lock on the index, because the user may want to commit meanwhile. Variables such as GIT_DIR do
    not count, because they can name another repository: git sets them while it runs a hook.
    """
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=LIBRARY,
            env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
