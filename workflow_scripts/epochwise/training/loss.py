"""The losses that a network can be trained on, each with its gradient by the network's outputs.

K is the number of classes, z are the outputs (logits) of a network on one sample, and y is its label, one-hot.

`cross_entropy` is −ln softmax(z)_y: at least 0, without an upper bound, and ln K for a network that guesses.

`cross_entropy_of_softmax` applies softmax twice: q = softmax(z) is taken for logits, and the loss is −ln softmax(q)_y.
A network whose last layer is a softmax and whose loss applies softmax again is trained on it (in torch, `nn.Softmax`
before `nn.CrossEntropyLoss`). Because q is between 0 and 1, the loss is bounded: with ten classes it is at least
ln(e + 9) − 1 = 1.4612 and at most ln(e + 9) = 2.4612. If all outputs are saturated (each q is one-hot), the mean loss
is 2.4612 − accuracy. A sample that is saturated at a wrong class has almost no gradient, so it hardly changes any more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Loss:
    """A loss.

    Attributes:
        values: the loss of each sample (N,), in nats, from logits (N, K) and labels (N,) int64.
        gradient: the gradient of each sample's loss by its logits (…, K), of the precision of the logits but at least
            float32, from logits (…, K) and one-hot labels (…, K). The mean over a batch has this gradient over B.
        launches: number of kernels that the gradient launches on a GPU.
    """

    values: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    gradient: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    launches: int


def _softmax(values: torch.Tensor) -> torch.Tensor:
    return torch.softmax(values, -1, dtype=torch.float64 if values.dtype == torch.float64 else torch.float32)


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """−ln softmax(z)_y of each sample."""
    return functional.cross_entropy(logits, labels, reduction="none")


def cross_entropy_gradient(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """softmax(z) − y."""
    return _softmax(logits).sub_(targets)


def cross_entropy_of_softmax(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """−ln softmax(softmax(z))_y of each sample."""
    return cross_entropy(_softmax(logits), labels)


def cross_entropy_of_softmax_gradient(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """q∘(g − ⟨q, g⟩) with q = softmax(z) and g = softmax(q) − y: the gradient by q, through the softmax that made q."""
    q = _softmax(logits)
    g = cross_entropy_gradient(q, targets)
    return g.sub_((q * g).sum(-1, keepdim=True)).mul_(q)


# The names are those of `training.loss` in the configuration.
LOSSES = {
    "cross_entropy": Loss(cross_entropy, cross_entropy_gradient, launches=2),
    "cross_entropy_of_softmax": Loss(cross_entropy_of_softmax, cross_entropy_of_softmax_gradient, launches=7),
}
