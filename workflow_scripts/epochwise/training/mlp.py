"""The network of the paper: fully connected, ReLU."""

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from epochwise.training.activation import Activation
from epochwise.workflow import seeding


class MLP(nn.Module):
    """Hidden layers of ReLU units, `widths` of them from first to last, and a linear output layer.

    Parameters are named `layers.{l}.weight` (out, in) and `layers.{l}.bias`, l = 0..len(widths).

    Attributes:
        layers: the linear layers, first to last.
        activation: what follows each hidden layer: ReLU, clipped at `activation_cap` if one is given.
    """

    def __init__(self, inputs: int, widths: Sequence[int], classes: int, activation_cap: float | None = None):
        super().__init__()
        self.activation = Activation(activation_cap)
        sizes = [inputs, *widths, classes]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (N, K) for inputs (N, D)."""
        for layer in self.layers[:-1]:
            inputs = self.activation.apply_(layer(inputs))
        return self.layers[-1](inputs)

    def activations(self, inputs: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Post-ReLU activations (N, H) of every hidden layer, first to last, and the logits (N, K)."""
        hidden = []
        for layer in self.layers[:-1]:
            inputs = self.activation.apply_(layer(inputs))
            hidden.append(inputs)
        return hidden, self.layers[-1](inputs)


@torch.no_grad()
def initialize(model: MLP, kind: str, seed: int) -> None:
    """Draw all weights from a generator of their own.

    `pytorch`: weights and biases uniform in ±1/√fan_in, as torch.nn.Linear does. `he`: weights normal with variance
    2/fan_in (He et al. 2015), biases 0. `glorot`: weights uniform in ±√(6/(fan_in + fan_out)) (Glorot & Bengio 2010),
    biases 0.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in model.layers:
        if kind == "pytorch":
            bound = layer.in_features**-0.5
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        elif kind == "he":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)
        elif kind == "glorot":
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)
        else:
            raise ValueError(f"initialization {kind!r} is not one of pytorch, he, glorot")


def initial_networks(settings: Mapping, seeds: Sequence[int], inputs: int, classes: int) -> list[MLP]:
    """The untrained networks of a model, one per seed.

    `settings` gives `widths` and `training`, as the configuration has them.
    """
    training = settings["training"]
    networks = [MLP(inputs, settings["widths"], classes, training["activation_cap"]) for _ in seeds]
    for network, seed in zip(networks, seeds, strict=True):
        initialize(network, training["initialization"], seeding.integer("initial_weights", seed))
    return networks
