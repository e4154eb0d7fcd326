"""Saved weights and states: whole, or refused."""

import json

import pytest
import torch
from safetensors import safe_open

from epochwise.training import snapshots
from epochwise.training.folders import epochs_in
from epochwise.training.mlp import MLP, initialize
from epochwise.training.optimizer import Optimizer
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack
from epochwise.workflow.errors import InputError

SCALING = Scaling((0.1, 0.2, 1 / 3), (0.5, 0.6, 0.7))
PROGRESS = {"fingerprint": "abc", "epoch": 4, "history": [{"epoch": 0, "accuracy": 0.1, "loss": None}]}


@pytest.fixture
def model():
    model = MLP(3, [4, 4], 2)
    initialize(model, "pytorch", 1)
    return model.requires_grad_(False)


@pytest.fixture
def saved(tmp_path, model):
    snapshots.save(tmp_path, model, 12, 3, SCALING)
    return tmp_path / "epoch_0000012.safetensors"


@pytest.fixture
def state(tmp_path):
    path = tmp_path / "state.safetensors"
    snapshots.save_state(path, {"steps": torch.tensor(7.0), "order": torch.arange(5, dtype=torch.uint8)}, PROGRESS)
    return path


def test_a_snapshot_comes_back_as_it_was(saved, model):
    loaded, scaling = snapshots.load(saved.parent, 12)
    assert scaling == SCALING
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in model.state_dict().items())
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_a_network_of_width_1_is_saved_too(tmp_path):
    """Its bias is one element of a padded row: contiguous to torch, whatever the stride."""
    stack = Stack([MLP(3, [1, 1], 2) for _ in range(2)], Optimizer(0.001))
    for seed, network in enumerate(stack.networks):
        snapshots.save(tmp_path / str(seed), network, 0, seed, SCALING)
        loaded, _ = snapshots.load(tmp_path / str(seed), 0)
        assert all(torch.equal(loaded.state_dict()[name], value) for name, value in network.state_dict().items())


def test_a_snapshot_tells_all_that_the_contract_names(saved, model):
    with safe_open(saved, "pt") as file:
        metadata = file.metadata()
        assert set(file.keys()) == set(model.state_dict())
        assert all(torch.equal(file.get_tensor(name), value) for name, value in model.state_dict().items())
    assert (metadata["epoch"], metadata["seed"]) == ("12", "3")
    found = {name: json.loads(metadata[name]) for name in ("hidden_widths", "input_mean", "input_std")}
    assert found == {"hidden_widths": [4, 4], "input_mean": list(SCALING.mean), "input_std": list(SCALING.std)}


def test_equal_weights_give_equal_bytes(saved, model):
    content = saved.read_bytes()
    snapshots.save(saved.parent, model, 12, 3, SCALING)
    assert saved.read_bytes() == content
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_epochs_are_listed_in_numerical_order(tmp_path, model):
    for epoch in (1000000, 0, 20, 3):
        snapshots.save(tmp_path, model, epoch, 0, SCALING)
    assert epochs_in(tmp_path) == [0, 3, 20, 1000000]


def test_a_folder_without_snapshots_is_named(tmp_path):
    with pytest.raises(InputError, match=rf"{tmp_path} holds no snapshots; delete the folder"):
        epochs_in(tmp_path)


def test_a_truncated_snapshot_is_refused_by_name_at_any_length(saved):
    content = saved.read_bytes()
    for length in range(len(content)):
        saved.write_bytes(content[:length])
        with pytest.raises(InputError, match=rf"{saved} is no usable snapshot .*run the workflow again"):
            snapshots.load(saved.parent, 12)


@pytest.mark.parametrize("content", [None, b"not a snapshot at all"])
def test_a_missing_or_foreign_snapshot_is_refused_by_name(saved, content):
    saved.unlink()
    if content is not None:
        saved.write_bytes(content)
    with pytest.raises(InputError, match=f"{saved} is no usable snapshot"):
        snapshots.load(saved.parent, 12)


def test_a_snapshot_without_a_layer_or_without_metadata_is_refused(saved, model):
    tensors = {name: value for name, value in model.state_dict().items() if name != "layers.1.bias"}
    metadata = {"hidden_widths": "[4, 4]", "input_mean": "[0]", "input_std": "[1]"}
    for content in [(tensors, metadata), (model.state_dict(), None)]:
        saved.write_bytes(snapshots.serialize(*content))
        with pytest.raises(InputError, match=f"{saved} is no usable snapshot"):
            snapshots.load(saved.parent, 12)


def with_one_bit_flipped(path, positions):
    """Rewrite a file with one bit of a byte flipped, for one position after another."""
    content = path.read_bytes()
    for position in range(len(content))[positions]:
        path.write_bytes(content[:position] + bytes([content[position] ^ 1 << position % 8]) + content[position + 1 :])
        yield position


HEADER_LENGTH = slice(0, 8)
ANYWHERE = slice(None, None, 5)


@pytest.mark.parametrize("positions", [HEADER_LENGTH, ANYWHERE])
def test_a_snapshot_with_a_flipped_bit_is_refused_by_name(saved, positions):
    for _ in with_one_bit_flipped(saved, positions):
        with pytest.raises(InputError, match=f"{saved} is no usable snapshot"):
            snapshots.load(saved.parent, 12)


@pytest.mark.parametrize("positions", [HEADER_LENGTH, ANYWHERE])
def test_a_state_with_a_flipped_bit_is_none(state, positions):
    for _ in with_one_bit_flipped(state, positions):
        assert snapshots.load_state(state) is None


def test_a_state_comes_back_as_it_was(state):
    tensors, progress = snapshots.load_state(state)
    assert progress == PROGRESS
    assert torch.equal(tensors["steps"], torch.tensor(7.0))
    assert torch.equal(tensors["order"], torch.arange(5, dtype=torch.uint8))


def test_a_state_that_is_missing_or_truncated_is_none(state):
    content = state.read_bytes()
    for length in [0, 1, 7, 8, 40, len(content) // 2, len(content) - 1]:
        state.write_bytes(content[:length])
        assert snapshots.load_state(state) is None
    state.unlink()
    assert snapshots.load_state(state) is None


def test_a_state_with_numbers_that_are_none_is_not_written(state):
    content = state.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        snapshots.save_state(state, {}, {"loss": float("nan")})
    assert state.read_bytes() == content
