"""Networks of one shape trained side by side, one per seed: a training step written out for speed.

The gradients are written out by hand, without autograd, and one batched product serves all networks. Besides its matrix
products a step costs mostly calls and allocations, so this module has few of both:

- All weights are in one buffer, which the optimizer updates in few calls. With bfloat16 the products read a rounded
  copy, and the optimizer changes the exact weights. The products write into buffers made in advance.
- Each layer keeps its biases as one more column of its weights, and its inputs have a column of ones to multiply them
  with. So the products also compute the biases' contribution and their gradient.
- Rows of weights and of layer inputs are padded with zeros to a multiple of 16 numbers, a cache line of float32,
  because processors and GPUs are fastest on aligned rows. A padded weight meets only zeros: its gradient is 0,
  and it stays 0.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from epochwise.training.mlp import MLP
from epochwise.training.optimizer import Optimizer, Part
from epochwise.training.scaling import Scaling

CACHE_LINE = 16  # float32 numbers
EVALUATED = 2048  # samples per forward pass of an evaluation, because this bounds memory
PIECE = 1 << 19  # weights that a processor updates and rounds at a time, because its cache holds about this many
CUDA_PIECES = 32  # parts of the weights in one call on a GPU: enough to occupy it, and still one kernel


def padded(inputs: int) -> int:
    """Length of a row that holds `inputs` values and the 1 that multiplies the bias."""
    return math.ceil((inputs + 1) / CACHE_LINE) * CACHE_LINE


def network_inputs(pixels: np.ndarray, scaling: Scaling, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Inputs (N, padded(D)) of a stack for pixels (N, D) uint8: the scaled pixels, a column of ones, then zeros."""
    count, inputs = pixels.shape
    rows = torch.zeros(count, padded(inputs), device=device, dtype=dtype)
    rows[:, inputs] = 1
    for start in range(0, count, EVALUATED):
        piece = slice(start, start + EVALUATED)
        rows[piece, :inputs] = torch.from_numpy(scaling.apply(pixels[piece]))
    return rows


@dataclass(frozen=True)
class _Buffers:
    """Memory for one batch of B samples in S networks. H is the width of a hidden layer, K the number of classes.

    Attributes:
        rows: inputs of the networks (S·B, padded(D)).
        layer_inputs: what enters each layer, first to last (S, B, padded(in)); the first one is `rows`.
        hidden: outputs of each hidden layer (S, B, H). They are the first H columns of the next layer's inputs.
        delta: gradient of the loss by `hidden` (S, B, H).
        logits: outputs of the networks (S, B, K).
    """

    rows: torch.Tensor
    layer_inputs: list[torch.Tensor]
    hidden: list[torch.Tensor]
    delta: list[torch.Tensor]
    logits: torch.Tensor


