"""A training epoch as one CUDA graph: small networks would otherwise wait for their kernels to be launched."""

import functools
from collections.abc import Callable

import torch

from epochwise.training.evaluation import TrainingData
from epochwise.training.stack import Stack

MAX_LAUNCHES = 200_000  # per graph, because each kernel in it takes some 3 kB of the GPU's memory


def epoch_of(stack: Stack, data: TrainingData, batch_size: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """The training epoch as a function of the permutations (S, N), which returns what `Stack.train_epoch` returns.

    On a GPU it is recorded as a graph, unless the graph would be too large. All epochs of a job then run in the same
    way, so a run that was continued has the bytes of one that was not.
    """
    steps = -(-len(data.true) // batch_size)
    if stack.device.type == "cuda" and steps * stack.launches_per_step <= MAX_LAUNCHES:
        return RecordedEpoch(stack, data, batch_size)

    def epoch(permutations: torch.Tensor) -> torch.Tensor:
        return stack.train_epoch(data.inputs, data.given, permutations.to(stack.device), batch_size)

    return epoch


class RecordedEpoch:
    """One epoch of a stack as a CUDA graph, which is replayed with other permutations."""

    def __init__(self, stack: Stack, data: TrainingData, batch_size: int):
        untouched = {name: tensor.clone() for name, tensor in stack.state().items()}
        self._permutations = torch.arange(len(data.true), device=stack.device).expand_as(data.given).contiguous()
        epoch = functools.partial(stack.train_epoch, data.inputs, data.given, self._permutations, batch_size)
        epoch()  # makes the buffers and loads the libraries, which cannot happen while a graph is recorded
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._finite = epoch()
        stack.restore(untouched)

    def __call__(self, permutations: torch.Tensor) -> torch.Tensor:
        """Train for one epoch; see `Stack.train_epoch` for what it returns."""
        self._permutations.copy_(permutations)
        self._graph.replay()
        return self._finite
