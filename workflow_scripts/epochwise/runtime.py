"""What every job does around its work: log, limit threads, choose a device, say what its results were made from."""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from epochwise import code, provenance
from epochwise.errors import InputError
from epochwise.files import atomic, hold

if TYPE_CHECKING:
    import torch

_BEGAN = time.perf_counter()


@contextmanager
def job(snakemake) -> Iterator[dict]:
    """Run the body of a rule's script, unless its code is no longer what was planned; yields the rule's spec.

    Log lines go to the rule's log, warnings to standard error too. An error ends the job: the message of an InputError,
    the traceback of any other, goes to the log, which Snakemake shows. After success, what the results were made from
    is written to where `provenance.record` says. Until its end no other run of the same job begins.
    """
    log = Path(snakemake.log[0])
    lock = hold(log.with_name(f".{log.stem}.lock"))
    file = logging.FileHandler(log, mode="w", encoding="utf-8")
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S", handlers=[file, terminal]
    )
    logging.captureWarnings(True)
    try:
        code.require_unchanged(snakemake.params.code)
        yield json.loads(snakemake.params.spec)
        write_json(provenance.of_job(snakemake), provenance.record(log))
    except Exception as error:
        file.stream.write(f"{error}\n" if isinstance(error, InputError) else traceback.format_exc())
        raise SystemExit(1) from error
    finally:
        lock.release()


def choose_device(wanted: str, threads: int) -> "torch.device":
    """The device for `wanted` (auto, cpu, cuda), with deterministic algorithms and `threads` threads.

    Raises InputError if CUDA is wanted but not there.
    """
    import torch

    torch.set_num_threads(threads)
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError("training.device: cuda is wanted, but torch sees no CUDA device; use auto or cpu.")
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")  # deterministic at a given number of threads
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what deterministic matrix products need
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # every buffer here is written before it is read
    return torch.device("cuda")


def choose_precision(precision: str, device: "torch.device") -> "torch.dtype":
    """The dtype of matrix products for `precision` (float32, tf32, bfloat16).

    tf32 is float32 whose products keep 10 bits of the mantissa, on CUDA devices. Raises InputError for it elsewhere.
    """
    import torch

    if precision == "tf32":
        if device.type != "cuda":
            raise InputError(f"training.precision: tf32 needs a CUDA device, this is {device.type}; use float32.")
        torch.set_float32_matmul_precision("high")
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def write_json(value: Mapping, path: str | Path) -> None:
    """Write JSON atomically, indented."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def elapsed() -> dict:
    """Wall and CPU seconds of this job so far."""
    return {
        "wall_seconds": round(time.perf_counter() - _BEGAN, 3),
        "cpu_seconds": round(time.process_time(), 3),
    }
