"""Write and read Parquet tables.

A table has exactly the columns of its schema, in this order, with these types. The schema is defined next to the
function that fills the table, and both the writer and the readers pass it. Missing values are nulls, never NaN.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from epochwise.workflow.errors import InputError
from epochwise.workflow.files import atomic

_FORMAT = {"compression": "zstd", "write_page_checksum": True}  # a flipped byte is found when the table is read


def write(table: pd.DataFrame | pa.Table, schema: pa.Schema, path: str | Path) -> None:
    """Write a table atomically, with exactly the columns and types of `schema`.

    Raises ValueError if a column is missing or too many, and pyarrow's error if a value does not fit its type.
    """
    _check_names(table.columns if isinstance(table, pd.DataFrame) else table.column_names, schema)
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, schema, preserve_index=False).replace_schema_metadata(None)
    write_arrow(table.select(schema.names).cast(schema), path)


def write_arrow(table: pa.Table, path: str | Path) -> None:
    """Write an Arrow table atomically as it is, with the metadata of its schema."""
    with atomic(path) as temporary:
        pq.write_table(table, temporary, **_FORMAT)


@contextmanager
def writer(schema: pa.Schema, path: str | Path) -> Iterator[Callable[[Mapping], None]]:
    """Write a table piece by piece, atomically.

    Yields a function that appends rows, given as a mapping of column names to arrays.
    """
    with atomic(path) as temporary, pq.ParquetWriter(temporary, schema, **_FORMAT) as parquet:

        def append(columns: Mapping) -> None:
            _check_names(columns, schema)
            arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
            parquet.write_table(pa.table(arrays, schema=schema))

        yield append


@contextmanager
def open_table(path: str | Path, schema: pa.Schema) -> Iterator[pq.ParquetFile]:
    """Open a table whose columns and types are those of `schema`.

    Raises InputError naming the file if its columns differ, or if it proves unreadable while it is open.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            if not file.schema_arrow.equals(schema):
                raise ValueError(f"its columns are\n{file.schema_arrow.remove_metadata()}\nbut should be\n{schema}")
            yield file
    except (pa.ArrowException, ValueError, OSError) as error:
        raise InputError(
            f"{os.fspath(path)} cannot be used: {error}\nDelete the file and run the workflow again to make it anew."
        ) from error


def read_arrow(path: str | Path, schema: pa.Schema, columns: Sequence[str] | None = None, filters=None) -> pa.Table:
    """Read a table, or some of its columns. Raises InputError as `open_table` does."""
    with open_table(path, schema):
        return pq.read_table(path, columns=columns, filters=filters, page_checksum_verification=True)


def read(path: str | Path, schema: pa.Schema, columns: Sequence[str] | None = None, filters=None) -> pd.DataFrame:
    """Read a table as a data frame; list columns become object columns of arrays. Raises InputError as `open_table`."""
    return read_arrow(path, schema, columns, filters).to_pandas()


def read_runs(paths: Sequence[str], runs: Sequence[Sequence], schema: pa.Schema, filters=None) -> pd.DataFrame:
    """Read the same table of many runs into one data frame.

    Its first columns are noise, model and seed, taken from `runs`, which is in the order of `paths`.
    """
    parts = []
    for path, (noise, model, seed) in zip(paths, runs, strict=True):
        part = read(path, schema, filters=filters)
        parts.append(pd.DataFrame({"noise": noise, "model": model, "seed": seed, **part}))
    return pd.concat(parts, ignore_index=True)


def _check_names(columns: Iterable[str], schema: pa.Schema) -> None:
    if set(columns) != set(schema.names):
        raise ValueError(f"the columns should be {schema.names}, not {list(columns)}")
