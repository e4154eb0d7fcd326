"""Which files of the library a script reaches, so that an edit re-runs what it touches and nothing else."""

import ast
import hashlib
from functools import cache
from pathlib import Path

from epochwise.errors import InputError

SCRIPTS = Path(__file__).resolve().parents[1]
PACKAGE = "epochwise"


@cache
def digest(*names: str) -> str:
    """SHA-256 over names and contents of all files that the scripts `names` reach."""
    content = hashlib.sha256()
    for path in reached_by(*names):
        content.update(f"{path.relative_to(SCRIPTS)}\n".encode())
        content.update(path.read_bytes())
    return content.hexdigest()


def stamp(*names: str) -> str:
    """The names and their digest, as text that `require_unchanged` takes."""
    return " ".join([*names, digest(*names)])


def require_unchanged(planned: str) -> None:
    """Raises InputError if the code is no longer what it was when the workflow planned the job and made this stamp.

    The results would pass for those of the code that was planned.
    """
    *names, _ = planned.split(" ")
    if stamp(*names) != planned:
        raise InputError(
            f"{SCRIPTS / names[0]}: it, or a module that it uses, was changed since this run of the workflow began; "
            "start the workflow again."
        )


def reached_by(*names: str) -> list[Path]:
    """The scripts `names` (paths below the scripts' folder) and all library modules that they import, directly or not.

    Sorted. Imports are found by reading the source, inside functions too. Package `__init__` files count as reached.
    """
    reached: set[Path] = set()
    pending = [SCRIPTS / name for name in names]
    while pending:
        path = pending.pop()
        if path in reached:
            continue
        reached.add(path)
        pending += [found for name in _imports(path) for found in _files(name)]
    return sorted(reached)


@cache
def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.partition(".")[0] == PACKAGE}


def _files(module: str) -> list[Path]:
    """The file of a module and the `__init__` files above it; none for a name that is no module."""
    parts = module.split(".")
    candidates = [SCRIPTS.joinpath(*parts).with_suffix(".py")]
    candidates += [SCRIPTS.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    return [path for path in candidates if path.is_file()]
