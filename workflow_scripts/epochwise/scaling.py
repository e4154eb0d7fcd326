"""From uint8 pixels to network inputs: input = (pixel/255 − mean)/std, one mean and deviation per channel."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scaling:
    """Mean and deviation per channel, of pixels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def fit(cls, kind: str, pixels: np.ndarray, channels: int) -> "Scaling":
        """Scaling of a `kind` (unit, symmetric, standardize) for training pixels (N, C·H·W) uint8 in CHW order."""
        if kind == "unit":
            return cls((0.0,) * channels, (1.0,) * channels)
        if kind == "symmetric":
            return cls((0.5,) * channels, (0.5,) * channels)
        if kind != "standardize":
            raise ValueError(f"input_scaling {kind!r} is not one of unit, symmetric, standardize")
        planes = pixels.reshape(len(pixels), channels, -1)
        counts = [np.bincount(planes[:, c].reshape(-1), minlength=256) for c in range(channels)]  # exact integer sums
        grey = np.arange(256) / 255
        mean = [float(n @ grey / n.sum()) for n in counts]
        std = [float(np.sqrt(n @ (grey - m) ** 2 / n.sum())) for n, m in zip(counts, mean, strict=True)]
        if min(std) == 0:
            raise ValueError(
                "input_scaling: standardize needs pixels that vary, but a channel is constant; choose unit."
            )
        return cls(tuple(mean), tuple(std))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Inputs (N, C·H·W) float32."""
        tables = [((np.arange(256) / 255 - m) / s).astype(np.float32) for m, s in zip(self.mean, self.std, strict=True)]
        planes = pixels.reshape(len(pixels), len(self.mean), -1)
        scaled = np.empty(planes.shape, np.float32)
        for channel, table in enumerate(tables):  # a table of 256 values: exact, and no float copy of all pixels
            np.take(table, planes[:, channel], out=scaled[:, channel])
        return scaled.reshape(pixels.shape)
