"""Forward passes over all samples, batch by batch."""

from collections.abc import Mapping

import torch

from epochwise.activations.groups import Groups
from epochwise.activations.statistics import LayerStatistics
from epochwise.training.mlp import MLP


@torch.inference_mode()
def layer_statistics(
    model: MLP, inputs: torch.Tensor, groups: Groups, batch_size: int, large: Mapping[int, int] | None = None
) -> tuple[list[LayerStatistics], torch.Tensor, dict[int, torch.Tensor]]:
    """Statistics of every hidden layer over `inputs` (N, D), the logits (N, K), and, for the neuron that `large` names
    for a layer, its activation on every sample (N,)."""
    statistics = [LayerStatistics(layer.out_features, len(groups.keys)) for layer in model.layers[:-1]]
    traced = {layer: torch.empty(len(inputs)) for layer in large or {}}
    logits = torch.empty(len(inputs), model.layers[-1].out_features)
    for start in range(0, len(inputs), batch_size):
        batch = slice(start, start + batch_size)
        hidden, logits[batch] = model.activations(inputs[batch])
        members = groups.members[:, batch]
        for layer, (values, statistic) in enumerate(zip(hidden, statistics, strict=True), start=1):
            statistic.update(values, members)
            if layer in traced:
                traced[layer][batch] = values[:, large[layer]]
    return statistics, logits, traced


@torch.inference_mode()
def group_sums(model: MLP, inputs: torch.Tensor, groups: Groups, batch_size: int) -> list[torch.Tensor]:
    """Sums of the activations over each group (G, H) float64, for every hidden layer."""
    sums = [torch.zeros(len(groups.keys), layer.out_features, dtype=torch.float64) for layer in model.layers[:-1]]
    for start in range(0, len(inputs), batch_size):
        batch = slice(start, start + batch_size)
        for values, total in zip(model.activations(inputs[batch])[0], sums, strict=True):
            total += groups.members[:, batch] @ values
    return sums


@torch.inference_mode()
def large_neurons(model: MLP, inputs: torch.Tensor, batch_size: int) -> dict[int, int]:
    """The neuron with the largest activation over `inputs`, for each layer 1..L."""
    peaks = [torch.full((layer.out_features,), -1.0) for layer in model.layers[:-1]]
    for start in range(0, len(inputs), batch_size):
        hidden, _ = model.activations(inputs[start : start + batch_size])
        peaks = [torch.maximum(peak, values.amax(0)) for peak, values in zip(peaks, hidden, strict=True)]
    return {layer: int(peak.argmax()) for layer, peak in enumerate(peaks, start=1)}
