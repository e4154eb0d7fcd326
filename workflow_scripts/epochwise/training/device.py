"""The device and the precision that a job computes with."""

import os

import torch

from epochwise.workflow.errors import InputError


def choose_device(wanted: str, threads: int) -> torch.device:
    """The device for `wanted` (auto, cpu, cuda), with deterministic algorithms and `threads` threads.

    Raises InputError if CUDA is wanted but not there.
    """
    torch.set_num_threads(threads)
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError("training.device: cuda is wanted, but torch sees no CUDA device; use auto or cpu.")
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")  # deterministic at a given number of threads
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what deterministic matrix products need
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # every buffer here is written before it is read
    return torch.device("cuda")


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of matrix products for `precision` (float32, tf32, bfloat16).

    tf32 is float32 whose products keep 10 bits of the mantissa, on CUDA devices. Raises InputError for it elsewhere.
    """
    if precision == "tf32":
        if device.type != "cuda":
            raise InputError(f"training.precision: tf32 needs a CUDA device, this is {device.type}; use float32.")
        torch.set_float32_matmul_precision("high")
    return torch.bfloat16 if precision == "bfloat16" else torch.float32
