"""Read the statistics of all layers from the snapshots of one run."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from epochwise.activations import paths
from epochwise.activations import tables as columns
from epochwise.activations.forward import Pass, large_neurons, layer_statistics
from epochwise.activations.groups import Groups, groups_of_training, keys_of_test
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
    "test_paths": columns.TEST_PATHS,
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
        test_labels: their labels (M,).
    """

    inputs: torch.Tensor
    given: torch.Tensor
    index: np.ndarray
    groups: Groups
    test_inputs: torch.Tensor
    test_labels: np.ndarray

    def to(self, device: torch.device) -> "RunSamples":
        """The same samples, with their tensors on another device."""
        names = ("inputs", "given", "groups", "test_inputs")
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
    """Read the snapshots of one run and write the five tables.

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
        for name, rows in extract(epochs, load=load, samples=samples, settings=settings):
            write[name](rows)
            if name == "outputs":
                log.info("epoch %d of %d read", rows["epoch"][0], epochs[-1])


def extract(
    epochs: Sequence[int], *, load: Callable[[int], MLP], samples: RunSamples, settings: Mapping
) -> Iterator[tuple[str, dict]]:
    """Rows of the tables of SCHEMAS, as pairs of table name and columns.

    The large neuron of each layer is chosen at the last epoch.

    Args:
        epochs: epochs of the snapshots, in order.
        load: returns the network of an epoch, on the device of the samples.
        samples: the samples.
        settings: the block `activations` of the configuration: samples per forward pass (`batch_size`), and the
            permutations of test data and the seed of its halves (`permutations`, `split_seed`).
    """
    batch_size = settings["batch_size"]
    large = large_neurons(load(epochs[-1]), samples.inputs, batch_size)
    for epoch in epochs:
        model = load(epoch)
        passed = layer_statistics(model, samples.inputs, samples.groups, batch_size, large)
        sums = [_on_host(samples.groups.contains @ statistics.cell_sums) for statistics in passed.layers]
        neurons = [_on_host(statistics.by_neuron()) for statistics in passed.layers]
        median_active = [statistics.median_active() for statistics in passed.layers]
        yield (
            "class_means",
            columns.class_means(epoch, keys=samples.groups.keys, sums=sums, sizes=samples.groups.sizes),
        )
        yield from _of_test(epoch, model, samples, settings, sums, [of_layer[1] for of_layer in neurons])
        yield (
            "neurons",
            columns.neurons(epoch, statistics=neurons, median_active=median_active, index=samples.index),
        )
        traced = _on_host(passed.traced)
        yield "samples", columns.samples(epoch, neurons=large, index=samples.index, values=traced)
        yield "outputs", columns.outputs(epoch, index=samples.index, **_outputs(passed, samples.given))


def _of_test(
    epoch: int,
    model: MLP,
    samples: RunSamples,
    settings: Mapping,
    sums: Sequence[np.ndarray],
    layer_means: Sequence[np.ndarray],
) -> Iterator[tuple[str, dict]]:
    """Rows of class_means about test data, and those of test_paths.

    `sums` has for each layer the sums over the groups of training samples (G, H), and `layer_means` the mean over all
    training samples (H,).
    """
    classes, batch_size = model.layers[-1].out_features, settings["batch_size"]
    predicted = paths.predict(model, samples.test_inputs, batch_size)
    marked = paths.mark(predicted, samples.test_labels, classes, settings["permutations"], settings["split_seed"])
    of_test = paths.path_sums(model, samples.test_inputs, marked.to(samples.test_inputs.device), batch_size)
    by_class = [cells.reshape(classes, 4, -1).sum(1) for cells, _ in of_test]
    keys, sizes = keys_of_test(classes), marked.sizes.sum(0)
    yield "class_means", columns.class_means(epoch, keys=keys, sums=by_class, sizes=sizes)
    training = [samples.groups.means(of_layer, "true", ("clean", "noisy")) for of_layer in sums]
    signals = [
        paths.path_signals(*of_layer, marked, *means)
        for of_layer, means in zip(of_test, zip(training, layer_means, strict=True), strict=True)
    ]
    yield "test_paths", columns.test_paths(epoch, paths=[paths.path_rows(layer, marked.sizes) for layer in signals])


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
        test_labels=test.labels,
    )


def _outputs(passed: Pass, given: torch.Tensor) -> dict[str, np.ndarray]:
    """Predicted class, its probability, and the loss for the given labels (N,)."""
    probability, predicted = torch.softmax(passed.logits, 1).max(1)
    loss = cross_entropy(passed.logits, given, reduction="none")
    values = _on_host(torch.stack([predicted.float(), probability, loss]))  # one copy; class numbers are exact
    return dict(zip(("predicted", "probability", "loss"), values, strict=True))


def _on_host(values: torch.Tensor) -> np.ndarray:
    return values.cpu().numpy()
