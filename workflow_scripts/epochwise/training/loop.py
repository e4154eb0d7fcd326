"""Train networks epoch by epoch: evaluate them, save snapshots and the state, and stop when asked to."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from epochwise.training import checkpoints, snapshots
from epochwise.training.checkpoints import State
from epochwise.training.device import hardware
from epochwise.training.evaluation import TrainingData, evaluate
from epochwise.training.graph import epoch_of
from epochwise.training.pace import Pace
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack
from epochwise.training.stopping import Interrupted, StopSignals
from epochwise.workflow import seeding
from epochwise.workflow.errors import InputError
from epochwise.workflow.schedule import log_spaced


class TrainingDiverged(InputError):
    """A network's weights or losses became infinite or not a number."""


class TrainingStopped(InputError):
    """The job was asked to end; its state is saved."""


def train(
    stack: Stack,
    data: TrainingData,
    settings: Mapping,
    *,
    seeds: Sequence[int],
    scaling: Scaling,
    folder: Path,
    made_from: str,
) -> State:
    """Train the networks of a stack.

    A signal undoes the epoch that it interrupts, so that a saved state is always one between two epochs.

    Args:
        stack: the networks, one per seed.
        data: what they are trained and tested on.
        settings: the `training` block of the configuration, with `checkpoint_seconds`.
        seeds: the networks' seeds.
        scaling: how `data` was made from pixels, which snapshots record.
        folder: where state and snapshots are kept; a state made from the same is continued.
        made_from: fingerprint of settings, data and code.

    Returns:
        The state after the last epoch, with the learning curves.

    Raises:
        TrainingDiverged: a network is no longer finite; the message names seed and epoch.
        TrainingStopped: SIGTERM or SIGINT arrived; the state is saved.
    """
    epochs = settings["epochs"]
    snapshot_epochs = log_spaced(epochs, settings["snapshots_per_decade"])
    saved_epochs = set(snapshot_epochs)
    state = checkpoints.resume(folder, made_from, hardware(stack.device), seeds, snapshot_epochs)
    training = _Training(stack, data, settings, seeds, state)
    pace, stop, saved = Pace(state.epoch, epochs), StopSignals(), time.monotonic()
    for epoch in range(state.epoch + 1, epochs + 1):
        state.tensors = training.copy_of_tensors()
        try:
            with stop.interruptible():
                scores = training.run(epoch)
        except Interrupted:
            if epoch > 0:
                state.save(folder)
            raise TrainingStopped(
                f"Stopped by {stop.received.name}; the next run continues with epoch {epoch}."
            ) from None
        if scores:
            for seed, rows in zip(seeds, scores, strict=True):
                state.history[str(seed)] += [{"epoch": epoch, **row} for row in rows]
            pace.accuracies = {row["subset"]: row["accuracy"] for row in scores[0]}
        if epoch in saved_epochs:
            for seed, network in zip(seeds, stack.networks, strict=True):
                snapshots.save(folder / f"seed{seed}", network, epoch, seed, scaling)
        state.epoch, state.tensors = epoch, training.tensors()
        pace.report(epoch)
        if epoch == epochs or time.monotonic() - saved > settings["checkpoint_seconds"]:
            state.save(folder)
            saved = time.monotonic()
    return state


class _Training:
    """What an epoch needs: the networks, their data, and a generator of batch orders for each seed."""

    def __init__(self, stack: Stack, data: TrainingData, settings: Mapping, seeds: Sequence[int], state: State):
        self.stack, self.data, self.settings, self.seeds = stack, data, settings, seeds
        self.evaluations = set(log_spaced(settings["epochs"], settings["evaluations_per_decade"]))
        self.orders = [torch.Generator().manual_seed(seeding.integer("batch_order", seed)) for seed in seeds]
        self.train_epoch = epoch_of(stack, data, settings["batch_size"])
        if state.tensors:
            stack.restore(state.tensors)
            for position, order in enumerate(self.orders):
                order.set_state(state.tensors[f"order{position}"])

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that an epoch changes, by name; the stack's tensors are not copied."""
        orders = {f"order{position}": order.get_state() for position, order in enumerate(self.orders)}
        return {**self.stack.state(), **orders}

    def copy_of_tensors(self) -> dict[str, torch.Tensor]:
        """All that an epoch changes, by name, as it is now."""
        return {name: tensor.clone() for name, tensor in self.tensors().items()}

    def run(self, epoch: int) -> list[list[dict]]:
        """Train for one epoch, except that epoch 0 is the untrained networks; their scores if they are due, else [].

        Raises TrainingDiverged if weights or losses are not finite.
        """
        if epoch > 0:
            orders = [torch.randperm(len(self.data.true), generator=order) for order in self.orders]
            self._require_finite(self.train_epoch(torch.stack(orders)).tolist(), epoch)
        if epoch not in self.evaluations:
            return []
        scores = evaluate(self.stack, self.data)
        self._require_finite([all(math.isfinite(row["loss"]) for row in rows if row["n"]) for rows in scores], epoch)
        return scores

    def _require_finite(self, finite: Sequence[bool], epoch: int) -> None:
        if not all(finite):
            raise TrainingDiverged(
                f"seed {self.seeds[finite.index(False)]}: the network's outputs were no longer finite after epoch "
                f"{epoch}. Lower training.learning_rate (now {self.settings['learning_rate']}) or choose another "
                "training.input_scaling."
            )
