"""From uint8 pixels to network inputs: input = (pixel/255 − mean)/std, one mean and deviation per channel."""

from dataclasses import dataclass

import numpy as np

from epochwise.workflow.errors import InputError


@dataclass(frozen=True)
class Scaling:
    """Mean and deviation per channel, of pixels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def fit(cls, kind: str, pixels: np.ndarray, channels: int) -> "Scaling":
        """Scaling of a `kind` for training pixels (N, C·H·W) uint8 in CHW order.

        The kinds are unit, symmetric, centre and standardize; the schema of the configuration explains them.
        """
        if kind == "unit":
            return cls((0.0,) * channels, (1.0,) * channels)
        if kind == "symmetric":
            return cls((0.5,) * channels, (0.5,) * channels)
        if kind not in ("centre", "standardize"):
            raise ValueError(f"input_scaling {kind!r} is not one of unit, symmetric, centre, standardize")
        planes = pixels.reshape(len(pixels), channels, -1)
        counts = [np.bincount(planes[:, c].reshape(-1), minlength=256) for c in range(channels)]  # exact integer sums
        grey = np.arange(256) / 255
        mean = [float(n @ grey / n.sum()) for n in counts]
        if kind == "centre":
            return cls(tuple(mean), (1.0,) * channels)
        std = [float(np.sqrt(n @ (grey - m) ** 2 / n.sum())) for n, m in zip(counts, mean, strict=True)]
        constant = [c for c, n in enumerate(counts) if np.count_nonzero(n) == 1]
        if constant:
            raise InputError(
                f"training.input_scaling: standardize needs pixels that vary, but channel {constant[0]} of the "
                "training samples is constant; choose unit."
            )
        return cls(tuple(mean), tuple(std))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Inputs (N, C·H·W) float32."""
        scaled = pixels.astype(np.float32, order="C")
        planes = scaled.reshape(len(pixels), len(self.mean), -1)
        mean, std = (np.array(values, np.float32)[:, None] for values in (self.mean, self.std))
        planes /= 255  # in place: there is room for one such array, not for several
        planes -= mean
        planes /= std
        return scaled
