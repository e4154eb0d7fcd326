"""Train the networks of one model, one per seed, from files to files."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from epochwise.data import image_table
from epochwise.data.corruption import LABELS
from epochwise.training import loop
from epochwise.training.checkpoints import State
from epochwise.training.device import choose_device, choose_precision, environment_variables
from epochwise.training.evaluation import TrainingData
from epochwise.training.folders import HISTORY_FILE, PROVENANCE_FILE
from epochwise.training.history import HISTORY, history
from epochwise.training.layout import network_inputs
from epochwise.training.mlp import initial_networks
from epochwise.training.optimizer import Optimizer
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack
from epochwise.workflow import gpus, records, tables
from epochwise.workflow.job import elapsed, write_json
from epochwise.workflow.schedule import log_spaced


@dataclass(frozen=True)
class Inputs:
    """The files that a training job reads: images, and labels (one table for all seeds or one per seed)."""

    train: str
    test: str
    labels: Sequence[str]


def train_networks(
    folder: Path, settings: Mapping, inputs: Inputs, *, code: str, threads: int, resources: Mapping
) -> None:
    """Train one network per seed of `settings` and leave its files in `folder`, where a saved state is continued.

    Args:
        folder: the training folder, see `epochwise.training.folders`.
        settings: `training` (that block of the configuration), `seeds` and `widths`.
        inputs: the files with images and labels.
        code: stamp of the code; a state that other code has left is not continued.
        threads: number of threads for matrix products.
        resources: `gpu`, `jobs_per_gpu` and `checkpoint_seconds` of the rule.

    Raises:
        InputError: the device or the precision is not available.
        TrainingDiverged: a network is no longer finite.
        TrainingStopped: the job received SIGTERM or SIGINT; its state is saved.
    """
    # Moments of Adam that decay towards zero would end as denormal numbers, which processors are slow with. The mode is
    # set before any thread starts, because threads inherit it.
    torch.set_flush_denormal(True)
    training = settings["training"]
    device = choose_device(training["device"], threads, resources["gpu"])
    dtype = choose_precision(training["precision"], device)
    with gpus.use_gpu(device.type, resources["jobs_per_gpu"]):
        data, scaling, sizes = read_data(inputs, settings, device, dtype)
        networks = initial_networks(settings, settings["seeds"], *sizes)
        state = loop.train(
            Stack(networks, Optimizer.from_settings(training), device, dtype, training["loss"]),
            data,
            {**training, "checkpoint_seconds": resources["checkpoint_seconds"]},
            seeds=settings["seeds"],
            scaling=scaling,
            folder=folder,
            made_from=fingerprint(settings, code, device.type, inputs),
        )
        achieved_rates = (data.given != data.true).double().mean(1).tolist()
    for seed, achieved_rate in zip(settings["seeds"], achieved_rates, strict=True):
        _write_curves_and_provenance(folder / f"seed{seed}", settings, seed, state, device.type, achieved_rate)


def read_data(
    inputs: Inputs, settings: Mapping, device: torch.device, dtype: torch.dtype
) -> tuple[TrainingData, Scaling, tuple[int, int]]:
    """The data on the device, how it was scaled, and the numbers of inputs and of classes of a network."""
    images, test_images = image_table.read(inputs.train), image_table.read(inputs.test)
    draws = [tables.read(path, LABELS) for path in inputs.labels]
    pixels = images.pixels[draws[0]["index"]]
    scaling = Scaling.fit(settings["training"]["input_scaling"], pixels, images.shape[0])

    def labels(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values.astype("int64")).to(device)

    given = labels(np.stack([draw["given_label"] for draw in draws]))
    data = TrainingData(
        inputs=network_inputs(pixels, scaling, device, dtype),
        given=given.expand(len(settings["seeds"]), -1),
        true=labels(draws[0]["true_label"].to_numpy()),
        test_inputs=network_inputs(test_images.pixels, scaling, device, dtype),
        test_labels=labels(test_images.labels),
    )
    return data, scaling, (pixels.shape[1], len(images.class_names))


def fingerprint(settings: Mapping, code: str, device: str, inputs: Inputs) -> str:
    """SHA-256 of everything that a saved state depends on; a state with another fingerprint is not continued.

    The number of epochs does not count, because a finished run can be made longer. The kind of device does, because
    rounding differs between devices: a run that changes from one to another would have the bytes of neither.
    """
    fixed = {**settings, "training": {key: value for key, value in settings["training"].items() if key != "epochs"}}
    content = hashlib.sha256(f"{json.dumps(fixed, sort_keys=True)} {torch.__version__} {device}".encode())
    content.update(pq.read_schema(inputs.train).metadata[b"sha256"])
    content.update(code.encode())
    for path in inputs.labels:
        content.update(Path(path).read_bytes())
    return content.hexdigest()


def _write_curves_and_provenance(
    folder: Path, settings: Mapping, seed: int, state: State, device: str, achieved_rate: float
) -> None:
    """Write the learning curves and the provenance of one network."""
    training = settings["training"]
    evaluated = log_spaced(training["epochs"], training["evaluations_per_decade"])
    tables.write(history(state.history[str(seed)], evaluated), HISTORY, folder / HISTORY_FILE)
    about = {
        **records.environment({**settings}),
        **elapsed(),
        "resumed_from_epoch": state.resumed_from,
        "seed": seed,
        "achieved_rate": achieved_rate,
        "device": device,
        "hardware": state.hardware,
        "environment_variables": environment_variables(),
        "precision": training["precision"],
    }
    write_json(about, folder / PROVENANCE_FILE)
