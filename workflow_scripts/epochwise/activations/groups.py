"""Groups of samples whose mean activation is measured: clean and noisy samples of each class."""

from dataclasses import dataclass

import numpy as np
import torch

from epochwise.workflow.seeding import generator

GROUPINGS = ("true", "given")


@dataclass(frozen=True)
class Groups:
    """Groups of samples whose mean activation is wanted: `members` (G, N) float32 of 0 and 1, `keys` one dict per
    row."""

    keys: list[dict]
    members: torch.Tensor

    @property
    def sizes(self) -> np.ndarray:
        """Samples per group (G,)."""
        return self.members.sum(1).numpy().astype(np.int64)


def groups_of_training(true: np.ndarray, given: np.ndarray, classes: int, seed: int) -> Groups:
    """The groups of training samples: per grouping and class, clean, noisy and the two parts of the split half.

    `clean_a` is a random half of the clean samples of a class. `clean_b` is drawn from the other half, as many as the
    class has noisy samples under the grouping (all of it if there are not so many): held against each other they show
    what cosine sampling alone allows.
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
            parts = {
                "clean": members,
                "noisy": noisy,
                "clean_a": members[:half],
                "clean_b": members[half:][: len(noisy)],
            }
            for subset, samples in parts.items():
                keys.append({"grouping": grouping, "subset": subset, "class": c})
                rows.append(np.bincount(samples, minlength=len(true)))
    return Groups(keys, torch.from_numpy(np.stack(rows).astype(np.float32)))


def groups_of_test(labels: np.ndarray, classes: int) -> Groups:
    """The groups of test samples: one per class."""
    keys = [{"grouping": "true", "subset": "test", "class": c} for c in range(classes)]
    return Groups(keys, torch.from_numpy((labels == np.arange(classes)[:, None]).astype(np.float32)))
