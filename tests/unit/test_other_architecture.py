"""The recipe for another architecture in docs/extending.md: its networks train as with torch's own optimizer."""

import pytest
import torch

from epochwise.training.mlp import MLP
from tests.unit.test_stack import assert_trains_as_torch_does, by_count_and_batch, networks
from tests.workflow.test_growth import blocks

WAY, STEP = blocks("Another architecture")


def defined(code, name):
    names = {"torch": torch}
    exec(code, names)
    return names[name]


@pytest.fixture
def skips(monkeypatch):
    """Networks with the page's way through the layers."""
    monkeypatch.setattr(MLP, "activations", defined(WAY, "activations"))
    monkeypatch.setattr(MLP, "forward", lambda network, inputs: network.activations(inputs)[1])


@by_count_and_batch
def test_the_step_trains_networks_with_skip_connections(skips, count, batch_size):
    assert_trains_as_torch_does(defined(STEP, "AutogradStack"), count, batch_size)


def test_the_skips_change_the_network(monkeypatch):
    network = networks((7, [12, 12, 12], 3), 1)[0]
    inputs = torch.rand(5, 7)
    plain = network(inputs)
    first = network.layers[0](inputs).relu()
    second = network.layers[1](first).relu() + first
    third = network.layers[2](second).relu() + second
    monkeypatch.setattr(MLP, "activations", defined(WAY, "activations"))
    hidden, logits = network.activations(inputs)
    for got, expected in zip(hidden, (first, second, third), strict=True):
        torch.testing.assert_close(got, expected)
    torch.testing.assert_close(logits, network.layers[3](third))
    assert (logits - plain).abs().max() > 1e-3
