"""Train the networks of one model, one per seed, from files to files."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import torch

from epochwise.data import image_table
from epochwise.data.corruption import LABELS
from epochwise.training import loop
from epochwise.training.checkpoints import Progress
from epochwise.training.device import choose_device, choose_precision
from epochwise.training.evaluation import Data
from epochwise.training.folders import HISTORY_FILE, PROVENANCE_FILE
from epochwise.training.history import HISTORY, history
from epochwise.training.mlp import MLP, initialize
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack, network_inputs
from epochwise.workflow import gpus, records, seeding, tables
from epochwise.workflow.job import elapsed, write_json
from epochwise.workflow.schedule import log_spaced


def train_networks(
    folder: Path,
    spec: Mapping,
    *,
    train: str,
    test: str,
    labels: Sequence[str],
    code: str,
    threads: int,
    resources: Mapping,
) -> None:
    """Train one network per seed of `spec` and leave its files in `folder`, where a saved state is continued.

    Args:
        folder: the training folder, see `epochwise.training.folders`.
        spec: `training` (that block of the configuration), `seeds`, `hidden_layers` and `width`.
        train: table of the training images.
        test: table of the test images.
        labels: tables of labels, one for all seeds or one per seed.
        code: stamp of the code; a state that other code has left is not continued.
        threads: number of threads for matrix products.
        resources: `gpu`, `jobs_per_gpu` and `checkpoint_seconds` of the rule.

    Raises:
        TrainingDiverged: the outputs of a network are no longer finite.
        TrainingStopped: the job received SIGTERM or SIGINT; its state is saved.
    """
    settings, seeds = spec["training"], spec["seeds"]
    gpu = gpus.claim_if_unscheduled(resources["gpu"], resources["jobs_per_gpu"])  # noqa: F841  held until the job ends
    # Moments of Adam that decay towards zero would end as denormal numbers, which processors are slow with. The mode is
    # set before any thread starts, because threads take it over.
    torch.set_flush_denormal(True)
    device = choose_device(settings["device"], threads)
    dtype = choose_precision(settings["precision"], device)
    images, test_images = image_table.read(train), image_table.read(test)
    draws = [tables.read(path, LABELS) for path in labels]
    pixels = images.pixels[draws[0]["index"]]
    scaling = Scaling.fit(settings["input_scaling"], pixels, images.shape[0])
    given = torch.stack([torch.from_numpy(draw["given_label"].to_numpy("int64")) for draw in draws])
    data = Data(
        inputs=network_inputs(pixels, scaling, device, dtype),
        given=given.expand(len(seeds), -1).to(device),
        true=torch.from_numpy(draws[0]["true_label"].to_numpy("int64")).to(device),
        test_inputs=network_inputs(test_images.pixels, scaling, device, dtype),
        test_labels=torch.from_numpy(test_images.labels.astype("int64")).to(device),
    )
    networks = [MLP(pixels.shape[1], spec["hidden_layers"], spec["width"], len(images.class_names)) for _ in seeds]
    for network, seed in zip(networks, seeds, strict=True):
        initialize(network, settings["initialization"], seeding.integer("initial_weights", seed))
    progress = loop.train(
        Stack(networks, settings["learning_rate"], device, dtype),
        data,
        {**settings, "checkpoint_seconds": resources["checkpoint_seconds"]},
        seeds,
        scaling,
        folder,
        fingerprint(spec, code, device.type, train, labels),
    )
    for position, seed in enumerate(seeds):
        noise_rate = (data.given[position] != data.true).double().mean().item()
        _write_curves_and_provenance(folder / f"seed{seed}", spec, seed, progress, str(device), noise_rate)


def fingerprint(spec: Mapping, code: str, device: str, train: str, labels: Sequence[str]) -> str:
    """SHA-256 of everything that a saved state depends on; a state with another fingerprint is not continued.

    The number of epochs does not count, because a finished run can be made longer. The kind of device does, because
    rounding differs between devices: a run that changes from one to another would have the bytes of neither.
    """
    fixed = {**spec, "training": {key: value for key, value in spec["training"].items() if key != "epochs"}}
    content = hashlib.sha256(f"{json.dumps(fixed, sort_keys=True)} {torch.__version__} {device}".encode())
    content.update(pq.read_schema(train).metadata[b"sha256"])
    content.update(code.encode())
    for path in labels:
        content.update(Path(path).read_bytes())
    return content.hexdigest()


def _write_curves_and_provenance(
    folder: Path, spec: Mapping, seed: int, progress: Progress, device: str, noise_rate: float
) -> None:
    settings = spec["training"]
    evaluated = log_spaced(settings["epochs"], settings["evaluations_per_decade"])
    tables.write(history(progress.history[str(seed)], evaluated), HISTORY, folder / HISTORY_FILE)
    about = {
        **records.environment({**spec}),
        **elapsed(),
        "resumed_from_epoch": progress.resumed_from,
        "seed": seed,
        "noise_rate": noise_rate,
        "device": device,
        "threads": progress.threads,
        "precision": settings["precision"],
    }
    write_json(about, folder / PROVENANCE_FILE)
