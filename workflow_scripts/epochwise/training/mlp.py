"""The network of the paper: fully connected, ReLU, one width for all hidden layers."""

import itertools

import torch
from torch import nn


class MLP(nn.Module):
    """`hidden_layers` layers of `width` ReLU units and a linear output layer.

    Parameters are named `layers.{l}.weight` (out, in) and `layers.{l}.bias`, l = 0..hidden_layers.

    Attributes:
        activation_cap: largest value of an activation; larger ones are clipped to it. None clips nothing.
    """

    def __init__(self, inputs: int, hidden_layers: int, width: int, classes: int, activation_cap: float | None = None):
        super().__init__()
        self.activation_cap = activation_cap
        sizes = [inputs, *[width] * hidden_layers, classes]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (N, K) for inputs (N, D)."""
        for layer in self.layers[:-1]:
            inputs = self.activate(layer(inputs))
        return self.layers[-1](inputs)

    def activate(self, values: torch.Tensor) -> torch.Tensor:
        """ReLU of `values`, in place, clipped at the cap."""
        return values.relu_() if self.activation_cap is None else values.clamp_(0, self.activation_cap)

    def activations(self, inputs: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Post-ReLU activations (N, H) of every hidden layer, first to last, and the logits (N, K)."""
        hidden = []
        for layer in self.layers[:-1]:
            inputs = self.activate(layer(inputs))
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
