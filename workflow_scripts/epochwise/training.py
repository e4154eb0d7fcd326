"""Train one network and decompose what it learns: clean data, noisy data by given and by true label, test data."""

import hashlib
import logging
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from torch.optim.adam import adam

from epochwise import snapshots
from epochwise.errors import InputError
from epochwise.mlp import MLP, loss_and_gradient
from epochwise.scaling import Scaling
from epochwise.schedule import log_spaced

log = logging.getLogger(__name__)
STATE = "state.safetensors"
REPORT_SECONDS = 15


class TrainingDiverged(InputError):
    """The loss of an epoch was infinite or not a number."""


@dataclass(frozen=True)
class Data:
    """Everything a run trains and tests on, resident on one device.

    `inputs` (N, D) float32, `given` and `true` (N,) int64 labels of the training samples; `test_inputs` (M, D) and
    `test_labels` (M,).
    """

    inputs: torch.Tensor
    given: torch.Tensor
    true: torch.Tensor
    test_inputs: torch.Tensor
    test_labels: torch.Tensor


def train(
    model: MLP,
    data: Data,
    settings: Mapping,
    seed: int,
    order: torch.Generator,
    scaling: Scaling,
    folder: Path,
    spec: str,
) -> tuple[pd.DataFrame, dict]:
    """Train `model` in place with Adam on softmax cross-entropy; write snapshots into `folder / "snapshots"`.

    `settings` is the `training` block of the configuration. `order` draws the permutation of each epoch. The run's
    state is kept in `folder`; a state of the same `spec` is continued from. Returns the learning curves
    (`tables.SCHEMAS["history"]`) and what provenance tells of the run. Raises TrainingDiverged naming the epoch.
    """
    model.requires_grad_(False)  # gradients are written out in mlp.py
    optimizer = Adam(list(model.parameters()), settings["learning_rate"])
    evaluations = set(log_spaced(settings["epochs"], settings["evaluations_per_decade"]))
    saved = set(log_spaced(settings["epochs"], settings["snapshots_per_decade"]))
    fingerprint = hashlib.sha256(f"{seed} {spec}".encode()).hexdigest()
    start, history = _resume(folder, fingerprint, saved, model, optimizer, order)
    progress = _Progress(start, settings["epochs"])
    checkpointed = time.monotonic()
    for epoch in range(start, settings["epochs"] + 1):
        if epoch > 0:
            loss = _train_epoch(model, optimizer, data, settings["batch_size"], order)
            if not math.isfinite(loss):
                raise TrainingDiverged(
                    f"The training loss became {loss} in epoch {epoch}. Lower training.learning_rate "
                    f"(now {settings['learning_rate']}) or choose another training.input_scaling."
                )
        if epoch in evaluations:
            history += [{"epoch": epoch, **row} for row in evaluate(model, data)]
            progress.curves = {row["subset"]: row["accuracy"] for row in history[-5:]}
        if epoch in saved:
            snapshots.save(folder / "snapshots", model, epoch, seed, scaling)
        progress.report(epoch)
        if time.monotonic() - checkpointed > settings["checkpoint_seconds"]:
            _checkpoint(folder, fingerprint, model, optimizer, order, epoch, history)
            checkpointed = time.monotonic()
    return pd.DataFrame(history), {"resumed_from_epoch": start - 1 if start else None}


def _train_epoch(model: MLP, optimizer: "Adam", data: Data, batch_size: int, order: torch.Generator) -> float:
    """One pass over the training set in a random order; the sum of the batch losses."""
    permutation = torch.randperm(len(data.given), generator=order).to(data.given.device)
    total = torch.zeros((), device=data.given.device)
    for batch in permutation.split(batch_size):
        total += loss_and_gradient(model, data.inputs[batch], data.given[batch], optimizer.gradient)
        optimizer.step()
    return total.item()


