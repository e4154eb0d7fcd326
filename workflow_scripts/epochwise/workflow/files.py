"""Files that are either complete or absent, because every result is written under a temporary name and then renamed.

Also the lock that keeps two jobs from writing the same files.
"""

import errno
import glob
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from epochwise.workflow.errors import InputError

log = logging.getLogger(__name__)
# What the system answers where a file system has no locks: some network and FUSE file systems.
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


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


def file_lock(path: str | Path) -> FileLock:
    """A lock that the system releases however a job ends. A marker file would remain after a job that was killed."""
    return FileLock(path, fallback_to_soft=False)


def lock(path: str | Path) -> FileLock:
    """Take the lock file `path` until it is released or the process ends. Waits while another process has it.

    A job can outlive the Snakemake that started it, and would overwrite the results of the next one. Where the file
    system has no locks, this function warns and goes on without. Raises InputError if the lock cannot be taken, for
    instance because the file belongs to another user.
    """
    held = file_lock(path)
    try:
        held.acquire(blocking=False)
    except Timeout:
        log.warning("Waiting for a job that an earlier Snakemake started and that still runs: it holds %s.", path)
        held.acquire()
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise InputError(
                f"{path} cannot be locked: {error.strerror}. If the file belongs to another user, delete it or ask for "
                "permission to write it."
            ) from error
        log.warning("%s: this file system has no locks; let no other Snakemake run in this folder.", path)
    return held
