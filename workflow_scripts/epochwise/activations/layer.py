"""What the measures of a layer are computed from."""

from dataclasses import dataclass

import numpy as np

from epochwise.workflow.seeding import generator


@dataclass(frozen=True)
class Layer:
    """N samples in one hidden layer.

    Attributes:
        activations: activations (N, H) float64.
        true: true labels (N,), 0..K−1.
        given: given labels (1 + P, N). The first row is that of the data. Each other row is a permutation of it within
            each true class, so that as many samples of each class carry each label.
        classes: number of classes K.
    """

    activations: np.ndarray
    true: np.ndarray
    given: np.ndarray
    classes: int

    @property
    def noisy(self) -> np.ndarray:
        """Which samples are noisy (1 + P, N)."""
        return self.given != self.true


def with_permutations(true: np.ndarray, given: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """The given labels (N,) and `permutations` of them within each true class, as rows (1 + P, N)."""
    random = generator("permutations", seed)
    rows = np.tile(given, (1 + permutations, 1))
    for label in np.unique(true):
        members = np.flatnonzero(true == label)
        for row in rows[1:]:
            row[members] = given[random.permutation(members)]
    return rows
