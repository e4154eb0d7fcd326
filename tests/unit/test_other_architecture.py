"""The recipe for another architecture in docs/extending.md: its networks train as with torch's own optimizer."""

import copy

import pytest
import torch

from epochwise.training.mlp import MLP
from tests.unit.test_stack import RATE, examples, networks, reference
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


def trained(count, batch_size):
    """Networks trained by the page's step, and the same ones trained by the loop most people would write."""
    made = networks((7, 3, 12, 3), count)
    theirs = copy.deepcopy(made)
    inputs, rows, labels = examples((7, 3, 12, 3), count, 50)
    stack = defined(STEP, "AutogradStack")(made, learning_rate=RATE)
    random = torch.Generator().manual_seed(5)
    orders = torch.stack([torch.randperm(50, generator=random) for _ in range(3 * count)]).view(3, count, 50)
    for permutations in orders:
        assert stack.train_epoch(rows, labels, permutations, batch_size).tolist() == [True] * count
    for seed, network in enumerate(theirs):
        reference(network, inputs, labels[seed], orders[:, seed], batch_size)
    expected = torch.stack([network(inputs).detach() for network in theirs])
    torch.testing.assert_close(stack.logits(rows), expected, rtol=1e-4, atol=1e-5)
    return made, theirs


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("batch_size", [16, 50])  # with and without a smaller last batch
def test_the_step_trains_networks_with_skip_connections(skips, count, batch_size):
    for ours, other in zip(*trained(count, batch_size), strict=True):
        for mine, expected in zip(ours.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, expected.detach(), rtol=1e-4, atol=1e-5)


def test_the_skips_change_the_network(monkeypatch):
    network = networks((7, 3, 12, 3), 1)[0]
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
