"""Networks of one shape trained side by side, one per seed: the training step, written out for speed.

What a step costs beyond its matrix products is bookkeeping, so there is little of it: all weights lie in one buffer
(one call of Adam moves them all), every result has a buffer of its own, and each bias is the last column of its weight,
fed by a column of ones, so that it and its gradient come out of the products. Rows are padded to whole cache lines.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from epochwise.training.mlp import MLP
from epochwise.training.scaling import Scaling

CACHE_LINE = 16  # float32 numbers
EVALUATED = 2048  # samples per forward pass of an evaluation; bounds memory
PIECE = 1 << 19  # weights that a processor moves and rounds at a time: about what its cache holds with their moments
BETAS, EPSILON = (0.9, 0.999), 1e-8


def padded(inputs: int) -> int:
    """Length of a row that holds `inputs` values and the 1 that feeds the bias."""
    return math.ceil((inputs + 1) / CACHE_LINE) * CACHE_LINE


def network_inputs(pixels: np.ndarray, scaling: Scaling, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Inputs (N, padded(D)) of a stack for pixels (N, D) uint8: scaled, then the column of ones, then zeros."""
    count, inputs = pixels.shape
    rows = torch.zeros(count, padded(inputs), device=device, dtype=dtype)
    rows[:, inputs] = 1
    for start in range(0, count, EVALUATED):
        piece = slice(start, start + EVALUATED)
        rows[piece, :inputs] = torch.from_numpy(scaling.apply(pixels[piece]))
    return rows


@dataclass(frozen=True)
class _Buffers:
    """Room for one batch of B samples.

    `rows` (S·B, padded(D)) holds the inputs; `below` what enters each layer, ones included (S, B, in + 1), its first
    entry being the rows; `hidden` (S, B, H) the same without inputs and ones; `delta` (S, B, H) the gradient by it.
    """

    rows: torch.Tensor
    below: list[torch.Tensor]
    hidden: list[torch.Tensor]
    delta: list[torch.Tensor]
    logits: torch.Tensor


