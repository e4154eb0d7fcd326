"""What an experiment consists of, read from its resolved block: its runs, its optional parts, its training jobs."""

import itertools
from collections.abc import Mapping

from epochwise.workflow.config import TWIN

Run = tuple[str, str, int]  # noise, model, seed
SMALL_NETWORK = 100_000  # weights; below, a step on a processor is mostly overhead


def enabled(block: Mapping, part: str) -> bool:
    """Whether an experiment has an optional part of the workflow, or a part that is not optional (an empty name).

    `twins: true` enables a part, and so does a number as `interventions.stride`.
    """
    value = not part or block[part]
    return value if isinstance(value, bool) else value["stride"] is not None


def list_runs(block: Mapping) -> list[Run]:
    """Every run of an experiment, in the order of the configuration."""
    return list(itertools.product(block["noises"], block["models"], block["seeds"]))


def list_noisy_runs(block: Mapping) -> list[Run]:
    """The runs that claims are judged on: all but twins, which have no noise."""
    return [run for run in list_runs(block) if not (block["twins"] and run[0] == TWIN)]


def stacks_seeds(block: Mapping, weights: int, auto_is_gpu: bool) -> bool:
    """Whether one job trains all seeds of a model with this number of weights.

    With `stack_seeds: auto` it does so on a GPU, and on processors for small networks, because there a step is mostly
    overhead. `auto_is_gpu` says whether `device: auto` is planned to be a GPU.
    """
    wanted, device = block["training"]["stack_seeds"], block["training"]["device"]
    if wanted == "auto":
        wanted = device == "cuda" or (device == "auto" and auto_is_gpu) or weights < SMALL_NETWORK
    return wanted and len(block["seeds"]) > 1


def list_draws(noises: Mapping[str, dict]) -> list[str]:
    """The noises that differ from the first one only in their seed: further draws of the same noise."""
    settings = {name: {**noise, "seed": None} for name, noise in noises.items()}
    return [name for name, value in settings.items() if value == next(iter(settings.values()))]
