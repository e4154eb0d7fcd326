"""One GPU per job on a machine without a scheduler: locks, which the system releases however a job ends."""

import itertools
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from filelock import BaseFileLock, Timeout

from epochwise.workflow.errors import InputError
from epochwise.workflow.files import lock_at

log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0


def claim(gpus: Sequence[str], jobs_per_gpu: int, folder: str | Path | None = None) -> tuple[str, BaseFileLock]:
    """The first of `gpus` that fewer than `jobs_per_gpu` jobs of this user hold, and the lock on it; waits for one.

    The lock files lie in `folder`, by default the system's for temporary files. A GPU is held until the lock is
    released or the process ends.
    """
    folder = Path(folder or tempfile.gettempdir())
    holder = f"{os.getuid()}-{os.environ.get('SLURM_JOB_ID', '')}"  # an allocation may count its GPUs from 0
    told = False
    while True:
        for slot, gpu in itertools.product(range(jobs_per_gpu), gpus):
            lock = lock_at(folder / f"epochwise-{holder}-gpu{gpu}-{slot}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            except OSError as error:
                raise InputError(
                    f"{lock.lock_file} cannot be locked: {error.strerror}. Set TMPDIR to a folder on a local disk that "
                    "you may write."
                ) from error
            log.info("on GPU %s", gpu)
            return gpu, lock
        if not told:
            log.info("waiting for one of the GPUs %s", ", ".join(gpus))
            told = True
        time.sleep(_POLL_SECONDS)


def claim_if_unscheduled(wanted: int, jobs_per_gpu: int) -> BaseFileLock | None:
    """Make one GPU the only one that CUDA will show to this process, if the rule asks for one (`wanted`).

    To be called before CUDA is used. Nothing is done in a SLURM job that sees no more GPUs than it asked for: the
    scheduler has given it its own. In an allocation with more of them, jobs share them out like on any machine.
    """
    if not wanted:
        return None
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = [name.strip() for name in shown.split(",")] if shown else [str(number) for number in range(_count())]
    if not gpus or ("SLURM_JOB_ID" in os.environ and len(gpus) <= wanted):
        return None  # choose_device tells that there is none
    gpu, lock = claim(gpus, jobs_per_gpu)
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    return lock


def _count() -> int:
    """Number of GPUs of this machine, asked for in a process of its own: counting can start CUDA, which would then no
    longer look at CUDA_VISIBLE_DEVICES."""
    import torch

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return pool.submit(torch.cuda.device_count).result()
