"""Networks of one shape trained side by side, one per seed. `Stack.step` is the training step, written out for speed.

The gradients are written out by hand, without autograd, and one batched product serves all networks. Besides its matrix
products a step costs mostly calls and allocations, so there are few of both: the optimizer updates all weights in few
calls, because they are in one buffer, and the products write into buffers made in advance. `layout` says how they lie
in memory. With bfloat16 the products read a rounded copy of the weights, and the optimizer changes the exact ones.
"""

import math
from collections.abc import Sequence

import torch

from epochwise.training.layout import CACHE_LINE, EVALUATED, Buffers, layer_shapes, squeeze
from epochwise.training.loss import LOSSES
from epochwise.training.mlp import MLP
from epochwise.training.optimizer import Optimizer, Part

PIECE = 1 << 19  # weights that a processor updates and rounds at a time, because its cache holds about this many
CUDA_PIECES = 32  # parts of the weights in one call on a GPU: enough to occupy it, and still one kernel


class Stack:
    """S networks of one shape, trained on the same inputs, each with labels and a batch order of its own.

    Attributes:
        networks: the networks. Their parameters are views of `parameters`, so training changes them in place.
        optimizer: how a step changes the weights.
        loss: the loss that they are trained on, see `loss.LOSSES`.
        sizes: numbers of inputs, of units per hidden layer, and of classes.
        parameters: all weights and biases (P,) float32, network by network within each layer.
        exp_avg, exp_avg_sq: Adam's moments of the gradient and of its square (P,) float32, named as in torch. Gradient
            descent keeps its momentum in `exp_avg`.
        steps: number of steps so far.
        gradient: gradient of the loss in the latest step (P,).
        rounds: whether the products use a copy of the weights that is rounded to `dtype` bfloat16. Weights, moments,
            softmax and loss are float32 always.
    """

    def __init__(
        self,
        networks: Sequence[MLP],
        optimizer: Optimizer,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        loss: str = "cross_entropy",
    ):
        self.networks, self.optimizer, self.loss = networks, optimizer, LOSSES[loss]
        self.device, self.dtype, self.rounds = torch.device(device), dtype, dtype != torch.float32
        self.sizes = [networks[0].layers[0].in_features, *(layer.out_features for layer in networks[0].layers)]
        length = sum(map(math.prod, layer_shapes(len(networks), self.sizes)))
        self.parameters, self.exp_avg, self.exp_avg_sq = torch.zeros(3, length, device=device).unbind()
        self.steps = torch.zeros((), device=device)
        self._take_over_parameters()
        self._activation = networks[0].activation.round_to(dtype)
        # What the products read: the weights themselves, or a rounded copy.
        self._factors = self.parameters.to(dtype)
        # On a GPU a product of bfloat16 numbers can be written as float32; a processor rounds it to bfloat16.
        self._exact_gradient = self.rounds and self.device.type != "cpu"
        self.gradient = torch.zeros_like(self.parameters if self._exact_gradient else self._factors)
        self._multiply, self._multiply_scaled = (
            (torch.mm, torch.addmm) if len(networks) == 1 else (torch.bmm, torch.baddbmm)
        )
        # Views are made once, because in a small network's step making them would take as long as a product.
        matrices = [squeeze(matrix) for matrix in self._matrices(self._factors)]
        self._forward_weights = [matrix.mT for matrix in matrices]
        self._backward_weights = [matrix[..., :inputs] for matrix, inputs in zip(matrices, self.sizes, strict=False)]
        self._last_weights = squeeze(self._matrices(self.parameters)[-1]).mT
        self._gradients = [squeeze(matrix) for matrix in self._matrices(self.gradient)]
        self._updates = self._make_updates()
        self._buffers_by_batch: dict[int, Buffers] = {}

    def step(self, inputs: torch.Tensor, samples: torch.Tensor, targets: torch.Tensor) -> None:
        """Take one training step with every network. For each of them it computes what these lines compute, where
        `loss_values` are the `values` of its loss:

            optimizer.zero_grad()
            logits = network(inputs[samples])
            loss_values(logits, labels[samples]).mean().backward()
            optimizer.step()

        Args:
            inputs: inputs of all samples (N, padded(D)), as `network_inputs` makes them.
            samples: the batch of each network (S, B) int64, or (B,) for a single network.
            targets: its one-hot labels (S, B, K) float32, or (B, K).
        """
        batch = samples.shape[-1]
        buffers = self._buffers(batch)
        torch.index_select(inputs, 0, samples.reshape(-1), out=buffers.rows)

        self._forward(buffers)
        self._multiply(buffers.layer_inputs[-1], self._forward_weights[-1], out=buffers.logits)

        delta = self.loss.gradient(buffers.logits, targets).to(self.dtype)
        out_dtype = (torch.float32,) if self._exact_gradient else ()
        for layer in reversed(range(len(self._gradients))):
            # The gradient by the weights, delta.mT @ layer_inputs, is a mean over the batch.
            gradient, layer_inputs = self._gradients[layer], buffers.layer_inputs[layer]
            self._multiply_scaled(gradient, delta.mT, layer_inputs, *out_dtype, beta=0, alpha=1 / batch, out=gradient)
            if layer > 0:
                delta = self._multiply(delta, self._backward_weights[layer], out=buffers.delta[layer - 1])
                self._activation.backward_(delta, buffers.hidden[layer - 1])

        self._optimize()

    def _forward(self, buffers: Buffers) -> None:
        """Compute the hidden layers for the inputs in `buffers`."""
        for inputs, weights, hidden in zip(buffers.layer_inputs, self._forward_weights, buffers.hidden, strict=False):
            self._activation.apply_(self._multiply(inputs, weights, out=hidden))

    def _optimize(self) -> None:
        """Update the weights from `gradient`, and round them for the next step's products."""
        self.steps += 1
        for part in self._updates:
            self.optimizer.update(part, self.steps)
            if self.rounds:
                part.rounded.copy_(part.exact)

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
            Whether each network is still finite (S,). The sum of its weights shows it, because a sum with an infinite
            weight, or with one that is not a number, is not finite. Under a cap the logits alone would not show it.
        """
        labels = given.gather(1, permutations)
        one_hot = squeeze(torch.nn.functional.one_hot(labels, self.sizes[-1]).to(torch.float32))
        batches = zip(squeeze(permutations).split(batch_size, -1), one_hot.split(batch_size, -2), strict=True)
        for samples, targets in batches:
            self.step(inputs, samples, targets)
        sums = [matrices.flatten(1).sum(1) for matrices in self._matrices(self.parameters)]
        return torch.stack(sums).sum(0).isfinite()

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

    @property
    def launches_per_step(self) -> int:
        """Number of kernels that a training step launches on a GPU.

        Per hidden layer these are five: its product, ReLU, the gradient of its weights, and the gradient by its outputs
        with that of ReLU. Five others are the choice of the samples, the output layer's two products, the count of
        steps, and the optimizer. The gradient of the loss adds its own. Rounding takes two more, and joining the
        samples of networks and weight decay take one each.
        """
        extra = self.loss.launches + 2 * self.rounds + (len(self.networks) > 1) + (self.optimizer.weight_decay > 0)
        return 5 * (len(self.sizes) - 2) + 5 + extra

    def state(self) -> dict[str, torch.Tensor]:
        """The tensors that training changes, by name. They are not copied."""
        return {name: getattr(self, name) for name in ("parameters", "exp_avg", "exp_avg_sq", "steps")}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Continue from a state that `state` has returned."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
        self._factors.copy_(self.parameters)

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
        """Views of a flat buffer (P,) as matrices, one per layer (S, out, padded(in)), see `layer_shapes`."""
        shapes = layer_shapes(len(self.networks), self.sizes)
        parts = flat.split([math.prod(shape) for shape in shapes])
        return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]

    def _buffers(self, batch: int) -> Buffers:
        """The buffers for a batch of this size, which are made at its first use."""
        if batch not in self._buffers_by_batch:
            buffers = Buffers.allocate(len(self.networks), batch, self.sizes, self.device, self.dtype)
            self._buffers_by_batch[batch] = buffers
        return self._buffers_by_batch[batch]
