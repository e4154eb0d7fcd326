"""What a training job keeps beside its outputs, so that it can be killed at any moment, or later be made longer.

A folder holds the state after some epoch (weights, Adam's moments, the generators of the batch orders, the curves so
far) and the snapshots up to it. The outputs are made from the folder, which stays. What was made from other settings is
kept beside it until yet others are tried: a mistyped value or a short trial costs no finished run.
"""

import itertools
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from epochwise.training import snapshots
from epochwise.training.stack import Stack
from epochwise.workflow.errors import InputError

log = logging.getLogger(__name__)
STATE = "state.safetensors"
FOREIGN = "the saved state was made from other settings, data or code"
LONGER = "the saved state is past the last epoch wanted"


@dataclass
class Progress:
    """Last finished epoch (-1: none, not even the evaluation of the untrained networks), the epoch that was continued
    from, the rows of the learning curves by seed, and the numbers of threads so far, each change of them."""

    epoch: int
    resumed_from: int | None
    history: dict[str, list[dict]]
    threads: list[int]


def save(folder: Path, made_from: str, stack: Stack, orders: list[torch.Generator], progress: Progress) -> None:
    """Write the state atomically."""
    tensors = {**stack.state(), **{f"order{i}": order.get_state() for i, order in enumerate(orders)}}
    made = {"epoch": progress.epoch, "history": progress.history, "threads": progress.threads}
    snapshots.save_state(folder / STATE, tensors, {"made_from": made_from, **made})


def resume(
    folder: Path, made_from: str, stack: Stack, orders: list[torch.Generator], seeds: list[int], saved: list[int]
) -> Progress:
    """Bring stack and orders to where the state in `folder`, or the one kept beside it, left them.

    Starts anew, with an empty folder, unless a state was made from the same, is not past the last of the epochs to be
    `saved`, and has all their snapshots so far, undamaged.
    """
    kept, aside = (folder.with_name(f"{folder.name}.{name}") for name in ("previous", "aside"))
    if aside.exists():  # an exchange, below, was cut
        missing = folder if not folder.exists() else kept
        shutil.rmtree(missing, ignore_errors=True)
        aside.replace(missing)
    state, trouble = _usable(folder, made_from, seeds, saved)
    earlier, _ = _usable(kept, made_from, seeds, saved)
    if earlier is not None and (state is None or earlier[1]["epoch"] > state[1]["epoch"]):
        state = earlier
        for source, destination in ((folder, aside), (kept, folder), (aside, kept)):
            if source.exists():
                source.replace(destination)
    if state is None:
        log.info("starting from the initial weights: %s", trouble)
        if trouble in (FOREIGN, LONGER):
            shutil.rmtree(kept, ignore_errors=True)
            folder.replace(kept)
        shutil.rmtree(folder, ignore_errors=True)
        return Progress(-1, None, {str(seed): [] for seed in seeds}, [torch.get_num_threads()])
    tensors, made = state
    stack.restore(tensors)
    for i, order in enumerate(orders):
        order.set_state(tensors[f"order{i}"])
    log.info("continuing after epoch %d", made["epoch"])
    threads = made["threads"]
    if threads[-1] != torch.get_num_threads():
        log.warning(
            "The run goes on with %d threads after %d. Each number rounds in its own way: it will end in the bytes of "
            "neither, and provenance.json names both.",
            torch.get_num_threads(),
            threads[-1],
        )
        threads = [*threads, torch.get_num_threads()]
    return Progress(made["epoch"], made["epoch"], made["history"], threads)


def _usable(
    folder: Path, made_from: str, seeds: list[int], saved: list[int]
) -> tuple[tuple[dict[str, torch.Tensor], dict] | None, str]:
    """Tensors and progress of the state in `folder` if it can be continued, else None and why not."""
    state = snapshots.load_state(folder / STATE)
    if state is None:
        return None, "there is no usable saved state"
    made = state[1]
    if made.get("made_from") != made_from:
        return None, FOREIGN
    if made["epoch"] > saved[-1]:
        return None, LONGER
    due = [epoch for epoch in saved if epoch <= made["epoch"]]
    try:
        for seed, epoch in itertools.product(seeds, due):
            snapshots.load(folder / f"seed{seed}", epoch)
    except InputError as error:
        return None, str(error)
    return state, ""
