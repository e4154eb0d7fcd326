"""One file that a reviewer can open: figures, tables, claims, configuration and records of one experiment."""

import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from epochwise.workflow.files import atomic

# What differs from one making of the same results to the next: how long it took, and the sums of the files that tell.
RUN_RECORD = "provenance.json"
CHANCE = {"wall_seconds", "cpu_seconds", "resumed_from_epoch"}
EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip file can name


def pack(files: Iterable[str | Path], config: Mapping, destination: str | Path) -> None:
    """Pack `files` under their paths, and `config` as config.json, into a zip file.

    The same results give the same bytes, also where they were made twice: no times, one order, one compression.
    """
    contents = {str(path): _without_chance(Path(path)) for path in files}
    contents["config.json"] = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False).encode()
    with atomic(destination) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = 0o644 << 16
            file.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)


def _without_chance(path: Path) -> bytes:
    """Content of a file; of a record, without what no second making would repeat."""
    content = path.read_bytes()
    if path.suffix != ".json":
        return content
    record = {key: value for key, value in json.loads(content).items() if key not in CHANCE}
    for sums in ("inputs", "outputs"):
        if sums in record:
            record[sums] = {name: sum for name, sum in record[sums].items() if Path(name).name != RUN_RECORD}
    return (json.dumps(record, indent=2, sort_keys=True) + "\n").encode()
