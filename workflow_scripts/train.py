"""Train one network: one model, one seed."""

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import torch

from epochwise import datasets, runtime, seeding, tables, training
from epochwise.mlp import MLP, initialize
from epochwise.scaling import Scaling

with runtime.job(snakemake) as spec, runtime.timed() as took:
    settings, seed = spec["training"], int(snakemake.wildcards.seed)
    device = runtime.choose_device(settings["device"], snakemake.threads)
    images, test = datasets.read(snakemake.input.train), datasets.read(snakemake.input.test)
    labels = tables.read(snakemake.input.labels, "labels")
    pixels = images.pixels[labels["index"]]
    scaling = Scaling.fit(settings["input_scaling"], pixels, images.shape[0])
    data = training.Data(
        *(
            torch.from_numpy(array).to(device)
            for array in (
                scaling.apply(pixels),
                labels["given_label"].to_numpy("int64"),
                labels["true_label"].to_numpy("int64"),
                scaling.apply(test.pixels),
                test.labels.astype("int64"),
            )
        )
    )
    model = MLP(pixels.shape[1], spec["hidden_layers"], spec["width"], len(images.class_names))
    initialize(model, settings["initialization"], seeding.integer("initial_weights", seed))
    order = torch.Generator().manual_seed(seeding.integer("batch_order", seed))
    # A saved state is continued only on the same images, labels and code.
    made_from = hashlib.sha256(pq.read_schema(snakemake.input.train).metadata[b"sha256"])
    for path in (snakemake.input.labels, *snakemake.input.code):
        made_from.update(Path(path).read_bytes())
    destination = Path(snakemake.output.snapshots)
    folder = destination.with_name(".training")
    history, resumed = training.train(
        model.to(device),
        data,
        {**settings, "checkpoint_seconds": snakemake.resources.checkpoint_seconds},
        seed,
        order,
        scaling,
        folder,
        f"{snakemake.params.spec} {made_from.hexdigest()}",
    )
    tables.write(history, "history", snakemake.output.history)
    training.publish(folder, destination)

runtime.write_json(
    {
        **runtime.provenance(spec),
        **took,
        **resumed,
        "seed": seed,
        "device": str(device),
        "threads": snakemake.threads,
        "precision": "float32",
    },
    snakemake.output.provenance,
)
