"""Compute the chosen measures of every layer, snapshot by snapshot."""

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
import torch

from epochwise.activations.layer import Layer, with_permutations
from epochwise.data.image_table import Images
from epochwise.data.subset import stratified_choice
from epochwise.training import snapshots
from epochwise.training.folders import epochs_in
from epochwise.workflow import schedule
from epochwise.workflow.seeding import generator

log = logging.getLogger(__name__)
GRAM_BATCHES, GRAM_SAMPLES = 8, 64  # fixed batches for the similarity of layers, and samples in each


def measure_run(folder: str, images: Images, labels: pd.DataFrame, settings: Mapping, write: Callable) -> None:
    """Compute the measures of one run, and write their rows epoch by epoch.

    Args:
        folder: where the snapshots are.
        images: all training images of the data set.
        labels: the table LABELS of the run.
        settings: the block `measures` of the configuration.
        write: called with the name of a table, `measures` or `grams`, and its rows as a data frame.
    """
    true, given = labels["true_label"].to_numpy(), labels["given_label"].to_numpy()
    random = generator("measured_samples", settings["seed"])
    chosen = random.permutation(stratified_choice(true, min(settings["samples"], len(true)), random))
    pixels = images.pixels[labels["index"].to_numpy()[chosen]]
    rows = with_permutations(true[chosen], given[chosen], settings["permutations"], settings["seed"])
    names = [name for name in settings["names"] if name != "cka"]
    # Imported by name, so that the code of this job does not depend on measures that are not chosen.
    modules = [importlib.import_module(f"epochwise.activations.measures.{name}") for name in names]
    for epoch in schedule.selected(epochs_in(folder), settings["stride"]):
        for number, activations in enumerate(_activations(folder, epoch, pixels), start=1):
            layer = Layer(activations.astype(np.float64), true[chosen], rows, len(images.class_names))
            found = {name: v for module in modules for name, v in module.values(layer, settings).items()}
            key = {"epoch": epoch, "layer": number}
            if found:
                write("measures", pd.DataFrame([key | _row(name, values) for name, values in found.items()]))
            if "cka" in settings["names"]:
                write("grams", pd.DataFrame([key | row for row in grams(activations)]))
        log.info("epoch %d measured", epoch)


def grams(activations: np.ndarray) -> Iterator[dict]:
    """Number and inner products of each of the fixed batches; the last ones are left out if there are too few samples.

    `activations` is (N, H).
    """
    for batch in range(min(GRAM_BATCHES, len(activations) // GRAM_SAMPLES)):
        values = activations[batch * GRAM_SAMPLES :][:GRAM_SAMPLES].astype(np.float64)
        yield {"batch": batch, "gram": (values @ values.T).astype(np.float32).ravel()}


@torch.inference_mode()
def _activations(folder: str, epoch: int, pixels: np.ndarray) -> list[np.ndarray]:
    """Activations (N, H) of all hidden layers of a snapshot, for images (N, D) uint8."""
    model, scaling = snapshots.load(folder, epoch)
    return [hidden.numpy() for hidden in model.activations(torch.from_numpy(scaling.apply(pixels)))[0]]


def _row(name: str, values: np.ndarray) -> dict:
    """Value and null of one measure: the columns of LAYER_MEASURES without the keys."""
    null = values[1:]
    band = (null.mean(), null.min(), null.max()) if len(null) and not np.isnan(null).any() else (np.nan,) * 3
    return {"measure": name, "value": values[0], **dict(zip(("null_mean", "null_low", "null_high"), band, strict=True))}
