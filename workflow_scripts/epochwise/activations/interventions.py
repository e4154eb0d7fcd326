"""Edit the large neuron of one run and its controls at several epochs, and describe its weights."""

import logging
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import torch

from epochwise.activations import anatomy, edits
from epochwise.data.image_table import Images
from epochwise.training import snapshots
from epochwise.training.folders import epochs_in
from epochwise.training.mlp import MLP
from epochwise.workflow import schedule

log = logging.getLogger(__name__)


class EditedSamples:
    """The samples of one run as tensors on one device.

    Attributes:
        inputs: network inputs of the training samples (N, D) float32.
        test_inputs: network inputs of the test samples (M, D) float32.
        training: mask (N,) and labels (N,) of the subsets clean, noisy_given and noisy_true.
        testing: mask (M,) and labels (M,) of the subset test.
    """

    def __init__(self, folder: str, images: Images, test: Images, labels: pd.DataFrame, device: torch.device):
        _, scaling = snapshots.load(folder, epochs_in(folder)[-1])
        true, given = (torch.tensor(labels[name].to_numpy(np.int64)) for name in ("true_label", "given_label"))
        noisy = torch.tensor(labels["is_noisy"].to_numpy(bool))
        test_labels = torch.tensor(test.labels.astype(np.int64))
        self.inputs = torch.from_numpy(scaling.apply(images.pixels[labels["index"].to_numpy()])).to(device)
        self.test_inputs = torch.from_numpy(scaling.apply(test.pixels)).to(device)
        subsets = {"clean": (~noisy, given), "noisy_given": (noisy, given), "noisy_true": (noisy, true)}
        self.training = {name: (mask.to(device), wanted.to(device)) for name, (mask, wanted) in subsets.items()}
        everything = torch.ones(len(test_labels), dtype=torch.bool)
        self.testing = {"test": (everything.to(device), test_labels.to(device))}


def examine(
    folder: str,
    data: EditedSamples,
    neurons: pd.DataFrame,
    outliers: pd.DataFrame,
    components: np.ndarray,
    settings: Mapping,
    *,
    layer: int,
    large: int,
) -> dict[str, pd.DataFrame]:
    """The tables INTERVENTIONS, ANATOMY and ANATOMY_IMAGES of one run, by the name of the rule's output.

    Args:
        folder: where the snapshots are.
        data: the samples, on the device where the networks compute.
        neurons: the table NEURONS of the run.
        outliers: its table OUTLIERS.
        components: scores (N,) of the training samples on the first principal component.
        settings: `stride` (every n-th snapshot that was extracted is read) and `batch_size`.
        layer: the layer that is edited.
        large: the neuron of that layer that is edited and described.
    """
    extracted = sorted(int(epoch) for epoch in outliers["epoch"].unique())
    is_large = outliers[outliers["layer"] == layer].set_index("epoch")["neuron"] == large
    pixels = data.inputs.cpu().numpy()
    references = {"mean": pixels.mean(0), "component": anatomy.first_component(pixels, components)}
    tables: dict[str, list] = {"interventions": [], "anatomy": []}
    for epoch in schedule.selected(extracted, settings["stride"]):
        model = snapshots.load(folder, epoch)[0].to(data.inputs.device)
        of_layer = neurons[(neurons["epoch"] == epoch) & (neurons["layer"] == layer)].sort_values("neuron")
        mean, std, largest = (
            torch.tensor(of_layer[name].to_numpy(), device=data.inputs.device) for name in _STATISTICS
        )
        contribution = edits.contributions(model, layer, mean, std)
        chosen, equal = edits.targets(contribution[edits.ZERO], largest, large), edits.strengths(contribution, large)
        scored = {}
        for inputs, labels in ((data.inputs, data.training), (data.test_inputs, data.testing)):
            scored |= edits.scores(model, layer, chosen, mean, equal, inputs, labels, settings["batch_size"])
        tables["interventions"] += edits.rows(epoch, layer, chosen, contribution[edits.ZERO], scored)
        gradient = anatomy.mean_gradient(model, layer, large, data.inputs, settings["batch_size"])
        row = {"epoch": epoch, "layer": layer, "neuron": large, "is_large": bool(is_large[epoch])}
        tables["anatomy"].append(
            row | _weights(model, layer, large, contribution[edits.ZERO]) | _cosines(gradient, references)
        )
        log.info("epoch %d of %d examined", epoch, extracted[-1])
    values = np.concatenate([part.cpu().numpy() for part in _activation(model, layer, large, data.inputs, settings)])
    images = {"gradient": gradient, "response": anatomy.response(values, pixels), **references}
    tables["anatomy_images"] = [{"image": name, "pixels": image.astype(np.float32)} for name, image in images.items()]
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


_STATISTICS = ("mean", "std", "max")  # columns of NEURONS


@torch.inference_mode()
def _activation(model: MLP, layer: int, neuron: int, inputs: torch.Tensor, settings: Mapping) -> Iterator[torch.Tensor]:
    """Activation of one neuron, batch by batch."""
    for batch in inputs.split(settings["batch_size"]):
        yield model.activations(batch)[0][layer - 1][:, neuron]


def _weights(model: MLP, layer: int, neuron: int, contribution: torch.Tensor) -> dict:
    """Norms, ranks and bias of a neuron: the columns of ANATOMY about weights."""
    incoming, outgoing = model.layers[layer - 1].weight.norm(dim=1), model.layers[layer].weight.norm(dim=0)
    return {
        "incoming_norm": float(incoming[neuron]),
        "incoming_rank": anatomy.rank(incoming, neuron),
        "outgoing_norm": float(outgoing[neuron]),
        "outgoing_rank": anatomy.rank(outgoing, neuron),
        "contribution_rank": anatomy.rank(contribution, neuron),
        "bias": float(model.layers[layer - 1].bias[neuron]),
    }


def _cosines(gradient: np.ndarray, references: Mapping[str, np.ndarray]) -> dict:
    return {
        "cosine_mean_image": anatomy.cosine(gradient, references["mean"]),
        "cosine_component": anatomy.cosine(gradient, references["component"]),
    }
