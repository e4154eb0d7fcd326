"""What made a result: every job leaves a record beside its results, and the records tell whether results are intact.

`python -m epochwise.provenance results` (`make verify`) holds a results folder against its records.
"""

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("matplotlib", "numpy", "pandas", "pyarrow", "safetensors", "scikit-learn", "scipy", "seaborn", "torch")


def record(log: str | Path) -> Path:
    """Where the record of the job with this log file lies: results/logs/… becomes results/provenance/….json."""
    parts = list(Path(log).with_suffix(".json").parts)
    parts[parts.index("logs")] = "provenance"
    return Path(*parts)


def drop_superseded(outputs: Collection[str], record: Path) -> None:
    """Delete the records beside this one of earlier jobs that made any of its outputs.

    Seeds that trained one by one and now train as a stack, or the other way round, have records of other names.
    """
    for other in record.parent.glob("*.json"):
        with suppress(FileNotFoundError):  # another job has just deleted it
            if other != record and not json.loads(other.read_bytes())["outputs"].keys().isdisjoint(outputs):
                other.unlink()


def of_job(snakemake) -> dict:
    """What a job's results were made from and by: rule, spec, hashes of inputs, code, outputs, and the environment."""
    library = Path(__file__).parent
    loaded = [Path(module.__file__) for module in sys.modules.values() if getattr(module, "__file__", None)]
    return {
        "rule": snakemake.rule,
        **environment(json.loads(snakemake.params.spec)),
        "code_sha256": snakemake.params.code,
        "modules": {
            str(path.relative_to(library.parent)): _sha256(path) for path in sorted(loaded) if library in path.parents
        },
        "inputs": hashes(snakemake.input),
        "outputs": hashes(snakemake.output),
    }


def environment(spec: dict) -> dict:
    """A spec, the commit of the code that read it (null without a repository), versions and machine kind."""
    commit = _git("rev-parse", "HEAD")
    return {
        "spec": spec,
        "git_commit": commit,
        "git_dirty": None if commit is None else bool(_git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "versions": {package: found for package in PACKAGES if (found := _version(package))},
        "machine": f"{platform.system()} {platform.machine()}",
    }


def hashes(paths: Iterable[str | Path]) -> dict[str, str]:
    """SHA-256 of files by path; of a folder, of every file in it that is not hidden."""
    files = []
    for path in map(Path, paths):
        files += path.rglob("[!.]*") if path.is_dir() else [path]
    return {str(path): _sha256(path) for path in sorted(files) if path.is_file()}


def mismatches(results: Path) -> list[str]:
    """What in a results folder is not as its records say, a line each: missing, altered, or made from older inputs."""
    found = []
    known: dict[str, str | None] = {}

    def now(path: str) -> str | None:
        if path not in known:
            file = results.parent / path
            known[path] = _sha256(file) if file.is_file() else None
        return known[path]

    for path in sorted((results / "provenance").rglob("*.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        for output, expected in made["outputs"].items():
            if now(output) != expected:
                state = "missing" if now(output) is None else "not as it was written"
                found.append(f"{output}: {state} (rule {made['rule']})")
        for name, expected in made["inputs"].items():
            if now(name) != expected and any(now(output) is not None for output in made["outputs"]):
                found.append(f"{name}: no longer what rule {made['rule']} read for {next(iter(made['outputs']))}")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # an environment holds what its stage needs
        return None


def _git(*arguments: str) -> str | None:
    """Output of a git command in the project's folder; None where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def main(results: Path) -> int:
    """Print what does not match; 0 if all does, 1 if something does not, 2 if there is nothing to hold it against."""
    records = sum(1 for _ in (results / "provenance").rglob("*.json"))
    if records == 0:
        print(f"{results}: there are no records in {results / 'provenance'}; run the workflow first.")
        return 2
    wrong = mismatches(results)
    print("\n".join(wrong) or f"{results}: everything is as the records of {records} jobs say.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
