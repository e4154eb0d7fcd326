"""The training step written out, against automatic differentiation, torch's own optimizer and each network alone."""

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from epochwise.training import stack as stack_module
from epochwise.training.mlp import MLP, initialize
from epochwise.training.scaling import Scaling
from epochwise.training.stack import EVALUATED, Stack, network_inputs

RATE = 0.01


def networks(shape, count):
    made = [MLP(*shape) for _ in range(count)]
    for seed, network in enumerate(made):
        initialize(network, "pytorch", seed)
    return made


def examples(shape, count, samples):
    """Plain inputs (N, D), the same as a stack takes them, and labels (S, N)."""
    random = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (samples, shape[0]), generator=random, dtype=torch.uint8)
    scaling = Scaling((0.4,), (0.3,))
    rows = network_inputs(pixels.numpy(), scaling, torch.device("cpu"), torch.float32)
    labels = torch.randint(shape[3], (count, samples), generator=random)
    return torch.from_numpy(scaling.apply(pixels.numpy())), rows, labels


def reference(model, inputs, labels, orders, batch_size):
    """The loop most people would write; `orders` holds a permutation per epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for order in orders:
        for batch in order.split(batch_size):
            optimizer.zero_grad()
            cross_entropy(model(inputs[batch]), labels[batch]).backward()
            optimizer.step()


shapes = st.tuples(st.integers(1, 40), st.integers(1, 4), st.integers(1, 33), st.integers(2, 10))


@settings(deadline=None, max_examples=40)
@given(shapes, st.integers(1, 3), st.integers(1, 20))
def test_the_gradient_equals_automatic_differentiation(shape, count, samples):
    made = networks(shape, count)
    inputs, rows, labels = examples(shape, count, samples)
    expected = []
    for network, given_labels in zip(copy.deepcopy(made), labels, strict=True):
        loss = cross_entropy(network(inputs), given_labels)
        expected.append(torch.autograd.grad(loss, list(network.parameters())))
    stack = Stack(made, learning_rate=RATE)
    stack.train_epoch(rows, labels, torch.arange(samples).expand(count, -1), samples)
    for layer, matrix in enumerate(stack._matrices(stack.gradient)):
        for network, gradient in enumerate(matrix):
            weight, bias = expected[network][2 * layer : 2 * layer + 2]
            inputs_of_layer = weight.shape[1]
            torch.testing.assert_close(gradient[:, :inputs_of_layer], weight, rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(gradient[:, inputs_of_layer], bias, rtol=1e-4, atol=1e-6)
            assert not gradient[:, inputs_of_layer + 1 :].any(), "padding"


def assert_trains_as_torch_does(kind, count, batch_size):
    """Networks that a stack of this kind trains equal those trained by the loop most people would write."""
    shape = (7, 3, 12, 3)
    made = networks(shape, count)
    theirs = copy.deepcopy(made)
    inputs, rows, labels = examples(shape, count, 50)
    stack = kind(made, learning_rate=RATE)
    random = torch.Generator().manual_seed(5)
    orders = torch.stack([torch.randperm(50, generator=random) for _ in range(3 * count)]).view(3, count, 50)
    for permutations in orders:
        assert stack.train_epoch(rows, labels, permutations, batch_size).tolist() == [True] * count
    logits = stack.logits(rows)
    for seed, network in enumerate(theirs):
        reference(network, inputs, labels[seed], orders[:, seed], batch_size)
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
    shape, epochs = (20, 4, 32, 10), 4
    together, alone = networks(shape, 3), networks(shape, 3)
    _, rows, labels = examples(shape, 3, 90)
    stack = Stack(together, learning_rate=1e-3)
    singles = [Stack([network], learning_rate=1e-3) for network in alone]
    random = torch.Generator().manual_seed(2)
    for _ in range(epochs):
        orders = torch.stack([torch.randperm(90, generator=random) for _ in range(3)])
        stack.train_epoch(rows, labels, orders, 32)
        for seed, single in enumerate(singles):
            single.train_epoch(rows, labels[seed : seed + 1], orders[seed : seed + 1], 32)
        logits = torch.cat([single.logits(rows) for single in singles])
        torch.testing.assert_close(stack.logits(rows), logits, rtol=1e-4, atol=1e-5)
    before = torch.cat([Stack([network], 1e-3).logits(rows) for network in networks(shape, 3)])
    assert (stack.logits(rows) - before).abs().max() > 0.01, "something was learned"


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("samples", [3, EVALUATED, 3 * EVALUATED, 3 * EVALUATED + 3])
def test_logits_are_those_of_the_networks_also_in_pieces(count, samples):
    shape = (5, 2, 8, 4)
    made = networks(shape, count)
    inputs, rows, _ = examples(shape, count, samples)
    expected = torch.stack([network(inputs) for network in copy.deepcopy(made)])
    torch.testing.assert_close(Stack(made, RATE).logits(rows), expected, rtol=1e-4, atol=1e-5)


def test_a_network_that_left_the_finite_numbers_is_named():
    shape = (5, 2, 8, 4)
    made = networks(shape, 3)
    _, rows, labels = examples(shape, 3, 30)
    stack = Stack(made, RATE)
    made[1].layers[0].weight[2, 3] = torch.inf
    assert stack.train_epoch(rows, labels, torch.arange(30).expand(3, -1), 10).tolist() == [True, False, True]


@pytest.mark.parametrize("count", [1, 2])
def test_bfloat16_products_follow_float32_to_their_precision(count):
    shape = (20, 3, 32, 5)
    made, rounded = networks(shape, count), networks(shape, count)
    _, rows, labels = examples(shape, count, 64)
    exact, coarse = Stack(made, 1e-3), Stack(rounded, 1e-3, dtype=torch.bfloat16)
    orders = torch.arange(64).expand(count, -1)
    exact.train_epoch(rows, labels, orders, 64)
    coarse.train_epoch(rows.bfloat16(), labels, orders, 64)
    assert {t.dtype for t in coarse.state().values()} == {torch.float32}
    difference = (coarse.gradient - exact.gradient).norm() / exact.gradient.norm()
    assert 0 < difference < 0.06, "bfloat16 keeps 8 bits of a number"


@pytest.mark.parametrize("count", [1, 2])
def test_scores_of_bfloat16_rest_on_logits_that_are_not_rounded(count):
    shape = (20, 2, 32, 5)
    made = networks(shape, count)
    _, rows, _ = examples(shape, count, 64)
    hidden = rows.bfloat16().expand(count, -1, -1)[..., :20]
    for layer in range(2):
        weight, bias = (torch.stack([getattr(n.layers[layer], part) for n in made]) for part in ("weight", "bias"))
        summed = hidden.double() @ weight.bfloat16().double().mT + bias.bfloat16().double()[:, None]
        hidden = torch.relu(summed).bfloat16()
    last = [network.layers[2] for network in made]
    expected = torch.stack([signal.float() @ n.weight.mT + n.bias for signal, n in zip(hidden, last, strict=True)])
    found = Stack(made, RATE, dtype=torch.bfloat16).logits(rows.bfloat16())
    torch.testing.assert_close(found, expected, rtol=0.01, atol=0.002)  # sums of products are rounded once or twice
    assert not torch.equal(found, found.bfloat16().float())


@pytest.mark.parametrize("count", [1, 2])
def test_weights_moved_in_pieces_end_where_those_moved_at_once_do(count, monkeypatch):
    shape = (20, 3, 32, 5)
    _, rows, labels = examples(shape, count, 64)
    ends = []
    for piece in (stack_module.PIECE, 1000):
        monkeypatch.setattr(stack_module, "PIECE", piece)
        stack = Stack(networks(shape, count), 1e-3, dtype=torch.bfloat16)
        assert (len(stack._updates) > 1) == (piece == 1000)
        stack.train_epoch(rows.bfloat16(), labels, torch.arange(64).expand(count, -1), 16)
        ends.append({**stack.state(), "logits": stack.logits(rows.bfloat16())})
    for name, tensor in ends[0].items():
        assert torch.equal(tensor, ends[1][name]), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_restored_stack_continues_exactly(dtype):
    shape = (5, 2, 8, 4)
    _, rows, labels = examples(shape, 2, 30)
    rows = rows.to(dtype)
    orders = torch.arange(30).expand(2, -1)
    first, second = (Stack(networks(shape, 2), RATE, dtype=dtype) for _ in range(2))
    first.train_epoch(rows, labels, orders, 8)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for stack in (first, second):
        stack.train_epoch(rows, labels, orders, 8)
    for name, tensor in first.state().items():
        assert torch.equal(tensor, second.state()[name])
