"""Compare a results folder with the records that its jobs left.

Run it as `python -m epochwise.workflow.verify results`, or by `make verify`. Without an argument it takes `results`.
"""

import argparse
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from epochwise.workflow.errors import InputError
from epochwise.workflow.records import sha256

OF_MODEL = re.compile(r"results/([^/]+)/([^/]+)/([^/]+)/(?:seed(\d+)[/.]|stack\.)")  # experiment, noise, model, seed
LABELS = re.compile(r"results/([^/]+)/([^/]+)/labels(?:_seed(\d+))?\.parquet")  # experiment, noise, seed
WITHOUT_RECORD = "report.html"  # Snakemake itself writes it

ContentHash = Callable[[str], str | None]


def read_records(results: Path) -> dict[Path, dict]:
    """All records of a results folder, by path. Raises InputError naming a record that cannot be read."""
    found = {}
    for path in sorted((results / "provenance").rglob("[!.]*.json")):
        try:
            found[path] = json.loads(path.read_bytes())
            if not _is_record(found[path]):
                raise ValueError("it does not name rule, settings, inputs and outputs")
        except ValueError as error:
            raise InputError(f"{path} is no record ({error}); run the job again that made it.") from error
    return found


def trace_records(files: Iterable[str], records: Mapping[Path, dict], parent: Path = Path()) -> list[Path]:
    """The records of the jobs that made `files`, of the jobs that made the inputs of those jobs, and so on.

    `parent` is the folder that contains the results folder.

    If several records name a file, only those count whose checksum the file has: the others belong to jobs that made
    the file earlier.
    """
    content = _content_hashes(parent)
    wanted, found = {os.path.relpath(file, parent) for file in files}, set()

    def made_one(record: dict) -> bool:
        return any(content(path) == record["outputs"][path] for path in sorted(wanted & record["outputs"].keys()))

    while more := {path for path in records.keys() - found if made_one(records[path])}:
        found |= more
        wanted |= {name for path in more for name in records[path]["inputs"]}
    return sorted(found)


def mismatches(results: Path) -> list[str]:
    """What differs between a results folder and its records, one line per difference.

    A file can be missing or altered, made from other inputs than those that are there, or have no record. Runs and
    labels that the last summary of their experiment did not use may be old, and inputs from outside the results folder
    may be gone.
    """
    records = list(read_records(results).values())
    content = _content_hashes(results.parent)
    is_left_over = _left_over(records)
    return [
        *_altered_outputs(records, content, is_left_over),
        *_files_without_record(records, content, is_left_over, results),
        *_made_from_other_inputs(records, content, is_left_over, results.name),
    ]


def _altered_outputs(records: list[dict], content: ContentHash, is_left_over: Callable[[str], bool]) -> list[str]:
    """Outputs that are missing or altered. If several records name an output, one that fits is enough."""
    expected, rules = defaultdict(set), {}
    for record in records:
        for output, checksum in record["outputs"].items():
            expected[output].add(checksum)
            rules[output] = record["rule"]
    lines = []
    for output, checksums in expected.items():
        if not is_left_over(output) and content(output) not in checksums:
            state = "missing" if content(output) is None else "altered since it was written"
            lines.append(f"{output}: {state} (rule {rules[output]})")
    return lines


def _files_without_record(
    records: list[dict], content: ContentHash, is_left_over: Callable[[str], bool], results: Path
) -> list[str]:
    """Files that jobs have read, or that are in a folder where jobs have written, but that no record names."""
    outputs = {output for record in records for output in record["outputs"]}
    beside = {
        f"{folder}/{file.name}"
        for folder in {str(Path(output).parent) for output in outputs}
        for file in (results.parent / folder).glob("[!.]*")
        if file.is_file() and file.name != WITHOUT_RECORD
    }
    read = {name for record in records for name in record["inputs"] if Path(name).is_relative_to(results.name)}
    return [
        f"{path}: no job left a record of it"
        for path in sorted((beside | read) - outputs)
        if content(path) is not None and not is_left_over(path)
    ]


def _made_from_other_inputs(
    records: list[dict], content: ContentHash, is_left_over: Callable[[str], bool], folder: str
) -> list[str]:
    """Results whose inputs have changed since. Records of outputs that another job has replaced do not count."""
    lines = []
    for record in records:
        outputs = record["outputs"]
        replaced = any(content(output) not in (None, checksum) for output, checksum in outputs.items())
        if replaced or not any(map(content, outputs)) or all(map(is_left_over, outputs)):
            continue
        for name, checksum in record["inputs"].items():
            gone = content(name) is None and not Path(name).is_relative_to(folder)
            if content(name) != checksum and not gone:
                lines.append(f"{next(iter(outputs))}: made from another {name} (rule {record['rule']})")
    return lines


def _left_over(records: list[dict]) -> Callable[[str], bool]:
    """A function that says whether a file belongs to a run or to labels that the last summary did not use."""
    runs = {
        Path(next(iter(record["outputs"]))).parts[1]: {tuple(run) for run in record["settings"].get("runs", [])}
        for record in records
        if record["rule"] == "summarize_runs"
    }

    def is_left_over(path: str) -> bool:
        if (match := OF_MODEL.match(path)) and match[1] in runs:
            return not any(
                (noise, model) == (match[2], match[3]) and match[4] in (None, str(seed))
                for noise, model, seed in runs[match[1]]
            )
        if (match := LABELS.fullmatch(path)) and match[1] in runs:
            return not any(noise == match[2] and match[3] in (None, str(seed)) for noise, _, seed in runs[match[1]])
        return False

    return is_left_over


def _content_hashes(root: Path) -> ContentHash:
    """A function from a path below `root` to the SHA-256 of the file, read once, or None if there is no file."""

    @cache
    def content(path: str) -> str | None:
        file = root / path
        return sha256(file) if file.is_file() else None

    return content


def _is_record(value: object) -> bool:
    """Whether JSON has the form that `records.of_job` writes."""
    if not isinstance(value, dict) or not value.keys() >= {"rule", "settings", "inputs", "outputs"}:
        return False
    checksums = [value["inputs"], value["outputs"]]
    if not all(isinstance(part, dict) for part in [value["settings"], *checksums]) or not value["outputs"]:
        return False
    runs = value["settings"].get("runs", [])
    return isinstance(runs, list) and all(isinstance(run, list) and len(run) == 3 for run in runs)


def main(results: Path) -> int:
    """Print every difference. Returns 0 if there is none, 1 if there are some, 2 if there are no records."""
    try:
        lines, count = mismatches(results), len(read_records(results))
    except InputError as error:
        lines, count = [str(error)], 1
    if count == 0:
        print(f"{results}: there are no records in {results / 'provenance'}; run the workflow first.")
        return 2
    print("\n".join(lines) or f"{results}: every file is as the records of {count} jobs say.")
    return 1 if lines else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser("epochwise.workflow.verify", description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"), help="the results folder")
    try:
        status = main(parser.parse_args().results)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
