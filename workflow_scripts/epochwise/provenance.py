"""What made a result: every job leaves a record beside its results, and the records tell whether results are intact.

`python -m epochwise.provenance results` (`make verify`) holds a results folder against its records.
"""

import hashlib
import json
import platform
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from epochwise.errors import InputError

RUN = re.compile(r"results/([^/]+)/([^/]+)/([^/]+)/seed(\d+)/")  # experiment, noise, model, seed
LABELS = re.compile(r"results/([^/]+)/([^/]+)/labels(?:_seed(\d+))?\.parquet")  # experiment, noise, seed
MADE_ON_REQUEST = "report.html"  # by Snakemake itself, without a record
PACKAGES = ("matplotlib", "numpy", "pandas", "pyarrow", "safetensors", "scikit-learn", "scipy", "seaborn", "torch")


def record(log: str | Path) -> Path:
    """Where the record of the job with this log file lies: results/logs/… becomes results/provenance/….json."""
    parts = list(Path(log).with_suffix(".json").parts)
    parts[parts.index("logs")] = "provenance"
    return Path(*parts)


def of_job(snakemake) -> dict:
    """What a job's results were made from and by: rule, spec, hashes of inputs, code, outputs, and the environment."""
    library = Path(__file__).parent
    loaded = [Path(module.__file__) for module in sys.modules.values() if getattr(module, "__file__", None)]
    return {
        "rule": snakemake.rule,
        **environment(json.loads(snakemake.params.spec)),
        "code_sha256": snakemake.params.code.rpartition(" ")[2],
        "modules": {
            str(path.relative_to(library.parent)): _sha256(path) for path in sorted(loaded) if library in path.parents
        },
        "inputs": hashes(snakemake.input),
        "outputs": hashes(snakemake.output),
    }


def environment(spec: dict) -> dict:
    """A spec, the commit of the code that read it (null without a repository), versions and machine kind."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return {
        "spec": spec,
        "git_commit": commit,
        "git_dirty": None if changes is None else bool(changes),
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


def records(results: Path) -> dict[Path, dict]:
    """The records of a results folder by path. Raises InputError naming one that cannot be read."""
    found = {}
    for path in sorted((results / "provenance").rglob("[!.]*.json")):
        try:
            found[path] = json.loads(path.read_bytes())
            if not _is_record(found[path]):
                raise ValueError("it does not name rule, spec, inputs and outputs")
        except ValueError as error:
            raise InputError(f"{path} is no record ({error}); run the job again that made it.") from error
    return found


def behind(files: Iterable[str], made: dict[Path, dict]) -> list[Path]:
    """Of the records `made` those of the jobs that made `files`, or what these were made from, and so on.

    Where several records name a file, those count whose sum it has: the others are of jobs that made it earlier.
    """
    now = _sums_below(Path())
    wanted, found = set(files), set()

    def made_one(record: dict) -> bool:
        return any(now(path) == record["outputs"][path] for path in sorted(wanted & record["outputs"].keys()))

    while more := {path for path in made.keys() - found if made_one(made[path])}:
        found |= more
        wanted |= {name for path in more for name in made[path]["inputs"]}
    return sorted(found)


def mismatches(results: Path) -> list[str]:
    """What in a results folder is not as its records say, a line each: missing, altered, made from others, or without
    a record.

    Where several records name an output, one that fits is enough, and one whose outputs were replaced tells nothing of
    its inputs: seeds that trained alone and later as a stack leave records of both. Inputs from elsewhere may be gone,
    and runs and labels that the experiment's last summary did not ask for may be old.
    """
    wrong = []
    now = _sums_below(results.parent)
    made = records(results).values()
    asked_for = {
        Path(next(iter(record["outputs"]))).parts[1]: {tuple(run) for run in record["spec"].get("runs", [])}
        for record in made
        if record["rule"] == "summary"
    }

    def is_left_over(path: str) -> bool:
        if (run := RUN.match(path)) and run[1] in asked_for:
            return (run[2], run[3], int(run[4])) not in asked_for[run[1]]
        if (labels := LABELS.fullmatch(path)) and labels[1] in asked_for:
            return not any(
                noise == labels[2] and labels[3] in (None, str(seed)) for noise, _, seed in asked_for[labels[1]]
            )
        return False

    expected, rules = defaultdict(set), {}
    for record in made:
        for output, sha256 in record["outputs"].items():
            expected[output].add(sha256)
            rules[output] = record["rule"]
    for output in filter(lambda output: not is_left_over(output), expected):
        if now(output) not in expected[output]:
            state = "missing" if now(output) is None else "not as it was written"
            wrong.append(f"{output}: {state} (rule {rules[output]})")
    folders = {str(Path(output).parent) for output in expected}
    beside = {
        f"{folder}/{file.name}"
        for folder in folders
        for file in (results.parent / folder).glob("[!.]*")
        if file.is_file() and file.name != MADE_ON_REQUEST
    }
    read = {name for record in made for name in record["inputs"] if Path(name).is_relative_to(results.name)}
    wrong += [
        f"{path}: no job left a record of it"
        for path in sorted((beside | read) - expected.keys())
        if now(path) is not None and not is_left_over(path)
    ]
    for record in made:
        outputs = record["outputs"]
        replaced = any(now(output) not in (None, sha256) for output, sha256 in outputs.items())
        if replaced or not any(map(now, outputs)) or all(map(is_left_over, outputs)):
            continue
        for name, sha256 in record["inputs"].items():
            gone = now(name) is None and not Path(name).is_relative_to(results.name)
            if now(name) != sha256 and not gone:
                wrong.append(f"{next(iter(outputs))}: made from another {name} (rule {record['rule']})")
    return wrong


def _sums_below(root: Path) -> Callable[[str], str | None]:
    """A function of a path below `root`: the SHA-256 of the file, read once, or None where there is none."""

    @cache
    def now(path: str) -> str | None:
        file = root / path
        return _sha256(file) if file.is_file() else None

    return now


def _is_record(value: object) -> bool:
    """Whether JSON has the form that `of_job` gives it."""
    if not isinstance(value, dict) or not value.keys() >= {"rule", "spec", "inputs", "outputs"}:
        return False
    sums = [value["inputs"], value["outputs"]]
    if not all(isinstance(part, dict) for part in [value["spec"], *sums]) or not value["outputs"]:
        return False
    runs = value["spec"].get("runs", [])
    return isinstance(runs, list) and all(isinstance(run, list) and len(run) == 3 for run in runs)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # an environment holds what its stage needs
        return None


def _git(*arguments: str) -> str | None:
    """Output of a git command in the project's folder; None where there is no git or no repository.

    Without the lock on the index, which someone may want for a commit meanwhile.
    """
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def main(results: Path) -> int:
    """Print what does not match; 0 if all does, 1 if something does not, 2 if there is nothing to hold it against."""
    try:
        wrong, count = mismatches(results), len(records(results))
    except InputError as error:
        wrong, count = [str(error)], 1
    if count == 0:
        print(f"{results}: there are no records in {results / 'provenance'}; run the workflow first.")
        return 2
    print("\n".join(wrong) or f"{results}: everything is as the records of {count} jobs say.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
