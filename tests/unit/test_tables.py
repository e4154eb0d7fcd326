"""Tables on disk: they have exactly the columns of their schema, and an interrupted write changes no file."""

import importlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epochwise import catalogue
from epochwise.data.corruption import LABELS
from epochwise.training.history import HISTORY
from epochwise.workflow import tables
from epochwise.workflow.errors import InputError
from epochwise.workflow.files import atomic

ROWS = 7


def schema_of(table):
    """The schema that the catalogue names for a table, written `module:name`."""
    module, name = table.schema.split(":")
    found = getattr(importlib.import_module(f"epochwise.{module}"), name)
    return found[table.name] if isinstance(found, dict) else found


# Tables of images have a column of fixed length; test_datasets reads and writes them.
LISTED = (
    *(table for table in catalogue.DATASET_TABLES if table.name == "features"),
    *catalogue.LABEL_TABLES,
    *catalogue.RUN_TABLES,
    *catalogue.ALL_SUMMARY_TABLES,
    *catalogue.RESULT_TABLES,
)
SCHEMAS = {table.path: schema_of(table) for table in LISTED}
MAKERS = {
    pa.int16(): lambda random: random.integers(-9, 99, ROWS, np.int16),
    pa.int32(): lambda random: random.integers(0, 99_999, ROWS, np.int32),
    pa.int64(): lambda random: random.integers(0, 2**40, ROWS, np.int64),
    pa.float32(): lambda random: random.normal(size=ROWS).astype(np.float32),
    pa.float64(): lambda random: random.normal(size=ROWS),
    pa.string(): lambda random: random.choice(["true", "given", "−"], ROWS),
    pa.bool_(): lambda random: random.random(ROWS) < 0.5,
    pa.list_(pa.float32()): lambda random: list(random.random((ROWS, 3), np.float32)),
}


def table_of(schema, random):
    return pd.DataFrame({field.name: MAKERS[field.type](random) for field in schema})


@pytest.fixture
def labels():
    return pd.DataFrame({"index": [0, 4], "true_label": [1, 2], "given_label": [1, 0], "is_noisy": [False, True]})


@pytest.fixture
def path(tmp_path, labels):
    """A table of labels on disk, alone in its folder."""
    path = tmp_path / "labels.parquet"
    tables.write(labels, LABELS, path)
    return path


def files_beside(path):
    return [other.name for other in path.parent.iterdir()]


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_every_table_comes_back_as_it_was_written(tmp_path, random, schema):
    table = table_of(schema, random)
    tables.write(table[table.columns[::-1]], schema, tmp_path / "t.parquet")  # the schema decides the order
    assert pq.read_schema(tmp_path / "t.parquet").equals(schema)
    pd.testing.assert_frame_equal(tables.read(tmp_path / "t.parquet", schema), table, check_dtype=False)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_a_table_written_in_pieces_is_the_same_as_in_one(tmp_path, random, schema):
    table = table_of(schema, random)
    tables.write(table, schema, tmp_path / "whole.parquet")
    with tables.writer(schema, tmp_path / "pieces.parquet") as write:
        for part in (table.iloc[:3], table.iloc[3:]):
            write({column: part[column].to_numpy() for column in part})
    assert pq.read_table(tmp_path / "pieces.parquet").equals(pq.read_table(tmp_path / "whole.parquet"))


def test_columns_and_rows_can_be_chosen_while_reading(path):
    found = tables.read(path, LABELS, columns=["index", "is_noisy"], filters=[("is_noisy", "=", True)])
    assert found.to_dict("list") == {"index": [4], "is_noisy": [True]}


def test_a_missing_number_is_null_on_disk(tmp_path):
    missing = {"loss": None, "cross_entropy": None}
    history = pd.DataFrame({"epoch": 0, "subset": ["test", "clean"], "accuracy": [0.5, np.nan], "n": 1, **missing})
    tables.write(history, HISTORY, tmp_path / "t.parquet")
    stored = pq.read_table(tmp_path / "t.parquet")
    assert stored["accuracy"].to_pylist() == [0.5, None] and stored["loss"].null_count == 2
    found = tables.read(tmp_path / "t.parquet", HISTORY)
    assert np.isnan(found["accuracy"][1]) and found["loss"].isna().all()