class Adam:
    """Adam (Kingma & Ba 2015) with its usual constants, β = (0.9, 0.999), ε = 1e-8, on `parameters`, in place.

    The arithmetic is torch's own fused function. Constructing `torch.optim.Adam` would import torch's compiler, which
    takes longer than many a small run.
    """

    def __init__(self, parameters: list[torch.Tensor], learning_rate: float):
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.gradient = [torch.zeros_like(p) for p in parameters]
        self.first = [torch.zeros_like(p) for p in parameters]
        self.second = [torch.zeros_like(p) for p in parameters]
        self.steps = [torch.zeros((), device=p.device) for p in parameters]

    def step(self) -> None:
        """Move the parameters by one step along `self.gradient`."""
        adam(
            self.parameters, self.gradient, self.first, self.second, [], self.steps,
            amsgrad=False, beta1=0.9, beta2=0.999, lr=self.learning_rate, weight_decay=0.0, eps=1e-8, maximize=False,
            foreach=False, capturable=False, differentiable=False, fused=True,
        )  # fmt: skip

    def state(self) -> dict[str, torch.Tensor]:
        """The tensors of the state, by name; writing into them restores it."""
        groups = {"first": self.first, "second": self.second, "steps": self.steps}
        return {f"adam.{group}.{i}": t for group, tensors in groups.items() for i, t in enumerate(tensors)}


@torch.no_grad()
def evaluate(model: MLP, data: Data) -> list[dict]:
    """Accuracy and mean loss of the five subsets: clean, noisy_given, noisy_true, train, test.

    An empty subset has n 0 and no values (None).
    """
    logits = model(data.inputs)
    noisy = data.given != data.true
    test = model(data.test_inputs)
    every = torch.ones_like(noisy)
    return [
        _score("clean", logits, data.given, ~noisy),
        _score("noisy_given", logits, data.given, noisy),
        _score("noisy_true", logits, data.true, noisy),
        _score("train", logits, data.given, every),
        _score("test", test, data.test_labels, torch.ones_like(data.test_labels, dtype=torch.bool)),
    ]


def _score(subset: str, logits: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor) -> dict:
    n = int(mask.sum())
    if n == 0:
        return {"subset": subset, "accuracy": None, "loss": None, "n": 0}
    loss = cross_entropy(logits, labels, reduction="none")[mask].double().mean().item()
    accuracy = (logits.argmax(1) == labels)[mask].double().mean().item()
    return {"subset": subset, "accuracy": accuracy, "loss": loss, "n": n}


def publish(folder: Path, destination: Path) -> None:
    """Move the finished snapshots to their place and drop the state."""
    if destination.exists():
        shutil.rmtree(destination)
    (folder / "snapshots").replace(destination)
    shutil.rmtree(folder)


def _checkpoint(
    folder: Path, fingerprint: str, model: MLP, optimizer: Adam, order: torch.Generator, epoch: int, history: list[dict]
) -> None:
    tensors = {**model.state_dict(), **optimizer.state(), "order": order.get_state()}
    snapshots.save_state(folder / STATE, tensors, {"fingerprint": fingerprint, "epoch": epoch, "history": history})


def _resume(
    folder: Path, fingerprint: str, saved: set[int], model: MLP, optimizer: Adam, order: torch.Generator
) -> tuple[int, list[dict]]:
    """First epoch still to run and the curves so far; 0 and none without a usable state of the same spec."""
    state = snapshots.load_state(folder / STATE)
    if (
        state is None
        or state[1]["fingerprint"] != fingerprint
        or not all(snapshots.snapshot_path(folder / "snapshots", e).exists() for e in saved if e <= state[1]["epoch"])
    ):
        shutil.rmtree(folder, ignore_errors=True)
        return 0, []
    tensors, progress = state
    for name, tensor in (model.state_dict() | optimizer.state()).items():
        tensor.copy_(tensors[name])
    order.set_state(tensors["order"])
    log.info("continuing from the saved state after epoch %d", progress["epoch"])
    return progress["epoch"] + 1, progress["history"]


class _Progress:
    """Lines in the log: epoch, rate, time left and the latest accuracies."""

    def __init__(self, start: int, epochs: int):
        self.start, self.epochs, self.curves = start, epochs, {}
        self.began = time.monotonic()
        self.reported = -math.inf

    def report(self, epoch: int) -> None:
        now = time.monotonic()
        if now - self.reported < REPORT_SECONDS and epoch < self.epochs:
            return
        self.reported = now
        rate = (epoch - self.start + 1) / max(now - self.began, 1e-9)
        curves = "  ".join(f"{name} {value:.3f}" for name, value in self.curves.items() if value is not None)
        left = (self.epochs - epoch) / rate
        log.info("epoch %d/%d  %.2f epochs/s  %.0f s left  %s", epoch, self.epochs, rate, left, curves)
