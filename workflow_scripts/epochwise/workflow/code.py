"""Which code a script runs, as one hash: the workflow runs a job again when the hash changes.

The hash covers the script and every library module that it imports, directly or not. Of Python it covers only what
runs: comments, docstrings and formatting do not count, and the hash is the same on every Python version. Other files
beside a module with the same name (`page.html` beside `page.py`) are assets of this module and count byte by byte.
"""

import ast
import hashlib
import io
import os
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from epochwise.workflow.errors import InputError

SCRIPTS = Path(__file__).resolve().parents[2]
PACKAGE = "epochwise"
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_STATEMENT_ENDS = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


@cache
def digest(*names: str) -> str:
    """SHA-256 of what runs in all files that the scripts `names` reach."""
    content = hashlib.sha256()
    for path in reached_by(*names):
        content.update(f"{path.relative_to(SCRIPTS)}\n".encode())
        content.update(
            essence(path.read_text(encoding="utf-8")).encode() if path.suffix == ".py" else path.read_bytes()
        )
    return content.hexdigest()


def essence(source: str) -> str:
    """The tokens of Python source that decide what runs, one per line.

    For instance `x = 1  # one` and `x=1` both become "x", "=", "1" and an end of line. Strings that are statements of
    their own, such as docstrings, are left out.
    """
    kept: list[str] = []
    statement: list[tokenize.TokenInfo] = []
    for token in _tokens(source):
        statement.append(token)
        if token.type in _STATEMENT_ENDS:
            if not _is_plain_string(statement):
                kept += [_text(part) for part in statement]
            statement = []
    return "\n".join(kept)


def _is_plain_string(statement: list[tokenize.TokenInfo]) -> bool:
    """Whether a statement is a string alone. An f-string is not, because evaluating it can run code."""
    if [token.type for token in statement] != [tokenize.STRING, tokenize.NEWLINE]:
        return False
    prefix = statement[0].string.partition(statement[0].string[-1])[0]
    return "f" not in prefix.lower()


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens without comments and layout, with each f-string as one token.

    Since Python 3.12 the tokenizer takes f-strings apart. Here they are put together again, because the hash must not
    depend on the version.
    """
    begins = getattr(tokenize, "FSTRING_START", None)
    lines = source.splitlines(keepends=True)
    depth, start = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if begins is not None and token.type == begins:
            depth, start = depth + 1, token.start if depth == 0 else start
        elif begins is not None and token.type == tokenize.FSTRING_END:
            depth -= 1
            if depth == 0:
                yield tokenize.TokenInfo(tokenize.STRING, _between(lines, start, token.end), start, token.end, "")
        elif depth == 0 and token.type not in _LAYOUT:
            yield token


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """The source from one position (line from 1, column from 0) to another."""
    part = lines[start[0] - 1 : end[0]]
    part[-1] = part[-1][: end[1]]
    part[0] = part[0][start[1] :]
    return "".join(part)


def _text(token: tokenize.TokenInfo) -> str:
    """The text of a token. Indents, dedents and line ends become names, because their width says nothing."""
    return tokenize.tok_name[token.type] if token.type in _STATEMENT_ENDS else token.string


def stamp(*names: str) -> str:
    """The names and their digest, as one text that `require_unchanged` takes."""
    return " ".join([*names, digest(*names)])


def require_library_of(scripts: str | Path) -> None:
    """Raise InputError if the library was not imported from `scripts`, the folder with the scripts of this workflow."""
    if Path(scripts).resolve() != SCRIPTS:
        raise InputError(
            f"{Path(__file__).resolve()} was imported, but this workflow's copy is in {Path(scripts).resolve()}. "
            f"Remove the other folder from PYTHONPATH, which is {os.environ.get('PYTHONPATH', 'not set')}."
        )


def require_unchanged(planned: str) -> None:
    """Raise InputError if the code differs from what it was when the workflow planned the job and made this stamp.

    Otherwise the results would count as results of the planned code.
    """
    *names, _ = planned.split(" ")
    if stamp(*names) != planned:
        raise InputError(
            f"{SCRIPTS / names[0]}: it, or a module that it uses, was changed since this run of the workflow began; "
            "start the workflow again."
        )


def reached_by(*names: str) -> list[Path]:
    """The scripts `names` (paths below the scripts' folder), all library modules that they import, and their assets.

    The list is sorted. Imports are found by reading the source, inside functions too. The `__init__` files of packages
    count as reached.
    """
    reached: set[Path] = set()
    pending = [SCRIPTS / name for name in names]
    while pending:
        path = pending.pop()
        if path in reached:
            continue
        reached.add(path)
        reached.update(asset for asset in path.parent.glob(f"{path.stem}.*") if asset.is_file())
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
    """The file of a module and the `__init__` files above it; empty for a name that is no module."""
    parts = module.split(".")
    candidates = [SCRIPTS.joinpath(*parts).with_suffix(".py")]
    candidates += [SCRIPTS.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    return [path for path in candidates if path.is_file()]
