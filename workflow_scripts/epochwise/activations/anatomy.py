"""The weights around one neuron, and which images it responds to."""

import numpy as np
import torch

from epochwise.training.mlp import MLP


def rank(values: torch.Tensor, neuron: int) -> int:
    """How many neurons have a larger value (H,), plus one."""
    return int((values > values[neuron]).sum()) + 1


@torch.enable_grad()
def mean_gradient(model: MLP, layer: int, neuron: int, inputs: torch.Tensor, batch_size: int) -> np.ndarray:
    """Mean gradient (D,) of a neuron's activation with respect to the inputs (N, D).

    In the first layer it is the incoming weights times the share of samples on which the neuron is active. In deeper
    layers it plays the same role: it is the linear map from the pixels to the neuron, averaged over the samples.
    Simonyan et al. (2014) show single gradients of this kind.
    """
    total = torch.zeros(inputs.shape[1], dtype=torch.float64, device=inputs.device)
    for batch in inputs.split(batch_size):
        images = batch.detach().clone().requires_grad_(True)
        values = images
        for hidden in model.layers[:layer]:
            values = model.activation.apply_(hidden(values))
        [gradient] = torch.autograd.grad(values[:, neuron].sum(), images)
        total += gradient.sum(0, dtype=torch.float64)
    return (total / len(inputs)).cpu().numpy()


def first_component(inputs: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The first principal component (D,), of length 1, from its scores (N,) on the inputs (N, D)."""
    direction = (scores - scores.mean()) @ (inputs - inputs.mean(0))
    return direction / np.linalg.norm(direction)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine of two images (D,); missing if one of them is zero."""
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / norms) if norms > 0 else np.nan


def response(values: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Mean image (D,) weighted by a neuron's activation (N,), minus the mean image of the inputs (N, D).

    It shows what images with a large activation have in common (a spike-triggered average, de Boer & Kuyper 1968).
    """
    total = values.sum()
    return (values @ inputs / total if total > 0 else inputs.mean(0)) - inputs.mean(0)
