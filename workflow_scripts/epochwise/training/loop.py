"""Train networks and decompose what they learn: clean data, noisy data by given and by true label, test data."""

import logging
import math
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from epochwise.training import checkpoints, snapshots
from epochwise.training.evaluation import Data, evaluate
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack
from epochwise.workflow import seeding
from epochwise.workflow.errors import InputError
from epochwise.workflow.schedule import log_spaced

log = logging.getLogger(__name__)
REPORT_SECONDS = 15


class TrainingDiverged(InputError):
    """A network's outputs became infinite or not a number."""


class TrainingStopped(InputError):
    """The job was asked to end; its state is saved."""


def train(
    stack: Stack, data: Data, settings: Mapping, seeds: list[int], scaling: Scaling, folder: Path, made_from: str
) -> checkpoints.Progress:
    """Train the stack's networks, one per seed, with Adam on softmax cross-entropy.

    `settings` is the `training` block of the configuration. State and snapshots are kept in `folder`; a state made from
    the same (`made_from` names data, code and settings) is continued. Returns the progress, which is complete. Raises
    TrainingDiverged naming seed and epoch, and TrainingStopped after the epoch in which SIGTERM or SIGINT came.
    """
    epochs = settings["epochs"]
    evaluations = set(log_spaced(epochs, settings["evaluations_per_decade"]))
    saved = log_spaced(epochs, settings["snapshots_per_decade"])
    orders = [torch.Generator().manual_seed(seeding.integer("batch_order", seed)) for seed in seeds]
    progress = checkpoints.resume(folder, made_from, stack, orders, seeds, saved)
    pace = _Pace(progress.epoch, epochs)
    checkpointed = time.monotonic()
    stop = _signals()
    for epoch in range(progress.epoch + 1, epochs + 1):
        if epoch > 0:
            permutations = torch.stack([torch.randperm(len(data.true), generator=order) for order in orders])
            finite = stack.train_epoch(data.inputs, data.given, permutations.to(stack.device), settings["batch_size"])
            _require_finite(finite.tolist(), seeds, epoch, settings["learning_rate"])
        if epoch in evaluations:
            scores = evaluate(stack, data)
            finite = [all(math.isfinite(row["loss"]) for row in rows if row["n"]) for rows in scores]
            _require_finite(finite, seeds, epoch, settings["learning_rate"])
            for seed, rows in zip(seeds, scores, strict=True):
                progress.history[str(seed)] += [{"epoch": epoch, **row} for row in rows]
            pace.curves = {row["subset"]: row["accuracy"] for row in scores[0]}
        if epoch in saved:
            for seed, network in zip(seeds, stack.networks, strict=True):
                snapshots.save(folder / f"seed{seed}", network, epoch, seed, scaling)
        progress.epoch = epoch
        pace.report(epoch)
        stopping = stop[:1]  # looked at once: what comes later waits for the next epoch
        if epoch == epochs or stopping or time.monotonic() - checkpointed > settings["checkpoint_seconds"]:
            checkpoints.save(folder, made_from, stack, orders, progress)
            checkpointed = time.monotonic()
        if stopping and epoch < epochs:
            raise TrainingStopped(
                f"Stopped by {stopping[0].name} after epoch {epoch}; the next run continues from there."
            )
    return progress


def _require_finite(finite: list[bool], seeds: list[int], epoch: int, learning_rate: float) -> None:
    if not all(finite):
        raise TrainingDiverged(
            f"seed {seeds[finite.index(False)]}: the network's outputs were no longer finite after epoch {epoch}. "
            f"Lower training.learning_rate (now {learning_rate}) or choose another training.input_scaling."
        )


def _signals() -> list[signal.Signals]:
    """A list that SIGTERM, which schedulers send before they kill, and SIGINT are appended to instead of ending the
    process."""
    received: list[signal.Signals] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: received.append(signal.Signals(number)))
    return received


class _Pace:
    """Lines in the log: epoch, rate, time left and the latest accuracies."""

    def __init__(self, done: int, epochs: int):
        self.done, self.epochs, self.curves = done, epochs, {}
        self.began = time.monotonic()
        self.reported = -math.inf

    def report(self, epoch: int) -> None:
        now = time.monotonic()
        if now - self.reported < REPORT_SECONDS and epoch < self.epochs:
            return
        self.reported = now
        rate = (epoch - self.done) / max(now - self.began, 1e-9)
        curves = "  ".join(f"{name} {value:.3f}" for name, value in self.curves.items() if value is not None)
        left = (self.epochs - epoch) / rate
        log.info("epoch %d/%d  %.2f epochs/s  %.0f s left  %s", epoch, self.epochs, rate, left, curves)
