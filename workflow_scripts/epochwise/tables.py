"""The schema of every table that the workflow writes: the one place that names columns.

A table is a Parquet file with exactly these columns, in this order, with these types. Missing values are nulls, never
NaN. `class` is −1 where a value is the unweighted mean over classes. Epoch 0 is the untrained network, layers count
from 1 (the first hidden layer), `index` is the row of a sample in the data set's `train.parquet`.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from epochwise.errors import InputError
from epochwise.files import atomic

MEAN_OVER_CLASSES = -1
_FORMAT = {"compression": "zstd", "write_page_checksum": True}  # a flipped byte is found when the table is read

_RUN = [("noise", pa.string()), ("model", pa.string())]
_OVER_SEEDS = [("mean", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("n", pa.int32())]

SCHEMAS = {
    # -- data -----------------------------------------------------------------------------------------------------
    "features": pa.schema(
        [
            ("index", pa.int32()),
            ("norm", pa.float32()),
            ("brightness", pa.float32()),
            ("contrast", pa.float32()),
            ("components", pa.list_(pa.float32())),
        ]
    ),
    "labels": pa.schema(
        [("index", pa.int32()), ("true_label", pa.int16()), ("given_label", pa.int16()), ("is_noisy", pa.bool_())]
    ),
    # -- one run: a model and a seed --------------------------------------------------------------------------------
    "history": pa.schema(
        [
            ("epoch", pa.int32()),
            ("subset", pa.string()),
            ("accuracy", pa.float64()),
            ("loss", pa.float64()),
            ("n", pa.int32()),
        ]
    ),
    "class_means": pa.schema(
        [
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("grouping", pa.string()),
            ("subset", pa.string()),
            ("class", pa.int16()),
            ("n", pa.int32()),
            ("mean", pa.list_(pa.float32())),
        ]
    ),
    "neurons": pa.schema(
        [
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("neuron", pa.int32()),
            ("max", pa.float32()),
            ("mean", pa.float32()),
            ("std", pa.float32()),
            ("active_share", pa.float32()),
            ("argmax_index", pa.int32()),
            ("layer_argmax_share", pa.float32()),
            ("layer_median_active", pa.float32()),
        ]
    ),
    "samples": pa.schema(
        [
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("neuron", pa.int32()),
            ("index", pa.int32()),
            ("value", pa.float32()),
        ]
    ),
    "outputs": pa.schema(
        [
            ("epoch", pa.int32()),
            ("index", pa.int32()),
            ("predicted", pa.int16()),
            ("probability", pa.float32()),
            ("loss", pa.float32()),
        ]
    ),
    "separation": pa.schema(
        [
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("grouping", pa.string()),
            ("class", pa.int16()),
            ("cosine", pa.float64()),
            ("cosine_centred", pa.float64()),
            ("cosine_without_large", pa.float64()),
            ("split_half", pa.float64()),
        ]
    ),
    "outliers": pa.schema(
        [
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("neuron", pa.int32()),
            ("peak", pa.float64()),
            ("runner_up", pa.float64()),
            ("peak_over_median_peak", pa.float64()),
            ("peak_over_median_active", pa.float64()),
            ("massive", pa.bool_()),
            ("kurtosis", pa.float64()),
            ("argmax_share", pa.float64()),
        ]
    ),
    "large_activation": pa.schema(
        [
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("neuron", pa.int32()),
            ("feature", pa.string()),
            ("side", pa.string()),
            ("statistic", pa.string()),
            ("value", pa.float64()),
        ]
    ),
    # -- over seeds --------------------------------------------------------------------------------------------------
    "summary_curves": pa.schema(
        [*_RUN, ("epoch", pa.int32()), ("subset", pa.string()), ("metric", pa.string()), *_OVER_SEEDS]
    ),
    "phases_by_seed": pa.schema(
        [*_RUN, ("seed", pa.int32()), ("metric", pa.string()), ("quantity", pa.string()), ("value", pa.float64())]
    ),
    "summary_phases": pa.schema([*_RUN, ("metric", pa.string()), ("quantity", pa.string()), *_OVER_SEEDS]),
    "summary_separation": pa.schema(
        [
            *_RUN,
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("grouping", pa.string()),
            ("class", pa.int16()),
            ("measure", pa.string()),
            *_OVER_SEEDS,
        ]
    ),
    "summary_outliers": pa.schema(
        [*_RUN, ("epoch", pa.int32()), ("layer", pa.int16()), ("measure", pa.string()), *_OVER_SEEDS]
    ),
    "summary_peaks": pa.schema(
        [*_RUN, ("epoch", pa.int32()), ("layer", pa.int16()), ("rank", pa.int32()), *_OVER_SEEDS]
    ),
    "summary_large_activation": pa.schema(
        [
            *_RUN,
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("feature", pa.string()),
            ("side", pa.string()),
            ("statistic", pa.string()),
            *_OVER_SEEDS,
        ]
    ),
    "claims": pa.schema(
        [
            ("claim", pa.string()),
            ("statement", pa.string()),
            ("measure", pa.string()),
            *_RUN,
            ("effect", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("n", pa.int32()),
            ("margin", pa.float64()),
            ("verdict", pa.string()),
        ]
    ),
}


def images_schema(pixels: int) -> pa.Schema:
    """Schema of `train.parquet` and `test.parquet` for images of `pixels` = C·H·W values (CHW order)."""
    return pa.schema(
        [("index", pa.int32()), ("label", pa.int16()), ("pixels", pa.list_(pa.uint8(), pixels))],
    )


def write(table: pd.DataFrame | pa.Table, name: str, path: str | Path) -> None:
    """Write a table atomically, with exactly the columns and types of `SCHEMAS[name]`.

    Raises pyarrow's error if a column is missing or does not fit its type.
    """
    _check_names(table.columns if isinstance(table, pd.DataFrame) else table.column_names, name)
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, SCHEMAS[name], preserve_index=False).replace_schema_metadata(None)
    write_arrow(table.select(SCHEMAS[name].names).cast(SCHEMAS[name]), path)


def _check_names(columns, name: str) -> None:
    if set(columns) != set(SCHEMAS[name].names):
        raise ValueError(f"the table {name} has the columns {SCHEMAS[name].names}, not {list(columns)}")


def write_arrow(table: pa.Table, path: str | Path) -> None:
    """Write an Arrow table atomically as it is, schema metadata included."""
    with atomic(path) as temporary:
        pq.write_table(table, temporary, **_FORMAT)


@contextmanager
def writer(name: str, path: str | Path) -> Iterator[Callable[[Mapping], None]]:
    """Yield a function that appends columns (a mapping of names to arrays) to a table written piece by piece,
    atomically."""
    schema = SCHEMAS[name]
    with atomic(path) as temporary, pq.ParquetWriter(temporary, schema, **_FORMAT) as parquet:

        def append(columns: Mapping) -> None:
            _check_names(columns, name)
            arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
            parquet.write_table(pa.table(arrays, schema=schema))

        yield append


@contextmanager
def opened(path: str | Path, schema: pa.Schema) -> Iterator[pq.ParquetFile]:
    """Open a table after holding its schema against `schema`.

    Raises InputError naming the file if its columns or types differ, or if it proves unreadable while it is open.
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
    """Read a table after holding its schema against `schema`; raises InputError as `opened` does."""
    with opened(path, schema):
        return pq.read_table(path, columns=columns, filters=filters, page_checksum_verification=True)


def read(path: str | Path, name: str, columns: Sequence[str] | None = None, filters=None) -> pd.DataFrame:
    """Read the table `name` as a data frame; list columns come as object columns of NumPy arrays."""
    return read_arrow(path, SCHEMAS[name], columns, filters).to_pandas()


def read_runs(paths: Sequence[str], runs: Sequence[Sequence], name: str, filters=None) -> pd.DataFrame:
    """The tables `name` of many runs in one, with the columns noise, model, seed of `runs` (in the order of `paths`)
    first."""
    parts = []
    for path, (noise, model, seed) in zip(paths, runs, strict=True):
        part = read(path, name, filters=filters)
        parts.append(pd.DataFrame({"noise": noise, "model": model, "seed": seed, **part}))
    return pd.concat(parts, ignore_index=True)