def test_a_missing_number_is_null_on_disk_when_written_in_pieces(tmp_path):
    with tables.writer(HISTORY, tmp_path / "t.parquet") as write:
        losses = {"loss": [1.0], "cross_entropy": [1.0]}
        write({"epoch": [0], "subset": ["test"], "accuracy": np.array([np.nan]), **losses, "n": [1]})
    assert pq.read_table(tmp_path / "t.parquet")["accuracy"].null_count == 1


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    tables.write(pd.DataFrame(columns=HISTORY.names), HISTORY, tmp_path / "t.parquet")
    assert tables.read(tmp_path / "t.parquet", HISTORY).columns.tolist() == HISTORY.names


WRONG = {
    "missing column": lambda table: table.drop(columns="index"),
    "text for a number": lambda table: table.assign(index=["one", "two"]),
    "fraction for an integer": lambda table: table.assign(index=[0.5, 1.0]),
    "too large for its type": lambda table: table.assign(true_label=[0, 40_000]),
    "text for a truth value": lambda table: table.assign(is_noisy=["no", "yes"]),
    "unknown column": lambda table: table.assign(extra=1),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_table_with_other_columns_or_types_is_not_written(path, labels, kind):
    content = path.read_bytes()
    with pytest.raises((ValueError, TypeError, KeyError)):
        tables.write(WRONG[kind](labels), LABELS, path)
    assert path.read_bytes() == content and files_beside(path) == [path.name]


@pytest.mark.parametrize("kind", ["missing column", "unknown column"])
def test_arrow_tables_are_compared_with_the_schema_too(path, labels, kind):
    with pytest.raises((ValueError, TypeError, KeyError)):
        tables.write(pa.Table.from_pandas(WRONG[kind](labels)), LABELS, path)


def test_a_failure_between_pieces_leaves_the_old_table(path):
    content = path.read_bytes()
    with pytest.raises(RuntimeError, match="stop"), tables.writer(LABELS, path) as write:
        write({"index": [1], "true_label": [1], "given_label": [1], "is_noisy": [False]})
        raise RuntimeError("stop")
    assert path.read_bytes() == content and files_beside(path) == [path.name]


def assert_refused(path, schema=LABELS):
    with pytest.raises(InputError, match=rf"{path} cannot be used: (?s:.*)Delete the file and run the workflow again"):
        tables.read(path, schema)


def test_a_truncated_table_is_refused_by_name_at_any_length(path):
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert_refused(path)


def test_a_table_with_a_flipped_bit_is_refused_or_reads_the_same(path, labels):
    content = path.read_bytes()
    data = content.index(b"index")  # the pages lie before the names of the columns
    for position in range(4, data, 3):
        path.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
        try:
            found = tables.read(path, LABELS)
        except InputError as error:
            assert str(path) in str(error)
        else:
            pd.testing.assert_frame_equal(found, labels, check_dtype=False)


def test_a_missing_table_is_refused_by_name(tmp_path):
    assert_refused(tmp_path / "nothing.parquet")


def test_a_table_of_another_kind_is_refused_with_both_lists_of_columns(path):
    assert_refused(path, HISTORY)
    with pytest.raises(InputError, match=r"is_noisy(?s:.*)but should be(?s:.*)accuracy"):
        tables.read(path, HISTORY)


def test_a_table_with_another_type_is_refused(path):
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "index", table["index"].cast(pa.int64())), path)
    assert_refused(path)


def test_runs_are_put_together_with_their_keys_in_front(tmp_path, labels):
    paths = [str(tmp_path / name) for name in "ab"]
    for path, part in zip(paths, (labels, labels[::-1]), strict=True):
        tables.write(part, LABELS, path)
    found = tables.read_runs(paths, [["noise", "m", 0], ["noise", "m", 7]], LABELS, filters=[("index", ">", -1)])
    assert found.columns.tolist() == ["noise", "model", "seed", *labels.columns]
    assert found[["seed", "index"]].to_numpy().tolist() == [[0, 0], [0, 4], [7, 4], [7, 0]]
    with pytest.raises(ValueError, match="zip"):
        tables.read_runs(paths, [["noise", "m", 0]], LABELS)


def test_atomic_makes_the_folder_keeps_the_suffix_and_renames_at_the_end(tmp_path):
    path = tmp_path / "new" / "figure.pdf"
    with atomic(path) as temporary:
        temporary.write_text("drawn")
        assert temporary.suffix == ".pdf" and temporary.parent == path.parent and not path.exists()
    assert path.read_text() == "drawn" and files_beside(path) == ["figure.pdf"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_atomic_leaves_the_old_file_when_the_body_fails(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), atomic(path) as temporary:
        temporary.write_text("new")
        raise error
    assert path.read_text() == "old" and files_beside(path) == ["a.txt"]