class Stack:
    """S networks, their Adam optimizer (Kingma & Ba 2015; β = (0.9, 0.999), ε = 1e-8), and the gradient between them.

    The parameters of the given networks become views of the stack's `parameters`, so they train in place. With
    `dtype` bfloat16 the products are bfloat16; weights, moments, softmax and loss stay float32.
    """

    def __init__(
        self,
        networks: Sequence[MLP],
        learning_rate: float,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        self.networks, self.learning_rate, self.device, self.dtype = networks, learning_rate, device, dtype
        self.sizes = [networks[0].layers[0].in_features, *(layer.out_features for layer in networks[0].layers)]
        length = sum(len(networks) * out * padded(inputs) for inputs, out in itertools.pairwise(self.sizes))
        self.parameters, self.first, self.second = torch.zeros(3, length, device=device).unbind()
        self.steps = torch.zeros((), device=device)
        for layer, matrix in enumerate(self._matrices(self.parameters)):
            for network, weight in zip(networks, matrix, strict=True):
                linear = network.layers[layer].requires_grad_(False)
                weight.copy_(torch.cat([linear.weight, linear.bias[:, None]], 1))
                linear.weight.data, linear.bias.data = weight[:, :-1], weight[:, -1]
        # What the products read and write: the weights themselves, or a rounded copy, and the gradient.
        self._factors = self.parameters.to(dtype)
        self.gradient = torch.zeros_like(self._factors)
        # A single network goes without the leading dimension: plain products cost less than batches of one.
        self._multiply, self._multiply_scaled = (
            (torch.mm, torch.addmm) if len(networks) == 1 else (torch.bmm, torch.baddbmm)
        )
        # Views are made once: in a small network's step, making them would take as long as a product.
        matrices = [self._squeezed(matrix) for matrix in self._matrices(self._factors)]
        self._forwards = [matrix.mT for matrix in matrices]
        self._backwards = [matrix[..., :-1] for matrix in matrices]
        self._readout = self._squeezed(self._matrices(self.parameters)[-1]).mT
        self._gradients = [self._squeezed(matrix) for matrix in self._matrices(self.gradient)]
        at_once = PIECE if self._rounds() and torch.device(device).type == "cpu" else length
        moved_together = (self.parameters, self.gradient, self.first, self.second, self._factors)
        self._pieces = list(zip(*(buffer.split(at_once) for buffer in moved_together), strict=True))
        self._rooms: dict[int, _Buffers] = {}

    def state(self) -> dict[str, torch.Tensor]:
        """All that training changes, by name; `restore` takes it back."""
        return {"parameters": self.parameters, "first": self.first, "second": self.second, "steps": self.steps}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Continue from a state."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
        self._factors.copy_(self.parameters)

    @torch.inference_mode()
    def train_epoch(
        self, inputs: torch.Tensor, given: torch.Tensor, permutations: torch.Tensor, batch_size: int
    ) -> torch.Tensor:
        """One pass over the training set, each network in an order of its own; whether each is still finite (S,).

        `inputs` (N, padded(D)); `given` (S, N) labels; `permutations` (S, N). A weight that is infinite or not a number
        never becomes finite again, so the logits of the last batch tell.
        """
        labels = given.gather(1, permutations)
        wanted = self._squeezed(torch.nn.functional.one_hot(labels, self.sizes[-1]).to(torch.float32))
        batches = zip(self._squeezed(permutations).split(batch_size, -1), wanted.split(batch_size, -2), strict=True)
        for samples, target in batches:
            room = self._room(samples.shape[-1])
            torch.index_select(inputs, 0, samples.reshape(-1), out=room.rows)
            self._step(room, target)
        return room.logits.isfinite().flatten(-2).all(-1).reshape(-1)

    @torch.inference_mode()
    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (S, N, K) for inputs (N, padded(D)); the last layer is float32, since rounded logits may tie."""
        logits = torch.empty(len(self.networks), len(inputs), self.sizes[-1], device=self.device)
        for piece, found in zip(inputs.split(EVALUATED), logits.split(EVALUATED, 1), strict=True):
            room = self._room(len(piece))
            room.rows.view(-1, *piece.shape)[:] = piece
            self._activate(room)
            found[:] = self._multiply(room.below[-1].float(), self._readout)
        return logits

    def _step(self, room: _Buffers, target: torch.Tensor) -> None:
        """Forward, backward and Adam for a batch of which `target` (S, B, K) are the one-hot labels."""
        self._activate(room)
        self._multiply(room.below[-1], self._forwards[-1], out=room.logits)
        # By the logits, the gradient of the mean cross-entropy is (softmax - one-hot)/B; 1/B joins the products.
        share = 1 / target.shape[-2]
        delta = torch.softmax(room.logits, -1, dtype=torch.float32).sub_(target).to(self.dtype)
        for layer in reversed(range(len(self._gradients))):
            gradient = self._gradients[layer]
            self._multiply_scaled(gradient, delta.mT, room.below[layer], beta=0, alpha=share, out=gradient)
            if layer > 0:
                delta = self._multiply(delta, self._backwards[layer], out=room.delta[layer - 1])
                torch.ops.aten.threshold_backward.grad_input(delta, room.hidden[layer - 1], 0, grad_input=delta)
        self.steps += 1
        # The function inside torch.optim.Adam, without what surrounds it: that costs more than this for small networks,
        # and imports torch's compiler, which takes longer than many a run.
        for weights, gradient, first, second, factors in self._pieces:
            torch._fused_adam_(
                [weights], [gradient.float()], [first], [second], [], [self.steps],
                lr=self.learning_rate, beta1=BETAS[0], beta2=BETAS[1], eps=EPSILON, weight_decay=0.0, amsgrad=False,
                maximize=False,
            )  # fmt: skip
            if self._rounds():
                factors.copy_(weights)

    def _activate(self, room: _Buffers) -> None:
        """The hidden layers for the inputs in `room`."""
        for below, weight, hidden in zip(room.below, self._forwards, room.hidden, strict=False):
            self._multiply(below, weight, out=hidden).relu_()

    def _rounds(self) -> bool:
        """Whether the products work with rounded copies of the weights."""
        return self._factors is not self.parameters

    def _matrices(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """Each layer's weights, with its biases as last column, (S, out, in + 1), as views of a flat buffer."""
        shapes = [(len(self.networks), out, padded(inputs)) for inputs, out in itertools.pairwise(self.sizes)]
        parts = flat.split([math.prod(shape) for shape in shapes])
        return [
            part.view(shape)[..., : inputs + 1] for part, shape, inputs in zip(parts, shapes, self.sizes, strict=False)
        ]

    def _room(self, batch: int) -> _Buffers:
        """The buffers for a batch of this size, made at first use."""
        if batch not in self._rooms:

            def new(width: int) -> torch.Tensor:
                shape = (len(self.networks), batch, width)
                return self._squeezed(torch.zeros(shape, device=self.device, dtype=self.dtype))

            *entering, classes = self.sizes
            signals = [new(padded(width)) for width in entering]
            for signal, width in zip(signals, entering, strict=True):
                signal[..., width] = 1
            self._rooms[batch] = _Buffers(
                rows=signals[0].view(-1, signals[0].shape[-1]),
                below=[signal[..., : width + 1] for signal, width in zip(signals, entering, strict=True)],
                hidden=[signal[..., :width] for signal, width in zip(signals[1:], entering[1:], strict=True)],
                delta=[new(width) for width in entering[1:]],
                logits=new(classes),
            )
        return self._rooms[batch]

    def _squeezed(self, values: torch.Tensor) -> torch.Tensor:
        return values[0] if len(self.networks) == 1 else values
