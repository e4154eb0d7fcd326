"""The record that every job leaves beside its results: what they were made from, by which code, on which machine."""

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARY = Path(__file__).parents[1]
PACKAGES = ("matplotlib", "numpy", "pandas", "pyarrow", "safetensors", "scikit-learn", "scipy", "seaborn", "torch")


def record_path(log: str | Path) -> Path:
    """The record of the job with this log file: results/logs/train/x.log becomes results/provenance/train/x.json."""
    parts = list(Path(log).with_suffix(".json").parts)
    parts[parts.index("logs")] = "provenance"
    return Path(*parts)


def of_job(snakemake) -> dict:
    """The record of a finished job: its rule and spec, checksums of inputs, code and outputs, and the environment."""
    loaded = [Path(module.__file__) for module in sys.modules.values() if getattr(module, "__file__", None)]
    return {
        "rule": snakemake.rule,
        **environment(json.loads(snakemake.params.spec)),
        "code_sha256": snakemake.params.code.rpartition(" ")[2],
        "modules": {
            str(path.relative_to(LIBRARY.parent)): sha256(path) for path in sorted(loaded) if LIBRARY in path.parents
        },
        "inputs": checksums(snakemake.input),
        "outputs": checksums(snakemake.output),
    }


def environment(spec: dict) -> dict:
    """The spec, the git commit of the code (None without a repository), versions and the kind of machine."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return {
        "spec": spec,
        "git_commit": commit,
        "git_dirty": None if changes is None else bool(changes),
        "python": platform.python_version(),
        "versions": {package: found for package in PACKAGES if (found := _version(package))},
        "machine": f"{platform.system()} {platform.machine()}",
    }


def checksums(paths: Iterable[str | Path]) -> dict[str, str]:
    """SHA-256 of files by path. A folder stands for all files in it that are not hidden."""
    files = []
    for path in map(Path, paths):
        files += path.rglob("[!.]*") if path.is_dir() else [path]
    return {str(path): sha256(path) for path in sorted(files) if path.is_file()}


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

    The command takes no lock on the index, because the user may want to commit meanwhile.
    """
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=LIBRARY,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
