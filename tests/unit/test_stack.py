"""The training step written out, against automatic differentiation, torch's own optimizer and each network alone."""

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from epochwise.training import stack as stack_module
from epochwise.training.layout import EVALUATED, network_inputs
from epochwise.training.loss import LOSSES
from epochwise.training.mlp import MLP, initialize
from epochwise.training.optimizer import Optimizer
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack

RATE = 0.01
ADAM = Optimizer(RATE)


def networks(shape, count, cap=None):
    """Networks of `shape`: number of inputs, units of each hidden layer, and classes."""
    made = [MLP(*shape, cap) for _ in range(count)]
    for seed, network in enumerate(made):
        initialize(network, "pytorch", seed)
    return made


def examples(shape, count, samples):
    """Plain inputs (N, D), the same as a stack takes them, and labels (S, N)."""
    random = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (samples, shape[0]), generator=random, dtype=torch.uint8)
    scaling = Scaling((0.4,), (0.3,))
    rows = network_inputs(pixels.numpy(), scaling, torch.device("cpu"), torch.float32)
    labels = torch.randint(shape[-1], (count, samples), generator=random)
    return torch.from_numpy(scaling.apply(pixels.numpy())), rows, labels


shapes = st.tuples(st.integers(1, 40), st.lists(st.integers(1, 33), min_size=1, max_size=4), st.integers(2, 10))


