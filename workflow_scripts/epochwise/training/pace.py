"""Progress of a training job in its log."""

import logging
import math
import time

log = logging.getLogger(__name__)
REPORT_SECONDS = 15


class Pace:
    """Writes a line to the log at most every 15 seconds: epoch, rate, time left and the latest accuracies.

    Attributes:
        accuracies: accuracy of the first network by subset, None for a subset without samples.
    """

    def __init__(self, done: int, epochs: int):
        self.done, self.epochs = done, epochs
        self.accuracies: dict[str, float | None] = {}
        self.began = time.monotonic()
        self.reported = -math.inf

    def report(self, epoch: int) -> None:
        """Write a line after this epoch, unless the last one is recent."""
        now = time.monotonic()
        if now - self.reported < REPORT_SECONDS and epoch < self.epochs:
            return
        self.reported = now
        rate = (epoch - self.done) / max(now - self.began, 1e-9)
        curves = "  ".join(f"{name} {value:.3f}" for name, value in self.accuracies.items() if value is not None)
        left = (self.epochs - epoch) / rate
        log.info("epoch %d/%d  %.2f epochs/s  %.0f s left  %s", epoch, self.epochs, rate, left, curves)
