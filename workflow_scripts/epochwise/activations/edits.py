"""What a network predicts if one neuron is edited: set to zero, set to its mean, or scaled."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from epochwise.activations.forward import batches
from epochwise.training.mlp import MLP


class Edit(NamedTuple):
    """Moves the activation a of a neuron towards its `reference`, or away from it: a ↦ a − strength · (a − reference).

    Attributes:
        strength: 0 changes nothing, 1 sets the neuron to its reference, and a negative strength moves it away. None:
            the strength with which the next layer loses the same norm as by setting the large neuron to its reference.
        reference: `ZERO`, or `MEAN`, the mean of a over the training samples.
    """

    strength: float | None
    reference: int


ZERO, MEAN = range(2)
# Setting a neuron to its mean is the same as removing it and adding its mean contribution to the next layer's bias.
EDITS = {
    "none": Edit(0.0, ZERO),
    "zero": Edit(1.0, ZERO),
    "mean": Edit(1.0, MEAN),
    "half": Edit(0.5, ZERO),
    "one_and_a_half": Edit(-0.5, ZERO),
    "double": Edit(-1.0, ZERO),
    "zero_equal": Edit(None, ZERO),
    "mean_equal": Edit(None, MEAN),
}
CONTROLS = 5  # neurons that are matched to the large one


def contributions(model: MLP, layer: int, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """How much each neuron of a hidden layer adds to the next layer, around zero and around its mean (2, H).

    This is the root mean square norm that the next layer loses if the neuron is set to zero or to its mean: the root
    mean square distance of its activation from this reference, times the norm of its outgoing weights.

    Args:
        model: the network.
        layer: hidden layer, from 1.
        mean: mean activation of each neuron over the training samples (H,).
        std: its standard deviation (H,).
    """
    return torch.stack([torch.sqrt(mean.square() + std.square()), std]) * model.layers[layer].weight.norm(dim=0)


def strengths(contribution: torch.Tensor, large: int) -> torch.Tensor:
    """Strength of the edits with equal norm, by reference and neuron (2, H), see `Edit`.

    `contribution` (2, H) is that of `contributions`, and `large` the number of the large neuron. The strength is 0 for
    a neuron that contributes nothing, because no edit towards its reference changes the next layer.
    """
    return torch.where(contribution > 0, contribution[:, [large]] / contribution, 0)


def targets(contribution: torch.Tensor, largest: torch.Tensor, large: int) -> dict[str, int]:
    """The neurons of a layer that are edited, by their role.

    `large` is the number of the large neuron. `runner_up` has the largest activation (H,) of the others. The CONTROLS
    matched neurons are those of the rest whose contribution (H,) is nearest to that of `large`, the nearest one first.
    """
    others = [neuron for neuron in torch.argsort(largest, descending=True, stable=True).tolist() if neuron != large]
    distance = (contribution - contribution[large]).abs()
    matched = sorted(others[1:], key=lambda neuron: (float(distance[neuron]), neuron))[:CONTROLS]
    named = {f"matched_{number}": neuron for number, neuron in enumerate(matched, start=1)}
    return {"large": large, **({"runner_up": others[0]} if others else {}), **named}


@torch.inference_mode()
def edit_logits(
    model: MLP, layer: int, hidden: torch.Tensor, neuron: int, means: torch.Tensor, equal: torch.Tensor
) -> Iterator[tuple[str, torch.Tensor]]:
    """The logits (B, K) after each of the EDITS of one neuron, by the name of the edit.

    An edit of one neuron changes what the next layer receives by one column of its weights, so the product with all
    other columns is computed once.

    Args:
        model: the network.
        layer: hidden layer of the neuron, from 1.
        hidden: activations of this layer (B, H).
        neuron: the neuron.
        means: mean activation of each neuron over the training samples (H,).
        equal: `strengths` (2, H) of the edits with equal norm.
    """
    following = model.layers[layer:]
    received, column = following[0](hidden), following[0].weight[:, neuron]
    activation = hidden[:, neuron]
    for edit, (strength, reference) in EDITS.items():
        strength = equal[reference, neuron] if strength is None else strength
        distance = activation - (means[neuron] if reference == MEAN else 0)
        values = received - strength * distance[:, None] * column
        for next_layer in following[1:]:
            values = next_layer(model.activation.apply_(values))
        yield edit, values


@torch.inference_mode()
def scores(
    model: MLP,
    layer: int,
    neurons: Mapping[str, int],
    means: torch.Tensor,
    equal: torch.Tensor,
    inputs: torch.Tensor,
    labels: Mapping[str, tuple[torch.Tensor, torch.Tensor]],
    batch_size: int,
) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Accuracy and loss by (target, edit, subset).

    Args:
        model: the network.
        layer: hidden layer of the neurons, from 1.
        neurons: the neurons by their target.
        means: mean activation of each neuron over the training samples (H,).
        equal: `strengths` (2, H) of the edits with equal norm.
        inputs: samples (N, D) float32.
        labels: for each subset a mask (N,) of its samples, and the labels (N,) that count as correct.
        batch_size: samples per forward pass.

    Returns:
        Accuracies from 0 to 1, and mean cross-entropies in nats. Subsets without samples are left out.
    """
    totals: dict[tuple[str, str, str], np.ndarray] = {}
    for batch, hidden, _ in batches(model, inputs, batch_size):
        for target, neuron in neurons.items():
            for edit, logits in edit_logits(model, layer, hidden[layer - 1], neuron, means, equal):
                for subset, (mask, wanted) in labels.items():
                    chosen, right = logits[mask[batch]], wanted[batch][mask[batch]]
                    correct = (chosen.argmax(1) == right).sum()
                    loss = cross_entropy(chosen, right, reduction="sum")
                    key = target, edit, subset
                    totals[key] = totals.get(key, 0) + np.array([float(correct), float(loss), len(right)])
    return {key: (c / n, loss / n) for key, (c, loss, n) in totals.items() if n}


def rows(
    epoch: int,
    layer: int,
    neurons: Mapping[str, int],
    contribution: torch.Tensor,
    scored: Mapping[tuple[str, str, str], tuple[float, float]],
) -> Sequence[dict]:
    """Rows of the table INTERVENTIONS from `scores`. `contribution` (H,) is that around zero."""
    found = []
    for (target, edit, subset), (accuracy, loss) in scored.items():
        before = scored[target, "none", subset]
        row = {"epoch": epoch, "layer": layer, "neuron": neurons[target], "target": target, "edit": edit}
        row |= {"contribution": float(contribution[neurons[target]]), "subset": subset}
        row |= {"accuracy": accuracy, "loss": loss}
        found.append(row | {"accuracy_change": accuracy - before[0], "loss_change": loss - before[1]})
    return found
