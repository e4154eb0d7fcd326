"""Forward passes over all samples, batch by batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from epochwise.activations.groups import Groups
from epochwise.activations.statistics import LayerStatistics
from epochwise.training.mlp import MLP


@dataclass(frozen=True)
class Pass:
    """What one pass over N samples gives, on the device of its inputs.

    `layers` has the statistics of hidden layers 1 to L, `logits` is (N, K) float32, and `traced` (L, N) float32 is the
    activation of one neuron of each layer on every sample.
    """

    layers: list[LayerStatistics]
    logits: torch.Tensor
    traced: torch.Tensor


def batches(
    model: MLP, inputs: torch.Tensor, batch_size: int
) -> Iterator[tuple[slice, list[torch.Tensor], torch.Tensor]]:
    """The forward pass: for each batch of samples its slice, the activations (B, H) of all hidden layers, and the
    logits (B, K)."""
    for start in range(0, len(inputs), batch_size):
        batch = slice(start, start + batch_size)
        yield batch, *model.activations(inputs[batch])


@torch.inference_mode()
def layer_statistics(
    model: MLP, inputs: torch.Tensor, groups: Groups, batch_size: int, neurons: Mapping[int, int] | None = None
) -> Pass:
    """Statistics of every hidden layer, the logits, and the activations of one neuron per layer.

    Args:
        model: the network.
        inputs: all samples (N, D) float32, on the network's device.
        groups: groups of these samples, on the same device.
        batch_size: samples per forward pass.
        neurons: for each layer from 1 the neuron to follow; without them, `traced` is empty.
    """
    device, hidden_layers, cells = inputs.device, model.layers[:-1], groups.contains.shape[1]
    layers = [LayerStatistics(layer.out_features, cells, device) for layer in hidden_layers]
    logits = torch.empty(len(inputs), model.layers[-1].out_features, device=device)
    traced = torch.empty(len(neurons or ()), len(inputs), device=device)
    for batch, hidden, output in batches(model, inputs, batch_size):
        logits[batch] = output
        for statistics, activations in zip(layers, hidden, strict=True):
            statistics.update(activations, groups.cells[batch])
        for row, (layer, neuron) in zip(traced, (neurons or {}).items(), strict=True):
            row[batch] = hidden[layer - 1][:, neuron]
    return Pass(layers, logits, traced)


@torch.inference_mode()
def large_neurons(model: MLP, inputs: torch.Tensor, batch_size: int) -> dict[int, int]:
    """The neuron with the largest activation over `inputs` (N, D), for each layer 1 to L."""
    largest = [[values.amax(0) for values in hidden] for _, hidden, _ in batches(model, inputs, batch_size)]
    of_layers = zip(*largest, strict=True)  # for each layer the maxima (H,) of each batch
    return {layer: int(torch.stack(maxima).amax(0).argmax()) for layer, maxima in enumerate(of_layers, start=1)}
