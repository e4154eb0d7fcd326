"""Files that are either whole or not there: every result is written under a temporary name, then renamed.

And the lock that keeps two jobs from writing the same ones.
"""

import errno
import glob
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` on success, delete it on failure.

    The suffix is kept, since plotting libraries choose the format by it. What a killed process left of an earlier try
    is deleted.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.stem)}.*.tmp{path.suffix}"):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:  # the content is on the disk before its name is, should the machine go down
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def lock_at(path: str | Path) -> FileLock:
    """A lock that the system releases however a job ends; no marker file, which would outlive one that was killed."""
    return FileLock(path, fallback_to_soft=False)


def hold(path: str | Path) -> FileLock:
    """Take the lock file `path`, which is held until it is released or the process ends; waits for who holds it.

    A job can outlive the Snakemake that started it, and would write over the results of the next one.
    """
    lock = lock_at(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        log.warning("Waiting for a job that an earlier Snakemake started and that still runs: it holds %s.", path)
        lock.acquire()
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP):
            raise
        log.warning("%s: this file system knows no locks; let no other Snakemake run in this folder.", path)
    return lock
