"""Groups of samples whose mean activation is measured: clean and noisy samples of each class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from epochwise.workflow.seeding import generator

GROUPINGS = ("true", "given")


@dataclass(frozen=True)
class Groups:
    """G groups of N samples, which may overlap.

    Activations are summed over *cells*: a cell holds all samples that belong to the same groups. So every sample is
    added once, however many groups it belongs to, and the sum over a group is the sum over its cells.

    Attributes:
        keys: grouping, subset and class of each group.
        cells: number of the cell of each sample (N,) int64.
        contains: which cells a group consists of (G, C) float64, 0 or 1.
        sizes: samples per group (G,) int64.
    """

    keys: list[dict]
    cells: torch.Tensor
    contains: torch.Tensor
    sizes: np.ndarray

    def to(self, device: torch.device | str) -> "Groups":
        """The same groups, with their tensors on another device."""
        return Groups(self.keys, self.cells.to(device), self.contains.to(device), self.sizes)

    def means(self, sums: np.ndarray, grouping: str, subsets: Sequence[str]) -> np.ndarray:
        """Mean activation by subset and class (S, K, H) from the sums over the groups (G, H); NaN without samples."""
        chosen = [
            [n for n, key in enumerate(self.keys) if (key["grouping"], key["subset"]) == (grouping, subset)]
            for subset in subsets
        ]
        return mean_of(sums[chosen], self.sizes[chosen])


def groups_of(keys: list[dict], members: np.ndarray) -> Groups:
    """The groups with these members (G, N) bool.

    >>> groups = groups_of([{"class": 0}, {"class": 1}], np.array([[True, True, False], [False, True, False]]))
    >>> groups.cells.tolist(), groups.contains.tolist()
    ([1, 2, 0], [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    """
    contains, cells = np.unique(members, axis=1, return_inverse=True)
    return Groups(
        keys,
        torch.from_numpy(cells.reshape(-1).astype(np.int64)),
        torch.from_numpy(contains.astype(np.float64)),
        members.sum(1),
    )


def groups_of_training(true: np.ndarray, given: np.ndarray, classes: int, seed: int) -> Groups:
    """The groups of training samples: clean, noisy, clean_a and clean_b for each grouping and class.

    `clean_a` is a random half of the clean samples of a class. `clean_b` is drawn from the other half, as many as the
    class has noisy samples under the grouping, or all of that half if it has fewer. The cosine between the two means is
    the highest that this number of samples allows.

    Args:
        true: true labels (N,).
        given: given labels (N,).
        classes: number of classes.
        seed: seed of the halves.
    """
    keys, rows = [], []
    clean = true == given
    for grouping in GROUPINGS:
        label = true if grouping == "true" else given
        random = generator("split_half", seed)  # the same halves under both groupings
        for c in range(classes):
            members = random.permutation(np.flatnonzero(clean & (true == c)))
            noisy = np.flatnonzero(~clean & (label == c))
            half = len(members) // 2
            subsets = {
                "clean": members,
                "noisy": noisy,
                "clean_a": members[:half],
                "clean_b": members[half:][: len(noisy)],
            }
            for subset, samples in subsets.items():
                keys.append({"grouping": grouping, "subset": subset, "class": c})
                rows.append(np.isin(np.arange(len(true)), samples))
    return groups_of(keys, np.stack(rows))


def keys_of_test(classes: int) -> list[dict]:
    """The keys of the groups of test samples: one group per class."""
    return [{"grouping": "true", "subset": "test", "class": c} for c in range(classes)]


def mean_of(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Means (…, H) from sums (…, H) and numbers of samples (…); NaN without samples."""
    return np.where(sizes[..., None] > 0, sums / np.maximum(sizes, 1)[..., None], np.nan)
