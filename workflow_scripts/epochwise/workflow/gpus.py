"""One GPU per job: each job locks the GPU that it uses. The system releases the lock however the job ends."""

import itertools
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, Timeout

from epochwise.workflow.errors import InputError
from epochwise.workflow.files import file_lock

log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0


def has_gpu() -> bool:
    """Whether this machine has a GPU, without asking torch, which may not be installed where jobs are planned."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()  # the latter in Windows' Linux


@contextmanager
def use_gpu(device: str, jobs_per_gpu: int) -> Iterator[None]:
    """Hold one of the visible GPUs and make it torch's current one, if `device` is `cuda`.

    GPUs are named by their unique identifiers, because the numbers that a job sees depend on what it may see. At most
    `jobs_per_gpu` jobs of a user compute on a GPU at the same time; further jobs wait.
    """
    if device != "cuda":
        yield
        return
    import torch

    names = [str(torch.cuda.get_device_properties(number).uuid) for number in range(torch.cuda.device_count())]
    gpu, lock = lock_gpu(names, jobs_per_gpu)
    torch.cuda.set_device(names.index(gpu))
    try:
        yield
    finally:
        lock.release()


def lock_gpu(gpus: Sequence[str], jobs_per_gpu: int, folder: str | Path | None = None) -> tuple[str, BaseFileLock]:
    """Lock a GPU, and wait for one if all are taken.

    Args:
        gpus: names of the GPUs, in the order in which they are tried.
        jobs_per_gpu: number of jobs of this user that may hold the same GPU.
        folder: where the lock files are; by default the system's folder for temporary files.

    Returns:
        The name of the GPU, and the lock. The GPU is held until the lock is released or the process ends.
    """
    folder = Path(folder or tempfile.gettempdir())
    waiting = False
    while True:
        for slot, gpu in itertools.product(range(jobs_per_gpu), gpus):
            lock = file_lock(folder / f"epochwise-{os.getuid()}-gpu-{gpu}-{slot}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            except OSError as error:
                raise InputError(
                    f"{lock.lock_file} cannot be locked: {error.strerror}. Set TMPDIR to a folder on a local disk that "
                    "you may write."
                ) from error
            log.info("computing on GPU %s", gpu)
            return gpu, lock
        if not waiting:
            log.info("waiting for one of the GPUs %s", ", ".join(gpus))
            waiting = True
        time.sleep(_POLL_SECONDS)
