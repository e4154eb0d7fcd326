"""Files made to do harm are refused by name, and nothing in them is executed."""

import ast
import gzip
import io
import json
import pickle
import tarfile
from pathlib import Path

import pandas as pd
import pytest
import torch

from epochwise.analysis.outliers import OUTLIERS
from epochwise.data import image_table, loading, torchvision_files
from epochwise.data.layouts import TORCHVISION
from epochwise.training import snapshots
from epochwise.training.history import HISTORY
from epochwise.training.mlp import MLP
from epochwise.workflow import tables
from epochwise.workflow.errors import InputError
from tests.workflow.conftest import ROOT

LIBRARY = sorted((ROOT / "workflow_scripts").rglob("*.py")) + sorted((ROOT / "rules").glob("*.smk"))
METADATA = {
    "epoch": "0",
    "seed": "0",
    "hidden_widths": "[4, 4]",
    "input_mean": "[0.5]",
    "input_std": "[0.1]",
}


class Bomb:
    """Unpickled, it leaves a file."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path):
    yield tmp_path / "executed"
    assert not (tmp_path / "executed").exists()


@pytest.fixture
def bomb(marker):
    content = pickle.dumps(Bomb(marker))
    pickle.loads(content)
    assert marker.exists(), "the bomb works"
    marker.unlink()
    return content


def test_a_pickle_in_place_of_a_snapshot_or_state_is_not_executed(tmp_path, bomb, marker):
    path = snapshots.snapshot_path(tmp_path, 0)
    zipped = tmp_path / "zipped"
    torch.save(Bomb(marker), zipped)
    for content in (bomb, zipped.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"{path} is no usable snapshot"):
            snapshots.load(tmp_path, 0)
        assert snapshots.load_state(path) is None


def test_a_pickle_in_place_of_a_table_is_not_executed(tmp_path, bomb):
    path = tmp_path / "history.parquet"
    path.write_bytes(bomb)
    with pytest.raises(InputError, match=str(path)):
        tables.read(path, HISTORY)
    with pytest.raises(InputError, match=str(path)):
        image_table.read(path)


def test_a_table_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "outliers.parquet"
    pd.DataFrame({"epoch": [1], "subset": ["test"]}).to_parquet(path)
    with pytest.raises(InputError, match=str(path)):
        tables.read(path, OUTLIERS)


@pytest.mark.parametrize(
    ("source", "file"),
    [("cifar10", "cifar-10-batches-py/data_batch_1"), ("cifar100", "cifar-100-python/train")],
)
def test_an_altered_pickle_of_torchvision_is_not_executed(tmp_path, source, file, bomb):
    for name in TORCHVISION[source].packed_in:
        path = (tmp_path / file).with_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bomb)
    with pytest.raises(InputError, match=f"{tmp_path}/{file} is truncated or damaged: its MD5 sum is not"):
        loading.load(source, str(tmp_path))


def test_an_archive_of_another_content_is_not_unpacked(tmp_path, bomb):
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name in ("../../outside", *(f"cifar-10-batches-py/{name}" for name in TORCHVISION["cifar10"].packed_in)):
            entry = tarfile.TarInfo(name)
            entry.size = len(bomb)
            archive.addfile(entry, io.BytesIO(bomb))
    with pytest.raises(InputError, match=f"{tmp_path}/cifar-10-python.tar.gz is truncated or damaged"):
        loading.load("cifar10", str(tmp_path))


def test_a_pickle_among_the_files_of_mnist_is_not_executed(tmp_path, bomb, marker, monkeypatch):
    processed, raw = tmp_path / "mnist" / "MNIST" / "processed", tmp_path / "mnist" / "MNIST" / "raw"
    processed.mkdir(parents=True)
    raw.mkdir()
    for name in ("training.pt", "test.pt"):
        torch.save(Bomb(marker), processed / name)
    for name in TORCHVISION["mnist"].packed_in:
        (raw / name).write_bytes(bomb)
        (raw / f"{name}.gz").write_bytes(gzip.compress(bomb))
    with pytest.raises(InputError, match=f"{raw}/train-images-idx3-ubyte is truncated or damaged"):
        loading.load("mnist", str(tmp_path / "mnist"))
    monkeypatch.setattr(torchvision_files, "DOWNLOADS", tmp_path)
    with pytest.raises(InputError, match=f"pickle of an old torchvision.*delete {processed}"):
        loading.load("mnist", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_widths", "[]"),
        ("hidden_widths", "5"),
        ("hidden_widths", '["a"]'),
        ("hidden_widths", "[4]"),
        ("hidden_widths", "[4, 4, 4]"),
        ("hidden_widths", "[9, 9]"),
        ("hidden_widths", "{"),
        ("input_mean", "3"),
        ("input_std", None),
    ],
)
def test_a_snapshot_whose_header_lies_is_refused(tmp_path, name, value):
    metadata = {key: text for key, text in (METADATA | {name: value}).items() if text is not None}
    snapshots._write(snapshots.snapshot_path(tmp_path, 0), MLP(6, [4, 4], 3).state_dict(), metadata)
    with pytest.raises(InputError, match="is no usable snapshot"):
        snapshots.load(tmp_path, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t | {"layers.0.weight": torch.zeros(4)},
        lambda t: t | {"layers.0.weight": torch.zeros(2, 6)},
        lambda t: t | {"layers.1.bias": torch.zeros(5)},
        lambda t: t | {"layers.9.weight": torch.zeros(4, 4)},
        lambda t: {name: tensor for name, tensor in t.items() if name != "layers.2.bias"},
        lambda t: {},
        lambda t: {name: tensor.to(torch.int64) for name, tensor in t.items()},
        lambda t: {name: tensor.to(torch.float64) for name, tensor in t.items()},
    ],
    ids=["vector", "narrow", "bias", "more layers", "one missing", "empty", "integers", "doubles"],
)
def test_a_snapshot_with_other_tensors_is_refused(tmp_path, change):
    snapshots._write(snapshots.snapshot_path(tmp_path, 0), change(MLP(6, [4, 4], 3).state_dict()), METADATA)
    with pytest.raises(InputError, match="is no usable snapshot"):
        snapshots.load(tmp_path, 0)


def test_a_state_of_another_kind_is_no_state(tmp_path):
    path = tmp_path / "state.safetensors"
    snapshots._write(path, {}, {"progress": json.dumps([1, 2])})
    assert snapshots.load_state(path) is None
    snapshots._write(path, {}, {})
    assert snapshots.load_state(path) is None


# pickled_arrays.py reads pickles without running what they name, as test_noise_kinds.py checks.
@pytest.mark.parametrize("path", [p for p in LIBRARY if p.stem != "pickled_arrays"], ids=lambda path: path.name)
def test_nothing_that_executes_data_is_called(path):
    forbidden = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "read_pickle", "allow_pickle", "full_load",
                 "unsafe_load"}  # fmt: skip
    text = path.read_text("utf-8")
    assert "torch.load(" not in text and "yaml.load(" not in text and "np.load(" not in text
    if path.suffix == ".py":
        tree = ast.parse(text)
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
        names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not names & (forbidden | {"eval", "exec"})
