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
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors

from epochwise.activations import edits
from epochwise.activations.layer import Layer, with_permutations
from epochwise.activations.measures import collapse, neighbours, probes, rank

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
    # The product after the edited layer is needed once per neuron, all later ones once per edit.
    following = len(neurons) * (1 + len(edits.EDITS) * (LAYERS - LAYER - 1))

    def products() -> None:
        for start in range(0, SAMPLES, 2048):
            batch = inputs[start : start + 2048]
            torch.mm(batch, model.layers[0].weight.T)
            for _ in range(LAYERS - 1 + following):
                torch.mm(hidden[: len(batch)], model.layers[1].weight.T)

    run = functools.partial(
        edits.scores, model, LAYER, neurons, torch.zeros(WIDTH), torch.ones(2, WIDTH), inputs, subsets, 2048
    )
    return {"floor": torch.inference_mode()(products), "stage": run}


def measures() -> Work:
    """All measures of one layer with 20 permutations, and the same products and library calls once each."""
    random, size = np.random.default_rng(0), 2000
    values, true = random.normal(size=(size, WIDTH)), random.integers(0, CLASSES, size)
    given = np.where(random.random(size) < 0.3, random.integers(0, CLASSES, size), true)
    layer = Layer(values, true, with_permutations(true, given, 20, 0), CLASSES)
    settings = {"folds": 5, "ridge": 0.1, "neighbours": 10, "seed": 0}
    targets = random.normal(size=(size, 21 + CLASSES + 21 * CLASSES))

    def calls() -> None:
        for _ in range(settings["folds"]):
            Ridge(1.0, solver="cholesky").fit(values[: size * 4 // 5], targets[: size * 4 // 5])
        NearestNeighbors(n_neighbors=10, metric="cosine", algorithm="brute").fit(values).kneighbors()
        for _ in range(22):
            np.linalg.svd(values[:CLASSES], full_matrices=False)
        np.linalg.eigvalsh(values.T @ values)

    def stage() -> None:
        for module in (probes, neighbours, collapse, rank):
            module.values(layer, settings)

    return {"floor": calls, "stage": stage}


STAGES = {"interventions": interventions, "measures": measures}


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    table = pd.DataFrame([{"name": name, **seconds(work(), 5)} for name, work in STAGES.items()])
    table["stage/floor"] = table["stage"] / table["floor"]
    print(f"{machine()}\n\n{table.to_markdown(index=False, floatfmt='.3g')}")


if __name__ == "__main__":
    main()