class Stack:
    """S networks of one shape, trained on the same inputs, each with labels and a batch order of its own.

    `train_epoch` computes for each network what this loop computes:

        for batch in permutation.split(batch_size):
            optimizer.zero_grad()
            logits = network(inputs[batch])
            loss = torch.nn.functional.cross_entropy(logits, labels[batch])
            loss.backward()
            optimizer.step()

    The gradient is written out by hand, and one batched product serves all networks. Activations are clipped at the
    networks' `activation_cap`, if they have one.

    Attributes:
        networks: the networks. Their parameters are views of `parameters`, so training changes them in place.
        parameters: all weights and biases (P,) float32, network by network within each layer.
        exp_avg, exp_avg_sq: Adam's moments of the gradient and of its square (P,) float32, named as in torch. Gradient
            descent keeps its momentum in `exp_avg`.
        step: number of steps so far.
        gradient: gradient of the loss in the latest step (P,).
        rounds: whether the products use a copy of the weights that is rounded to `dtype` bfloat16. Weights, moments,
            softmax and loss are float32 always.
    """

    def __init__(
        self,
        networks: Sequence[MLP],
        learning_rate: float,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        optimizer: Optimizer | None = None,
    ):
        self.networks, self.learning_rate, self.optimizer = networks, learning_rate, optimizer or Optimizer()
        self.device, self.dtype = torch.device(device), dtype
        self.sizes = [networks[0].layers[0].in_features, *(layer.out_features for layer in networks[0].layers)]
        length = sum(len(networks) * out * padded(inputs) for inputs, out in itertools.pairwise(self.sizes))
        self.parameters, self.exp_avg, self.exp_avg_sq = torch.zeros(3, length, device=device).unbind()
        self.step = torch.zeros((), device=device)
        self._take_over_parameters()
        self.rounds = dtype != torch.float32
        cap = networks[0].activation_cap
        # Rounded as the activations are, because the backward pass knows a clipped activation by its being equal to it.
        self._cap = None if cap is None else torch.tensor(cap, dtype=dtype).item()
        # What the products read: the weights themselves, or a rounded copy.
        self._factors = self.parameters.to(dtype)
        # On a GPU a product of bfloat16 numbers can be written as float32; a processor rounds it to bfloat16.
        self._exact_gradient = self.rounds and self.device.type != "cpu"
        self.gradient = torch.zeros_like(self.parameters if self._exact_gradient else self._factors)
        # A single network has no leading dimension, because plain products cost less than batched ones.
        self._multiply, self._multiply_scaled = (
            (torch.mm, torch.addmm) if len(networks) == 1 else (torch.bmm, torch.baddbmm)
        )
        # Views are made once, because in a small network's step making them would take as long as a product.
        matrices = [self._squeezed(matrix) for matrix in self._matrices(self._factors)]
        self._forward_weights = [matrix.mT for matrix in matrices]
        self._backward_weights = [matrix[..., :inputs] for matrix, inputs in zip(matrices, self.sizes, strict=False)]
        self._last_weights = self._squeezed(self._matrices(self.parameters)[-1]).mT
        self._gradients = [self._squeezed(matrix) for matrix in self._matrices(self.gradient)]
        self._updates = self._make_updates()
        self._buffers_by_batch: dict[int, _Buffers] = {}

    @property
    def launches_per_step(self) -> int:
        """Number of kernels that a training step launches on a GPU.

        Per hidden layer these are five: its product, ReLU, the gradient of its weights, and the gradient by its outputs
        with that of ReLU. The seven others are the choice of the samples, the output layer's two products, softmax, its
        gradient, the count of steps, and the optimizer. Rounding takes two more, and joining the samples of networks
        and weight decay take one each.
        """
        extra = 2 * self.rounds + (len(self.networks) > 1) + (self.optimizer.weight_decay > 0)
        return 5 * (len(self.sizes) - 2) + 7 + extra

    def state(self) -> dict[str, torch.Tensor]:
        """The tensors that training changes, by name. They are not copied."""
        return {name: getattr(self, name) for name in ("parameters", "exp_avg", "exp_avg_sq", "step")}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Continue from a state that `state` has returned."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
        self._factors.copy_(self.parameters)

    @torch.inference_mode()
    def train_epoch(
        self, inputs: torch.Tensor, given: torch.Tensor, permutations: torch.Tensor, batch_size: int
    ) -> torch.Tensor:
        """Train each network for one pass over the training set.

        Args:
            inputs: inputs of all samples (N, padded(D)), as `network_inputs` makes them.
            given: labels of all samples for each network (S, N) int64.
            permutations: order of the samples for each network (S, N) int64.
            batch_size: samples per step; the last step has those that are left.

        Returns:
            Whether each network is still finite (S,). The logits of the last batch show it, because a weight that is
            infinite or not a number never becomes finite again. Under a cap all weights are looked at, because an
            infinite activation is clipped.
        """
        labels = given.gather(1, permutations)
        one_hot = self._squeezed(torch.nn.functional.one_hot(labels, self.sizes[-1]).to(torch.float32))
        batches = zip(self._squeezed(permutations).split(batch_size, -1), one_hot.split(batch_size, -2), strict=True)
        for samples, targets in batches:
            buffers = self._buffers(samples.shape[-1])
            torch.index_select(inputs, 0, samples.reshape(-1), out=buffers.rows)
            self._forward(buffers)
            self._multiply(buffers.layer_inputs[-1], self._forward_weights[-1], out=buffers.logits)
            self._backward(buffers, targets)
            self._optimize()
        finite = buffers.logits.isfinite().flatten(-2).all(-1).reshape(-1)
        if self._cap is not None:
            for matrices in self._matrices(self.parameters):
                finite = finite & matrices.isfinite().flatten(1).all(1)
        return finite

    @torch.inference_mode()
    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (S, N, K) float32 for inputs (N, padded(D)).

        The last layer is not rounded, because rounded logits of two classes may be equal.
        """
        logits = torch.empty(len(self.networks), len(inputs), self.sizes[-1], device=self.device)
        for piece, found in zip(inputs.split(EVALUATED), logits.split(EVALUATED, 1), strict=True):
            buffers = self._buffers(len(piece))
            buffers.rows.view(-1, *piece.shape)[:] = piece
            self._forward(buffers)
            found[:] = self._multiply(buffers.layer_inputs[-1].float(), self._last_weights)
        return logits

    def _forward(self, buffers: _Buffers) -> None:
        """Compute the hidden layers for the inputs in `buffers`."""
        for inputs, weights, hidden in zip(buffers.layer_inputs, self._forward_weights, buffers.hidden, strict=False):
            self._multiply(inputs, weights, out=hidden)
            hidden.relu_() if self._cap is None else hidden.clamp_(0, self._cap)

    def _backward(self, buffers: _Buffers, targets: torch.Tensor) -> None:
        """Compute the gradient of the mean cross-entropy for a batch with the one-hot labels `targets` (S, B, K).

        By the logits it is (softmax - targets)/B. The factor 1/B is applied in the products with the layers' inputs.
        """
        share = 1 / targets.shape[-2]
        out_dtype = (torch.float32,) if self._exact_gradient else ()
        delta = torch.softmax(buffers.logits, -1, dtype=torch.float32).sub_(targets).to(self.dtype)
        for layer in reversed(range(len(self._gradients))):
            gradient, inputs = self._gradients[layer], buffers.layer_inputs[layer]
            self._multiply_scaled(gradient, delta.mT, inputs, *out_dtype, beta=0, alpha=share, out=gradient)
            if layer > 0:
                delta = self._multiply(delta, self._backward_weights[layer], out=buffers.delta[layer - 1])
                self._through_activation(delta, buffers.hidden[layer - 1])

    def _through_activation(self, delta: torch.Tensor, hidden: torch.Tensor) -> None:
        """Set `delta` (S, B, H) to 0 in place where the activation `hidden` is constant: at 0, and at the cap."""
        if self._cap is None:
            torch.ops.aten.threshold_backward.grad_input(delta, hidden, 0, grad_input=delta)
        else:
            torch.ops.aten.hardtanh_backward.grad_input(delta, hidden, 0, self._cap, grad_input=delta)

    def _optimize(self) -> None:
        """Update the weights, and round them for the next step's products."""
        self.step += 1
        for part in self._updates:
            self.optimizer.update(part, self.step, self.learning_rate)
            if self.rounds:
                part.rounded.copy_(part.exact)

    def _take_over_parameters(self) -> None:
        """Copy the networks' weights and biases into `parameters`, and make them views of it."""
        for layer, matrices in enumerate(self._matrices(self.parameters)):
            for network, matrix in zip(self.networks, matrices, strict=True):
                linear = network.layers[layer].requires_grad_(False)
                weight, bias = matrix[:, : linear.in_features], matrix[:, linear.in_features]
                weight.copy_(linear.weight)
                bias.copy_(linear.bias)
                linear.weight.data, linear.bias.data = weight, bias

    def _make_updates(self) -> list[Part]:
        """The parts in which the optimizer updates the weights.

        A processor that rounds takes one piece after another, because each then stays in its cache. A GPU takes all
        pieces in one call, because its kernel would otherwise occupy few multiprocessors in small networks.
        """
        length = len(self.parameters)
        on_cpu = self.device.type == "cpu"
        in_one_call = PIECE if on_cpu and self.rounds else length
        piece = in_one_call if on_cpu else math.ceil(length / CUDA_PIECES / CACHE_LINE) * CACHE_LINE
        parts = (
            buffer.split(in_one_call)
            for buffer in (self.parameters, self.gradient, self.exp_avg, self.exp_avg_sq, self._factors)
        )
        return [
            Part(*(list(part.split(piece)) for part in adam), rounded=factors, exact=adam[0])
            for *adam, factors in zip(*parts, strict=True)
        ]

    def _matrices(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """Views of a flat buffer (P,) as matrices, one per layer (S, out, padded(in)).

        The columns are the layer's weights, its biases, and zeros.
        """
        shapes = [(len(self.networks), out, padded(inputs)) for inputs, out in itertools.pairwise(self.sizes)]
        parts = flat.split([math.prod(shape) for shape in shapes])
        return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]

    def _buffers(self, batch: int) -> _Buffers:
        """The buffers for a batch of this size, which are made at its first use."""
        if batch not in self._buffers_by_batch:

            def new(width: int) -> torch.Tensor:
                shape = (len(self.networks), batch, width)
                return self._squeezed(torch.zeros(shape, device=self.device, dtype=self.dtype))

            *widths, classes = self.sizes
            layer_inputs = [new(padded(width)) for width in widths]
            for values, width in zip(layer_inputs, widths, strict=True):
                values[..., width] = 1
            self._buffers_by_batch[batch] = _Buffers(
                rows=layer_inputs[0].view(-1, layer_inputs[0].shape[-1]),
                layer_inputs=layer_inputs,
                hidden=[values[..., :width] for values, width in zip(layer_inputs[1:], widths[1:], strict=True)],
                delta=[new(width) for width in widths[1:]],
                logits=new(classes),
            )
        return self._buffers_by_batch[batch]

    def _squeezed(self, values: torch.Tensor) -> torch.Tensor:
        """Without the leading dimension of networks (S, …) if there is a single one."""
        return values[0] if len(self.networks) == 1 else values
