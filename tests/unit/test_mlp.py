"""The network against NumPy, and its initial weights against the distributions they are drawn from."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm, uniform

from epochwise.training.mlp import MLP, initialize

SHAPES = [(5, 1, 1, 2), (3, 2, 8, 4), (16, 6, 5, 10)]


def network(shape, kind="pytorch", seed=0):
    inputs, depth, width, classes = shape
    model = MLP(inputs, [width] * depth, classes)
    initialize(model, kind, seed)
    return model.requires_grad_(False)


def forward(model, inputs):
    """Activations of all hidden layers and logits by NumPy in double precision."""
    values = {name: value.double().numpy() for name, value in model.state_dict().items()}
    signals, hidden = inputs.double().numpy(), []
    for layer in range(len(values) // 2):
        signals = np.einsum("oi,ni->no", values[f"layers.{layer}.weight"], signals) + values[f"layers.{layer}.bias"]
        if layer < len(values) // 2 - 1:
            signals = np.where(signals > 0, signals, 0)
            hidden.append(signals)
    return hidden, signals


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_and_activations_equal_numpy(shape):
    model, inputs = network(shape), torch.randn(9, shape[0], generator=torch.Generator().manual_seed(1))
    before = inputs.clone()
    hidden, logits = model.activations(inputs)
    expected_hidden, expected_logits = forward(model, inputs)
    assert len(hidden) == shape[1]
    for ours, expected in zip(hidden, expected_hidden, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-5, atol=1e-6)
    assert torch.equal(logits, model(inputs)) and torch.equal(inputs, before)


@pytest.mark.parametrize("shape", SHAPES)
def test_parameters_have_the_names_and_shapes_of_the_contract(shape):
    inputs, depth, width, classes = shape
    sizes = [inputs, *[width] * depth, classes]
    expected = {}
    for layer in range(depth + 1):
        expected[f"layers.{layer}.weight"] = (sizes[layer + 1], sizes[layer])
        expected[f"layers.{layer}.bias"] = (sizes[layer + 1],)
    found = network(shape).state_dict()
    assert {name: tuple(value.shape) for name, value in found.items()} == expected
    assert {value.dtype for value in found.values()} == {torch.float32}


# fan_in and fan_out of a network 40 → 300 → 300 → 200, layer by layer
FANS = [(40, 300), (300, 300), (300, 200)]


@pytest.mark.parametrize(
    ("kind", "weight"),
    [
        ("pytorch", lambda fan_in, fan_out: uniform(-1 / np.sqrt(fan_in), 2 / np.sqrt(fan_in))),
        ("he", lambda fan_in, fan_out: norm(0, np.sqrt(2 / fan_in))),
        (
            "glorot",
            lambda fan_in, fan_out: uniform(-np.sqrt(6 / (fan_in + fan_out)), 2 * np.sqrt(6 / (fan_in + fan_out))),
        ),
    ],
)
def test_weights_follow_the_distribution_of_their_initialization(kind, weight):
    model = network((40, 2, 300, 200), kind)
    for layer, fans in zip(model.layers, FANS, strict=True):
        expected = weight(*fans)
        drawn = layer.weight.numpy().ravel()
        assert kstest(drawn, expected.cdf).pvalue > 1e-3
        assert drawn.var() == pytest.approx(expected.var(), rel=0.05)
        low, high = expected.support()
        assert drawn.min() >= np.float32(low) and drawn.max() <= np.float32(high)


def test_biases_are_uniform_for_pytorch_and_0_otherwise():
    for layer, (fan_in, _) in zip(network((40, 2, 300, 200)).layers, FANS, strict=True):
        assert kstest(layer.bias.numpy(), uniform(-1 / np.sqrt(fan_in), 2 / np.sqrt(fan_in)).cdf).pvalue > 1e-3
    for kind in ("he", "glorot"):
        assert all(not layer.bias.any() for layer in network((40, 2, 300, 200), kind).layers)


@pytest.mark.parametrize("kind", ["pytorch", "he", "glorot"])
def test_the_seed_alone_decides_the_weights(kind):
    torch.manual_seed(1)
    first = network((4, 2, 5, 3), kind, seed=8).state_dict()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = MLP(4, [5, 5], 3)
    torch.set_rng_state(state)
    initialize(again, kind, 8)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in first.items())
    other = network((4, 2, 5, 3), kind, seed=9).state_dict()
    assert not any(torch.equal(value, other[name]) for name, value in first.items() if name.endswith("weight"))


def test_an_unknown_initialization_is_refused():
    with pytest.raises(ValueError, match=r"'zeros' is not one of pytorch, he, glorot"):
        initialize(MLP(2, [2], 2), "zeros", 0)
