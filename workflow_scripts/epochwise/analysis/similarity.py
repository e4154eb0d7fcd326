"""Similarity of layers: linear CKA between layers, epochs and seeds (Kornblith et al. 2019)."""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

COLUMNS = ("kind", "seed", "other_seed", "epoch", "other_epoch", "layer", "other_layer", "cka")


def unbiased_hsic(grams: np.ndarray, others: np.ndarray) -> np.ndarray:
    """HSIC₁ (Song et al. 2012) of pairs of B × B matrices of inner products, along the last two axes.

    Its expectation is 0 for independent activations, at any number B ≥ 4 of samples.
    """
    n = grams.shape[-1]
    off = 1 - np.eye(n)
    grams, others = grams * off, others * off
    products = np.einsum("...ij,...ij->...", grams, others)
    sums = grams.sum(-1), others.sum(-1)
    totals = sums[0].sum(-1) * sums[1].sum(-1) / ((n - 1) * (n - 2))
    mixed = 2 / (n - 2) * np.einsum("...i,...i->...", *sums)
    return (products + totals - mixed) / (n * (n - 3))


def cka(grams: np.ndarray, others: np.ndarray) -> float:
    """Linear CKA of two layers from the inner products (batches, B, B) of the same batches of samples.

    The minibatch estimator of Nguyen et al. (2021): HSIC₁ is averaged over batches before the ratio is taken. 1: equal
    up to rotation, scale and shift. 0: nothing in common; an estimate can be slightly below. Missing if a layer is
    constant.
    """
    cross = unbiased_hsic(grams, others).mean()
    own = unbiased_hsic(grams, grams).mean(), unbiased_hsic(others, others).mean()
    return float(cross / np.sqrt(own[0] * own[1])) if min(own) > 0 else np.nan


def similarity(grams: pd.DataFrame) -> pd.DataFrame:
    """All comparisons of the runs of one noise and model, with the columns COLUMNS.

    Each row compares two layers of activations on the same fixed samples. Its `kind` is `layers` of one network at one
    epoch, `epochs` of one layer of one network, or `seeds`: the same layer and epoch of two networks. `grams` is the
    table GRAMS of these runs, with their seeds.
    """
    keys = ["seed", "epoch", "layer"]
    layers = {}
    for key, block in grams.sort_values("batch").groupby(keys):
        flat = np.stack(block["gram"]).astype(np.float64)
        side = round(flat.shape[1] ** 0.5)
        layers[key] = flat.reshape(-1, side, side)
    rows = [
        {"kind": kind, "cka": cka(layers[one], layers[other])}
        | dict(zip(keys, one, strict=True))
        | {f"other_{name}": value for name, value in zip(keys, other, strict=True)}
        for kind, one, other in _pairs(list(layers))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _pairs(keys: list[tuple]) -> Iterator[tuple[str, tuple, tuple]]:
    """Which layers are compared: pairs of (seed, epoch, layer) that differ in one of the three, in ascending order."""
    for one, other in itertools.combinations(keys, 2):
        differs = [a != b for a, b in zip(one, other, strict=True)]
        if sum(differs) == 1:
            yield ("seeds", "epochs", "layers")[differs.index(True)], one, other