@settings(deadline=None, max_examples=50)
@given(shapes, st.integers(1, 3), st.integers(1, 20), st.none() | st.floats(0.01, 1), st.sampled_from([*LOSSES]))
def test_the_gradient_equals_automatic_differentiation(shape, count, samples, cap, name):
    made = networks(shape, count, cap)
    inputs, rows, labels = examples(shape, count, samples)
    expected = []
    for network, given_labels in zip(copy.deepcopy(made), labels, strict=True):
        hidden = inputs  # through torch.clamp, so that the network's own code is not its own reference
        for layer in network.layers[:-1]:
            hidden = torch.clamp(torch.relu(layer(hidden)), max=torch.inf if cap is None else cap)
        outputs = network.layers[-1](hidden)
        loss = cross_entropy(outputs.softmax(1) if name == "cross_entropy_of_softmax" else outputs, given_labels)
        expected.append(torch.autograd.grad(loss, list(network.parameters())))
    stack = Stack(made, Optimizer(RATE), loss=name)
    stack.train_epoch(rows, labels, torch.arange(samples).expand(count, -1), samples)
    for layer, matrix in enumerate(stack._matrices(stack.gradient)):
        for network, gradient in enumerate(matrix):
            weight, bias = expected[network][2 * layer : 2 * layer + 2]
            inputs_of_layer = weight.shape[1]
            torch.testing.assert_close(gradient[:, :inputs_of_layer], weight, rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(gradient[:, inputs_of_layer], bias, rtol=1e-4, atol=1e-6)
            assert not gradient[:, inputs_of_layer + 1 :].any(), "padding"


def assert_trains_as_torch_does(
    kind,
    count,
    batch_size,
    optimizer=ADAM,
    torchs=lambda parameters: torch.optim.Adam(parameters, RATE),
    cap=None,
):
    """Networks that a stack of this kind trains equal those trained by the loop in the docstring of `Stack.step`."""
    shape = (7, [12, 9, 6], 3)
    made = networks(shape, count, cap)
    theirs = copy.deepcopy(made)
    inputs, rows, labels = examples(shape, count, 50)
    stack = kind(made, optimizer)
    random = torch.Generator().manual_seed(5)
    orders = torch.stack([torch.randperm(50, generator=random) for _ in range(3 * count)]).view(3, count, 50)
    for permutations in orders:
        assert stack.train_epoch(rows, labels, permutations, batch_size).tolist() == [True] * count
    logits = stack.logits(rows)
    for seed, network in enumerate(theirs):
        plain = torchs(network.parameters())
        for samples in (samples for order in orders[:, seed] for samples in order.split(batch_size)):
            plain.zero_grad()
            loss = cross_entropy(network(inputs[samples]), labels[seed, samples])
            loss.backward()
            plain.step()
        torch.testing.assert_close(logits[seed], network(inputs).detach(), rtol=1e-4, atol=1e-5)
        for ours, other in zip(made[seed].parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(ours, other.detach(), rtol=1e-4, atol=1e-5)


by_count_and_batch = pytest.mark.parametrize(
    ("count", "batch_size"),
    [*itertools.product([1, 3], [16, 50])],  # with and without a smaller last batch
)


@by_count_and_batch
def test_training_equals_the_loop_most_people_would_write(count, batch_size):
    assert_trains_as_torch_does(Stack, count, batch_size)


def test_a_stack_trains_each_network_as_if_alone():
    shape, epochs = (20, [32, 24, 16, 8], 10), 4
    together, alone = networks(shape, 3), networks(shape, 3)
    _, rows, labels = examples(shape, 3, 90)
    stack = Stack(together, Optimizer(1e-3))
    singles = [Stack([network], Optimizer(1e-3)) for network in alone]
    random = torch.Generator().manual_seed(2)
    for _ in range(epochs):
        orders = torch.stack([torch.randperm(90, generator=random) for _ in range(3)])
        stack.train_epoch(rows, labels, orders, 32)
        for seed, single in enumerate(singles):
            single.train_epoch(rows, labels[seed : seed + 1], orders[seed : seed + 1], 32)
        logits = torch.cat([single.logits(rows) for single in singles])
        torch.testing.assert_close(stack.logits(rows), logits, rtol=1e-4, atol=1e-5)
    before = torch.cat([Stack([network], Optimizer(1e-3)).logits(rows) for network in networks(shape, 3)])
    assert (stack.logits(rows) - before).abs().max() > 0.01, "something was learned"


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("samples", [3, EVALUATED, 3 * EVALUATED, 3 * EVALUATED + 3])
def test_logits_are_those_of_the_networks_also_in_pieces(count, samples):
    shape = (5, [8, 6], 4)
    made = networks(shape, count)
    inputs, rows, _ = examples(shape, count, samples)
    expected = torch.stack([network(inputs) for network in copy.deepcopy(made)])
    torch.testing.assert_close(Stack(made, Optimizer(RATE)).logits(rows), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cap", [None, 0.3])
def test_a_network_that_left_the_finite_numbers_is_named(cap):
    shape = (5, [8, 6], 4)
    made = networks(shape, 3, cap)
    _, rows, labels = examples(shape, 3, 30)
    stack = Stack(made, Optimizer(RATE))
    made[1].layers[0].bias[2] = torch.inf
    assert stack.train_epoch(rows, labels, torch.arange(30).expand(3, -1), 10).tolist() == [True, False, True]
    assert cap is None or stack.logits(rows).isfinite().all(), "under a cap the logits alone do not show it"


@pytest.mark.parametrize("count", [1, 2])
def test_bfloat16_products_follow_float32_to_their_precision(count):
    shape = (20, [32, 24, 16], 5)
    made, rounded = networks(shape, count), networks(shape, count)
    _, rows, labels = examples(shape, count, 64)
    exact, coarse = Stack(made, Optimizer(1e-3)), Stack(rounded, Optimizer(1e-3), dtype=torch.bfloat16)
    orders = torch.arange(64).expand(count, -1)
    exact.train_epoch(rows, labels, orders, 64)
    coarse.train_epoch(rows.bfloat16(), labels, orders, 64)
    assert {t.dtype for t in coarse.state().values()} == {torch.float32}
    difference = (coarse.gradient - exact.gradient).norm() / exact.gradient.norm()
    assert 0 < difference < 0.06, "bfloat16 keeps 8 bits of a number"


@pytest.mark.parametrize("count", [1, 2])
def test_scores_of_bfloat16_rest_on_logits_that_are_not_rounded(count):
    shape = (20, [32, 24], 5)
    made = networks(shape, count)
    _, rows, _ = examples(shape, count, 64)
    hidden = rows.bfloat16().expand(count, -1, -1)[..., :20]
    for layer in range(2):
        weight, bias = (torch.stack([getattr(n.layers[layer], part) for n in made]) for part in ("weight", "bias"))
        summed = hidden.double() @ weight.bfloat16().double().mT + bias.bfloat16().double()[:, None]
        hidden = torch.relu(summed).bfloat16()
    last = [network.layers[2] for network in made]
    expected = torch.stack([signal.float() @ n.weight.mT + n.bias for signal, n in zip(hidden, last, strict=True)])
    found = Stack(made, Optimizer(RATE), dtype=torch.bfloat16).logits(rows.bfloat16())
    torch.testing.assert_close(found, expected, rtol=0.01, atol=0.002)  # sums of products are rounded once or twice
    assert not torch.equal(found, found.bfloat16().float())


@pytest.mark.parametrize("count", [1, 2])
def test_weights_moved_in_pieces_end_where_those_moved_at_once_do(count, monkeypatch):
    shape = (20, [32, 24, 16], 5)
    _, rows, labels = examples(shape, count, 64)
    ends = []
    for piece in (stack_module.PIECE, 1000):
        monkeypatch.setattr(stack_module, "PIECE", piece)
        stack = Stack(networks(shape, count), Optimizer(1e-3), dtype=torch.bfloat16)
        assert (len(stack._updates) > 1) == (piece == 1000)
        stack.train_epoch(rows.bfloat16(), labels, torch.arange(64).expand(count, -1), 16)
        ends.append({**stack.state(), "logits": stack.logits(rows.bfloat16())})
    for name, tensor in ends[0].items():
        assert torch.equal(tensor, ends[1][name]), name
