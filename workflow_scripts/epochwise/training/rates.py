"""How fast this machine trains a network, measured for a moment with random images."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from epochwise.data.sources import Source
from epochwise.training.device import choose_device, choose_precision
from epochwise.training.layout import network_inputs
from epochwise.training.mlp import initial_networks
from epochwise.training.optimizer import Optimizer
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack

STEPS = 12  # measured steps of training; two more come before, because the first ones are slower
EVALUATED = 2048  # images of a measured forward pass


@dataclass(frozen=True)
class Rates:
    """Seconds that one job takes for an epoch of training, and for a forward pass over all images."""

    epoch: float
    forward: float


def measure_rates(model: Mapping, source: Source, samples: int, networks: int, threads: int) -> Rates:
    """Rates of a training job on this machine, measured with random images for a moment.

    Args:
        model: `widths` and `training`, as the configuration has them.
        source: the data set.
        samples: training samples of the experiment.
        networks: networks that the job trains side by side.
        threads: threads of the job.
    """
    settings = model["training"]
    device = choose_device(settings["device"], threads)
    dtype = choose_precision(settings["precision"], device)
    made = initial_networks(model, range(networks), source.pixels, source.classes)
    stack = Stack(made, Optimizer.from_settings(settings), device, dtype)
    random = np.random.default_rng(0)
    batch = min(settings["batch_size"], samples)
    count = max(batch * STEPS, EVALUATED)
    pixels = random.integers(0, 256, (count, source.pixels), dtype=np.uint8)
    scaling = Scaling.fit(settings["input_scaling"], pixels, source.shape[0])
    inputs = network_inputs(pixels, scaling, device, dtype)
    labels = torch.from_numpy(random.integers(0, source.classes, (networks, count))).to(device)

    def train(steps: int) -> None:
        order = torch.arange(steps * batch, device=device).expand(networks, -1)
        stack.train_epoch(inputs, labels, order, batch)
        stack.parameters[0].item()  # waits for a GPU

    train(2)
    epoch = _seconds(lambda: train(STEPS)) * samples / (STEPS * batch)
    stack.logits(inputs[:EVALUATED])
    forward = _seconds(lambda: stack.logits(inputs[:EVALUATED])[0, 0, 0].item())
    return Rates(epoch, forward * (samples + source.test) / EVALUATED)


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def gpu_name() -> str | None:
    """The name of the first GPU that torch sees."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
