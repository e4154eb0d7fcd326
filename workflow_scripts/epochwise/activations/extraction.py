"""Read the statistics of all layers from the snapshots of one run."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from epochwise.activations import tables as columns
from epochwise.activations.forward import Pass, cell_sums, large_neurons, layer_statistics
from epochwise.activations.groups import Groups, groups_of_test, groups_of_training
from epochwise.data.image_table import Images
from epochwise.training import snapshots
from epochwise.training.folders import epochs_in
from epochwise.training.mlp import MLP
from epochwise.training.scaling import Scaling
from epochwise.workflow import schedule, tables

log = logging.getLogger(__name__)
SCHEMAS = {
    "class_means": columns.CLASS_MEANS,
    "neurons": columns.NEURONS,
    "samples": columns.SAMPLES,
    "outputs": columns.OUTPUTS,
}


@dataclass(frozen=True)
class RunSamples:
    """N training and M test samples of one run, with their tensors on one device.

    Attributes:
        inputs: network inputs of the training samples (N, D) float32.
        given: given labels (N,) int64.
        index: row of each training sample in the data set (N,).
        groups: groups of training samples whose mean activation is measured.
        test_inputs: network inputs of the test samples (M, D) float32.
        test_groups: groups of test samples.
    """

    inputs: torch.Tensor
    given: torch.Tensor
    index: np.ndarray
    groups: Groups
    test_inputs: torch.Tensor
    test_groups: Groups

    def to(self, device: torch.device) -> "RunSamples":
        """The same samples, with their tensors on another device."""
        names = ("inputs", "given", "groups", "test_inputs", "test_groups")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})


def extract_run(
    folder: str,
    *,
    images: Images,
    test: Images,
    labels: Mapping[str, np.ndarray],
    settings: Mapping,
    outputs: Mapping[str, str],
    device: torch.device,
) -> None:
    """Read the snapshots of one run and write the four tables.

    Args:
        folder: where the snapshots are.
        images: all training images of the data set.
        test: all test images.
        labels: the columns of the table LABELS.
        settings: the block `activations` of the configuration.
        outputs: path of each table, by its name.
        device: where the networks compute.
    """
    epochs = schedule.selected(epochs_in(folder), settings["snapshot_stride"])
    last, scaling = snapshots.load(folder, epochs[-1])  # kept, so that each snapshot is read once
    samples = _samples(images, test, labels, scaling, settings["split_seed"]).to(device)

    def load(epoch: int) -> MLP:
        return (last if epoch == epochs[-1] else snapshots.load(folder, epoch)[0]).to(device)

    with ExitStack() as files:
        write = {name: files.enter_context(tables.writer(SCHEMAS[name], outputs[name])) for name in SCHEMAS}
        for name, rows in extract(epochs, load=load, samples=samples, batch_size=settings["batch_size"]):
            write[name](rows)
            if name == "outputs":
                log.info("epoch %d of %d read", rows["epoch"][0], epochs[-1])


def extract(
    epochs: Sequence[int], *, load: Callable[[int], MLP], samples: RunSamples, batch_size: int
) -> Iterator[tuple[str, dict]]:
    """Rows of the tables class_means, neurons, samples and outputs, as pairs of table name and columns.

    The large neuron of each layer is chosen at the last epoch.

    Args:
        epochs: epochs of the snapshots, in order.
        load: returns the network of an epoch, on the device of the samples.
        samples: the samples.
        batch_size: samples per forward pass.
    """
    large = large_neurons(load(epochs[-1]), samples.inputs, batch_size)
    for epoch in epochs:
        model = load(epoch)
        passed = layer_statistics(model, samples.inputs, samples.groups, batch_size, large)
        sums = torch.stack([statistics.cell_sums for statistics in passed.layers])
        test_sums = cell_sums(model, samples.test_inputs, samples.test_groups, batch_size)
        for cells, groups in ((sums, samples.groups), (test_sums, samples.test_groups)):
            of_groups = _on_host(groups.contains @ cells)
            yield "class_means", columns.class_means(epoch, keys=groups.keys, sums=of_groups, sizes=groups.sizes)
        yield (
            "neurons",
            columns.neurons(
                epoch,
                statistics=_on_host(torch.stack([statistics.by_neuron() for statistics in passed.layers])),
                median_active=[statistics.median_active() for statistics in passed.layers],
                index=samples.index,
            ),
        )
        traced = _on_host(passed.traced)
        yield "samples", columns.samples(epoch, neurons=large, index=samples.index, values=traced)
        yield "outputs", columns.outputs(epoch, index=samples.index, **_outputs(passed, samples.given))


def _samples(
    images: Images, test: Images, labels: Mapping[str, np.ndarray], scaling: Scaling, split_seed: int
) -> RunSamples:
    index, true, given = labels["index"], labels["true_label"], labels["given_label"]
    classes = len(images.class_names)
    return RunSamples(
        inputs=torch.from_numpy(scaling.apply(images.pixels[index])),
        given=torch.from_numpy(given.astype("int64")),
        index=index,
        groups=groups_of_training(true, given, classes, split_seed),
        test_inputs=torch.from_numpy(scaling.apply(test.pixels)),
        test_groups=groups_of_test(test.labels, classes),
    )


def _outputs(passed: Pass, given: torch.Tensor) -> dict[str, np.ndarray]:
    """Predicted class, its probability, and the loss for the given labels (N,)."""
    probability, predicted = torch.softmax(passed.logits, 1).max(1)
    loss = cross_entropy(passed.logits, given, reduction="none")
    values = _on_host(torch.stack([predicted.float(), probability, loss]))  # one copy; class numbers are exact
    return dict(zip(("predicted", "probability", "loss"), values, strict=True))


def _on_host(values: torch.Tensor) -> np.ndarray:
    return values.cpu().numpy()
