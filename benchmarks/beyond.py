"""Compare the stages beyond the paper with the matrix products or library calls that they need.

    python benchmarks/beyond.py

One row per stage: seconds for what it needs (`floor`), seconds for the stage, and their ratio. Medians of five rounds
in turn, with one thread. Each function below returns the two kinds of work.
"""

import functools
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from benchmarks.bench import CLASSES, machine, networks, seconds

from epochwise.activations import edits

SAMPLES, INPUTS, LAYERS, WIDTH = 4000, 784, 6, 512  # the largest network of the default experiment
LAYER = 3  # that of its large neuron
Work = dict[str, Callable[[], object]]


def interventions() -> Work:
    """All edits of seven neurons, and the products of one forward pass plus those after each edit."""
    [model] = networks(INPUTS, LAYERS, WIDTH)
    inputs, random = torch.randn(SAMPLES, INPUTS), np.random.default_rng(0)
    noisy, labels = torch.tensor(random.random(SAMPLES) < 0.3), torch.tensor(random.integers(0, CLASSES, SAMPLES))
    subsets = {"clean": (~noisy, labels), "noisy_given": (noisy, labels), "noisy_true": (noisy, labels)}
    neurons = {f"target_{number}": number for number in range(7)}
    hidden = torch.randn(2048, WIDTH)
    following = len(neurons) * len(edits.EDITS) * (LAYERS - LAYER)

    def products() -> None:
        for start in range(0, SAMPLES, 2048):
            batch = inputs[start : start + 2048]
            torch.mm(batch, model.layers[0].weight.T)
            for _ in range(LAYERS - 1 + following):
                torch.mm(hidden[: len(batch)], model.layers[1].weight.T)

    run = functools.partial(edits.scores, model, LAYER, neurons, torch.zeros(WIDTH), inputs, subsets, 2048)
    return {"floor": torch.inference_mode()(products), "stage": run}


STAGES = {"interventions": interventions}


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    table = pd.DataFrame([{"name": name, **seconds(work(), 5)} for name, work in STAGES.items()])
    table["stage/floor"] = table["stage"] / table["floor"]
    print(f"{machine()}\n\n{table.to_markdown(index=False, floatfmt='.3g')}")


if __name__ == "__main__":
    main()
