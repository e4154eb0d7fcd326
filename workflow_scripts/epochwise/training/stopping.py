"""SIGTERM and SIGINT in a training job: they interrupt an epoch, but never the saving of files."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(Exception):
    """A signal arrived in a part of the job that may be abandoned."""


class StopSignals:
    """Takes over SIGTERM, which schedulers send some time before they kill a job, and SIGINT.

    A signal that arrives inside `interruptible` ends this block at once. One that arrives elsewhere waits for the next
    such block, because a file that is being written should become whole.

    Attributes:
        received: the first signal that has arrived, if any.
    """

    def __init__(self):
        self.received: signal.Signals | None = None
        self._interruptible = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A block that may be abandoned at any point. Raises Interrupted when a signal arrives, or had arrived."""
        self._interruptible = True
        try:
            if self.received:
                raise Interrupted
            yield
        finally:
            self._interruptible = False

    def _handle(self, number: int, frame: object) -> None:
        self.received = self.received or signal.Signals(number)
        if self._interruptible:
            self._interruptible = False
            raise Interrupted
