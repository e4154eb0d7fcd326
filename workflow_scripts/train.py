"""Train the networks of one model: of one seed, or of all seeds as a stack."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import torch

from epochwise import checkpoints, datasets, files, gpus, provenance, runtime, seeding, tables, training
from epochwise.mlp import MLP, initialize
from epochwise.scaling import Scaling
from epochwise.schedule import log_spaced
from epochwise.stack import Stack, network_inputs

with runtime.job(snakemake) as spec:
    settings, seeds = spec["training"], spec["seeds"]
    gpu = gpus.claim_if_unscheduled(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    # Moments of Adam that decay towards zero would end as denormal numbers, which processors are slow with. Before any
    # thread is started, since threads take the mode over.
    torch.set_flush_denormal(True)
    device = runtime.choose_device(settings["device"], snakemake.threads)
    dtype = runtime.choose_precision(settings["precision"], device)
    images, test = datasets.read(snakemake.input.train), datasets.read(snakemake.input.test)
    labels = [tables.read(path, "labels") for path in snakemake.input.labels]
    pixels = images.pixels[labels[0]["index"]]
    scaling = Scaling.fit(settings["input_scaling"], pixels, images.shape[0])
    given = torch.stack([torch.from_numpy(draw["given_label"].to_numpy("int64")) for draw in labels])
    data = training.Data(
        network_inputs(pixels, scaling, device, dtype),
        given.expand(len(seeds), -1).to(device),
        torch.from_numpy(labels[0]["true_label"].to_numpy("int64")).to(device),
        network_inputs(test.pixels, scaling, device, dtype),
        torch.from_numpy(test.labels.astype("int64")).to(device),
    )
    networks = [MLP(pixels.shape[1], spec["hidden_layers"], spec["width"], len(images.class_names)) for _ in seeds]
    for network, seed in zip(networks, seeds, strict=True):
        initialize(network, settings["initialization"], seeding.integer("initial_weights", seed))
    # A state is continued only if made from the same images, labels, code and settings, but for the number of epochs,
    # and on the same kind of device: what began on another would end in the bytes of neither.
    fixed = {**spec, "training": {key: value for key, value in settings.items() if key != "epochs"}}
    made_from = hashlib.sha256(f"{json.dumps(fixed, sort_keys=True)} {torch.__version__} {device.type}".encode())
    made_from.update(pq.read_schema(snakemake.input.train).metadata[b"sha256"])
    made_from.update(snakemake.params.code.encode())
    for path in snakemake.input.labels:
        made_from.update(Path(path).read_bytes())
    folder = Path(snakemake.output.history[0]).with_name(".training")
    # Of every seed, since a job that trains it alone may still run when a stack begins, or the other way round.
    held = [files.hold(Path(path).with_name(".training.lock")) for path in snakemake.output.history]
    progress = training.train(
        Stack(networks, settings["learning_rate"], device, dtype),
        data,
        {**settings, "checkpoint_seconds": snakemake.resources.checkpoint_seconds},
        seeds,
        scaling,
        folder,
        made_from.hexdigest(),
    )
    evaluated, saved = (
        log_spaced(settings["epochs"], settings[f"{name}_per_decade"]) for name in ("evaluations", "snapshots")
    )
    made_by = provenance.environment(spec)
    for position, seed in enumerate(seeds):
        tables.write(progress.curves(seed, evaluated), "history", snakemake.output.history[position])
        published, manifest = (Path(snakemake.output[name][position]) for name in ("snapshots", "manifest"))
        checkpoints.publish(folder / f"seed{seed}", published, saved, manifest)
        about = {
            **made_by,
            **runtime.elapsed(),
            "resumed_from_epoch": progress.resumed_from,
            "seed": seed,
            "noise_rate": (data.given[position] != data.true).double().mean().item(),
            "device": str(device),
            "threads": progress.threads,
            "precision": settings["precision"],
        }
        runtime.write_json(about, snakemake.output.provenance[position])
