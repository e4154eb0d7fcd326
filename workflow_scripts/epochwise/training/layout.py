"""How a stack of networks lies in memory: padded rows, one buffer for all weights, and buffers for one batch.

- Each layer keeps its biases as one more column of its weights, and its inputs have a column of ones to multiply them
  with. So the matrix products also compute the biases' contribution and their gradient.
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

from epochwise.training.scaling import Scaling

CACHE_LINE = 16  # float32 numbers
EVALUATED = 2048  # samples that are scaled, or evaluated, at a time, because this bounds memory


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


def layer_shapes(count: int, sizes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Shape (S, out, padded(in)) of each layer's matrices, for S = `count` networks with layers of these sizes.

    `sizes` are the numbers of inputs, of units per hidden layer, and of classes. The columns of a matrix are the
    layer's weights, its biases, and zeros.
    """
    return [(count, out, padded(inputs)) for inputs, out in itertools.pairwise(sizes)]


def squeeze(values: torch.Tensor) -> torch.Tensor:
    """Without the leading dimension (S, …) if S is 1, because plain products cost less than batched ones."""
    return values[0] if len(values) == 1 else values


@dataclass(frozen=True)
class Buffers:
    """Memory for one batch of B samples. A single network has no dimension S.

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

    @classmethod
    def allocate(
        cls, count: int, batch: int, sizes: Sequence[int], device: torch.device, dtype: torch.dtype
    ) -> "Buffers":
        """Buffers of zeros, except for the columns of ones, for `count` networks with layers of these sizes."""

        def zeros(width: int) -> torch.Tensor:
            return squeeze(torch.zeros(count, batch, width, device=device, dtype=dtype))

        *widths, classes = sizes
        layer_inputs = [zeros(padded(width)) for width in widths]
        for values, width in zip(layer_inputs, widths, strict=True):
            values[..., width] = 1
        return cls(
            rows=layer_inputs[0].view(-1, layer_inputs[0].shape[-1]),
            layer_inputs=layer_inputs,
            hidden=[values[..., :width] for values, width in zip(layer_inputs[1:], widths[1:], strict=True)],
            delta=[zeros(width) for width in widths[1:]],
            logits=zeros(classes),
        )
