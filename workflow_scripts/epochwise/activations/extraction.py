"""Read the statistics of all layers from the snapshots of one run, each snapshot once."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from epochwise.activations import tables as columns
from epochwise.activations.forward import group_sums, large_neurons, layer_statistics
from epochwise.activations.groups import Groups, groups_of_test, groups_of_training
from epochwise.data.image_table import Images
from epochwise.training import snapshots
from epochwise.training.folders import epochs_in
from epochwise.training.mlp import MLP
from epochwise.workflow import schedule, tables

log = logging.getLogger(__name__)
SCHEMAS = {
    "class_means": columns.CLASS_MEANS,
    "neurons": columns.NEURONS,
    "samples": columns.SAMPLES,
    "outputs": columns.OUTPUTS,
}


@dataclass(frozen=True)
class Samples:
    """Training and test samples of one run.

    `inputs` (N, D) and `test_inputs` (M, D) float32; `given` (N,) int64 labels; `index` (N,) row of each training
    sample in the data set; `groups` and `test_groups` of samples whose mean activation is wanted.
    """

    inputs: torch.Tensor
    given: torch.Tensor
    index: np.ndarray
    groups: Groups
    test_inputs: torch.Tensor
    test_groups: Groups


def extract(
    epochs: Sequence[int], load: Callable[[int], MLP], samples: Samples, batch_size: int
) -> Iterator[tuple[str, dict]]:
    """Rows of the tables class_means, neurons, samples and outputs, as pairs of table name and columns, epoch by epoch.

    `load` returns the network of an epoch. The large neuron of each layer is chosen at the last epoch.
    """
    large = large_neurons(load(epochs[-1]), samples.inputs, batch_size)
    for epoch in epochs:
        model = load(epoch)
        layers, logits, traced = layer_statistics(model, samples.inputs, samples.groups, batch_size, large)
        test_sums = group_sums(model, samples.test_inputs, samples.test_groups, batch_size)
        for layer, (statistics, test) in enumerate(zip(layers, test_sums, strict=True), start=1):
            for sums, groups in ((statistics.group_sums, samples.groups), (test, samples.test_groups)):
                yield "class_means", columns.class_means(epoch, layer, groups.keys, sums.numpy(), groups.sizes)
            neurons = statistics.neurons(samples.index)
            yield "neurons", columns.neurons(epoch, layer, neurons, statistics.median_active())
            yield "samples", columns.samples(epoch, layer, large[layer], samples.index, traced[layer].numpy())
        probability, predicted = torch.softmax(logits, 1).max(1)
        loss = cross_entropy(logits, samples.given, reduction="none")
        yield (
            "outputs",
            columns.outputs(epoch, samples.index, predicted.numpy(), probability.numpy(), loss.numpy()),
        )


def extract_run(
    folder: str, images: Images, test: Images, labels: dict[str, np.ndarray], settings: dict, outputs: dict[str, str]
) -> None:
    """Read the snapshots in `folder` and write the four tables to the paths `outputs`, by table name.

    `labels` has the columns of the run's labels, `settings` is the `activations` block of the configuration. Log lines
    report each epoch.
    """
    epochs = schedule.selected(epochs_in(folder), settings["snapshot_stride"])
    last, scaling = snapshots.load(folder, epochs[-1])  # kept, so that each snapshot is read once
    index, true, given = labels["index"], labels["true_label"], labels["given_label"]
    classes = len(images.class_names)
    samples = Samples(
        inputs=torch.from_numpy(scaling.apply(images.pixels[index])),
        given=torch.from_numpy(given.astype("int64")),
        index=index,
        groups=groups_of_training(true, given, classes, settings["split_seed"]),
        test_inputs=torch.from_numpy(scaling.apply(test.pixels)),
        test_groups=groups_of_test(test.labels, classes),
    )

    def load(epoch: int) -> MLP:
        return last if epoch == epochs[-1] else snapshots.load(folder, epoch)[0]

    with ExitStack() as files:
        write = {name: files.enter_context(tables.writer(SCHEMAS[name], outputs[name])) for name in SCHEMAS}
        for name, rows in extract(epochs, load, samples, settings["batch_size"]):
            write[name](rows)
            if name == "outputs":
                log.info("epoch %d of %d read", rows["epoch"][0], epochs[-1])
