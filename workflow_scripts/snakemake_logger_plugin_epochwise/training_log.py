"""What the log of a training job says about its progress."""

import re
from dataclasses import dataclass, field
from pathlib import Path

# A line that `epochwise.training.pace` writes at most every 15 seconds, for instance
# "2026-11-25 21:37:32  epoch 12/60  14.44 epochs/s  4 s left  clean 0.098  test 0.102".
_LINE = re.compile(
    r"epoch (?P<epoch>\d+)/(?P<epochs>\d+)  (?P<rate>[\d.]+) epochs/s  (?P<left>[\d.]+) s left(?P<curves>.*)$", re.M
)
_TAIL = 4096  # bytes; a line has about 200


@dataclass(frozen=True)
class Progress:
    """How far one training job is.

    Attributes:
        epoch: last finished epoch; 0 is the untrained network.
        epochs: number of epochs that the job trains for.
        rate: epochs per second since the job began, rounded.
        left: seconds that the job still needs at this rate, before it was rounded.
        accuracies: latest accuracy by subset, between 0 and 1; of the first seed if the job trains several.
    """

    epoch: int
    epochs: int
    rate: float
    left: float
    accuracies: dict[str, float] = field(default_factory=dict)


def latest_progress(text: str) -> Progress | None:
    """The progress in the last such line of a log; None if there is none."""
    found = list(_LINE.finditer(text))
    if not found:
        return None
    words = found[-1]["curves"].split()
    return Progress(
        epoch=int(found[-1]["epoch"]),
        epochs=int(found[-1]["epochs"]),
        rate=float(found[-1]["rate"]),
        left=float(found[-1]["left"]),
        accuracies={name: float(value) for name, value in zip(words[::2], words[1::2], strict=True)},
    )


class Log:
    """The log of a job that begins now. What an earlier run has left in the file does not count."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.left_by_an_earlier_run = self._version()

    def text(self, tail: int | None = None) -> str:
        """What this job has written, or its last `tail` bytes; empty if it has written nothing."""
        version = self._version()
        if version in (None, self.left_by_an_earlier_run):
            return ""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, version[1] - tail) if tail else 0)
                return file.read().decode("utf-8", "replace")
        except OSError:  # it was removed in this moment
            return ""

    def progress(self) -> Progress | None:
        """How far this training job is; None before its first line."""
        return latest_progress(self.text(tail=_TAIL))

    def _version(self) -> tuple[int, int] | None:
        """Time and size of the file, which show that it was written to; None if it is not there."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
