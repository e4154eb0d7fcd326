"""One file that a reviewer can open: figures, tables, claims, configuration and records of one experiment."""

import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from epochwise.files import atomic

EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip file can name


def pack(files: Iterable[str | Path], config: Mapping, destination: str | Path) -> None:
    """Pack `files` under their paths, and `config` as config.json, into a zip file.

    The same files give the same bytes: no times, one order, one compression.
    """
    contents = {str(path): Path(path).read_bytes() for path in files}
    contents["config.json"] = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False).encode()
    with atomic(destination) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = 0o644 << 16
            file.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
