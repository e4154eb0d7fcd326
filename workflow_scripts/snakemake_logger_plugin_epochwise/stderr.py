"""Standard error while the live view is shown."""

import os
import tempfile


class CapturedStderr:
    """Sends what jobs write to standard error into a file, because it would end up in the middle of the view.

    Attributes:
        terminal: the terminal, for the view.
    """

    def __init__(self):
        self.terminal = os.fdopen(os.dup(2), "w", encoding="utf-8")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, because it stays open
        self._read = 0  # bytes
        os.dup2(self._file.fileno(), 2)

    def new_text(self) -> str:
        """What has been written since the last call."""
        content = os.pread(self._file.fileno(), 1_000_000, self._read)
        self._read += len(content)
        return content.decode("utf-8", "replace")

    def release(self) -> None:
        """Let standard error be the terminal again."""
        os.dup2(self.terminal.fileno(), 2)
