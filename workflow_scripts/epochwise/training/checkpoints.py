"""The saved state of a training job, so that the job can be killed at any moment, or later be made longer.

The training folder holds the state after some epoch (weights, Adam's moments, the generators of the batch orders, the
learning curves so far) and the snapshots up to it. The folder stays after the job. When settings change, the
earlier folder is kept beside it with the suffix `.previous`, until settings change again. So a mistyped value or a
short trial costs no finished run.
"""

import itertools
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from epochwise.training import snapshots
from epochwise.training.device import describe_hardware
from epochwise.workflow.errors import InputError

log = logging.getLogger(__name__)
STATE = "state.safetensors"
FOREIGN = "the saved state was made from other settings, data or code"
LONGER = "the saved state is past the last epoch that is wanted"


@dataclass
class State:
    """How far a training job is.

    Attributes:
        made_from: fingerprint of settings, data and code; a job continues only a state with its own fingerprint.
        hardware: what the networks were trained on, see `device.hardware`; one entry, and one more for each change.
        epoch: last finished epoch; -1 if not even the untrained networks have been evaluated.
        history: rows of the learning curves by seed. The seed is text, because JSON has no other keys.
        tensors: all that training changes, by name: the stack's state, and the generators of the batch orders.
        resumed_from: epoch of the saved state that this job has continued; None if it began anew.
    """

    made_from: str
    hardware: list[dict]
    history: dict[str, list[dict]]
    epoch: int = -1
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    resumed_from: int | None = None

    def save(self, folder: Path) -> None:
        """Write the state atomically."""
        about = {"made_from": self.made_from, "hardware": self.hardware, "history": self.history, "epoch": self.epoch}
        snapshots.save_state(folder / STATE, self.tensors, about)

    @classmethod
    def load(cls, folder: Path) -> "State | None":
        """The state in a folder; None if there is none or it is damaged."""
        found = snapshots.load_state(folder / STATE)
        if found is None:
            return None
        tensors, about = found
        try:
            return cls(**about, tensors=tensors, resumed_from=about["epoch"])
        except (TypeError, KeyError):  # another version of this code has written it
            return None


def resume(folder: Path, made_from: str, hardware: dict, seeds: Sequence[int], snapshot_epochs: Sequence[int]) -> State:
    """The state from which a job continues: that in `folder`, the one kept beside it, or a new one.

    A state can be continued if it has the same fingerprint, is not past the last of `snapshot_epochs`, and all
    snapshots up to it are there and undamaged. Otherwise the job begins anew with an empty folder.
    """
    previous, aside = (folder.with_name(f"{folder.name}.{name}") for name in ("previous", "aside"))
    _complete_swap(folder, previous, aside)
    state, trouble = _usable(folder, made_from, seeds, snapshot_epochs)
    earlier, _ = _usable(previous, made_from, seeds, snapshot_epochs)
    if earlier is not None and (state is None or earlier.epoch > state.epoch):
        _swap(folder, previous, aside)
        state = earlier
    if state is None:
        log.info("starting from the initial weights: %s", trouble)
        if trouble in (FOREIGN, LONGER):
            shutil.rmtree(previous, ignore_errors=True)
            folder.replace(previous)
        shutil.rmtree(folder, ignore_errors=True)
        return State(made_from, [hardware], {str(seed): [] for seed in seeds})
    log.info("continuing after epoch %d", state.epoch)
    if state.hardware[-1] != hardware:
        log.warning(
            "The run continues on %s after %s. Their results can differ by rounding, so the run may end in the bytes "
            "of neither; provenance.json lists both.",
            describe_hardware(hardware),
            describe_hardware(state.hardware[-1]),
        )
        state.hardware.append(hardware)
    return state


def _swap(folder: Path, previous: Path, aside: Path) -> None:
    """Exchange the folders `folder` and `previous`, of which the first may be missing.

    There are three renames. An interruption leaves, after the first one, `aside` (which was `folder`) and `previous`;
    after the second one, `aside` and `folder` (which was `previous`). `_complete_swap` mends both.
    """
    if folder.exists():
        folder.replace(aside)
    previous.replace(folder)
    if aside.exists():
        aside.replace(previous)


def _complete_swap(folder: Path, previous: Path, aside: Path) -> None:
    """Mend an interrupted `_swap`: undo it if only the first rename was made, otherwise make the last one."""
    if aside.exists():
        missing = previous if folder.exists() else folder
        shutil.rmtree(missing, ignore_errors=True)
        aside.replace(missing)


def _usable(
    folder: Path, made_from: str, seeds: Sequence[int], snapshot_epochs: Sequence[int]
) -> tuple[State | None, str]:
    """The state in `folder` if it can be continued, else None and why not."""
    state = State.load(folder)
    if state is None:
        return None, "there is no usable saved state"
    if state.made_from != made_from:
        return None, FOREIGN
    if state.epoch > snapshot_epochs[-1]:
        return None, LONGER
    due = [epoch for epoch in snapshot_epochs if epoch <= state.epoch]
    try:
        for seed, epoch in itertools.product(seeds, due):
            snapshots.load(folder / f"seed{seed}", epoch)
    except InputError as error:
        return None, str(error)
    return state, ""
