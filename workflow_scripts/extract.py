"""Read all statistics of all layers off the snapshots of one run."""

import logging
from contextlib import ExitStack

import torch

from epochwise import activations, datasets, runtime, schedule, snapshots, tables

with runtime.job(snakemake) as spec:
    runtime.choose_device("cpu", snakemake.threads)
    images, test = datasets.read(snakemake.input.train), datasets.read(snakemake.input.test)
    labels = tables.read(snakemake.input.labels, "labels")
    index, true, given = (labels[name].to_numpy() for name in ("index", "true_label", "given_label"))
    folder = snakemake.input.snapshots
    epochs = schedule.selected(snapshots.epochs_in(folder), spec["snapshot_stride"])
    last, scaling = snapshots.load(folder, epochs[-1])  # each snapshot is read once
    classes = len(images.class_names)
    with ExitStack() as files:
        write = {
            name: files.enter_context(tables.writer(name, snakemake.output[name]))
            for name in ("class_means", "neurons", "samples", "outputs")
        }
        for name, columns in activations.extract(
            epochs,
            lambda epoch: last if epoch == epochs[-1] else snapshots.load(folder, epoch)[0],
            torch.from_numpy(scaling.apply(images.pixels[index])),
            torch.from_numpy(given.astype("int64")),
            index,
            activations.groups_of_training(true, given, classes, spec["split_seed"]),
            torch.from_numpy(scaling.apply(test.pixels)),
            activations.groups_of_test(test.labels, classes),
            spec["batch_size"],
        ):
            write[name](columns)
            if name == "outputs":
                logging.info("epoch %d of %d read", columns["epoch"][0], epochs[-1])
