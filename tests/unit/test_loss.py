"""The losses: their gradients against autograd, and their bounds."""

import math

import pytest
import torch
from torch.nn.functional import one_hot

from epochwise.training.loss import LOSSES

NAMES = list(LOSSES)


def _logits(scale: float, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (S, B, K) of two networks, and labels (S, B)."""
    random = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(2, 50, 10, generator=random, dtype=torch.float64)
    return logits.to(dtype), torch.randint(0, 10, (2, 50), generator=random)


def _by_autograd(name: str, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The gradient from torch's own functions in float64: log_softmax, and softmax before it if it is applied twice."""
    z = logits.double().requires_grad_()
    inner = z.softmax(-1) if name == "cross_entropy_of_softmax" else z
    loss = -inner.log_softmax(-1).gather(-1, labels[..., None]).sum()
    return torch.autograd.grad(loss, z)[0]


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0, 1000.0])  # the last ones are saturated
@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_that_of_autograd(name, scale):
    logits, labels = _logits(scale)
    found = LOSSES[name].gradient(logits, one_hot(labels, 10))
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, _by_autograd(name, logits, labels), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_rounded_logits_have_a_gradient_in_float32(name, dtype):
    logits, labels = _logits(3.0, dtype)
    found = LOSSES[name].gradient(logits, one_hot(labels, 10).float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), _by_autograd(name, logits, labels), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_the_values_are_those_whose_gradient_is_taken(name):
    logits, labels = _logits(2.0)
    z = logits.flatten(0, 1).requires_grad_()
    [gradient] = torch.autograd.grad(LOSSES[name].values(z, labels.flatten()).sum(), z)
    torch.testing.assert_close(gradient, LOSSES[name].gradient(logits, one_hot(labels, 10)).flatten(0, 1))


def test_softmax_applied_twice_is_bounded_and_falls_with_accuracy_when_saturated():
    logits, labels = (part.flatten(0, 1) for part in _logits(1.0))
    values = LOSSES["cross_entropy_of_softmax"].values
    lowest, highest = math.log(math.e + 9) - 1, math.log(math.e + 9)
    assert lowest == pytest.approx(1.4612, abs=1e-4)
    assert lowest < values(logits, labels).min()
    assert values(logits, labels).max() < highest
    accuracy = (logits.argmax(1) == labels).double().mean()
    assert values(1e4 * logits, labels).mean() == pytest.approx(highest - accuracy.item(), abs=1e-6)
