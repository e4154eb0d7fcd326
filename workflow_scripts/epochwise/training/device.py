"""The device and the precision that a job computes with."""

import ctypes
import os
import subprocess

import torch

from epochwise.workflow.errors import InputError

# Variables of the environment that change how matrix products are computed. Provenance records those that are set.
VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "MKL_CBWR",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_MAX_CPU_ISA",
    "PYTORCH_TUNABLEOP_ENABLED",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TORCH_BLAS_PREFER_CUBLASLT",
)


def choose_device(wanted: str, threads: int, gpus_requested: int = 0) -> torch.device:
    """The device that a job computes on, with deterministic algorithms.

    Args:
        wanted: `auto`, `cpu` or `cuda`; `auto` is CUDA where torch sees a GPU.
        threads: number of threads of the processor.
        gpus_requested: number of GPUs that the job asked the scheduler for.

    Raises:
        InputError: CUDA is wanted, or a GPU was requested, but torch sees none.
    """
    torch.set_num_threads(threads)
    if wanted == "cpu":
        return torch.device("cpu")  # deterministic at a given number of threads
    if not torch.cuda.is_available():
        if wanted == "cuda" or gpus_requested:
            raise InputError(
                f"training.device is {wanted} and the job asks for {max(1, gpus_requested)} GPU, but torch "
                f"{torch.__version__} sees none. Check `nvidia-smi`, the driver and CUDA_VISIBLE_DEVICES; to train on "
                "processors, use training.device: cpu and ask for no GPU."
            )
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic matrix products need it
    # What torch.use_deterministic_algorithms(True) does, without importing torch's compiler.
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # every buffer here is written before it is read
    return torch.device("cuda")


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of matrix products, whatever precision the environment sets.

    Args:
        precision: `float32`; `bfloat16`; or `tf32`, which is float32 whose products keep 10 bits of the mantissa.
        device: the device, of type `cpu` or `cuda`.

    Raises:
        InputError: tf32 is wanted without CUDA, or NVIDIA_TF32_OVERRIDE contradicts `precision`.
    """
    tf32 = precision == "tf32"
    if tf32 and device.type != "cuda":
        raise InputError(f"training.precision: tf32 needs a CUDA device, but this is {device.type}; use float32.")
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    if device.type == "cuda":
        forced = os.environ.get("NVIDIA_TF32_OVERRIDE")
        if forced is not None and (forced == "1") != tf32:
            raise InputError(
                f"NVIDIA_TF32_OVERRIDE is {forced}, which contradicts training.precision: {precision}. "
                "Unset the variable, because cuBLAS obeys it rather than the configuration."
            )
        # Sums in bfloat16 would differ between one network and a stack, because their kernels split them differently.
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
        torch.backends.cuda.preferred_blas_library("cublas")
        torch.cuda.tunable.enable(False)  # it chooses kernels by their measured time, so two runs may differ
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def hardware(device: torch.device) -> dict:
    """What rounding depends on besides code and data: the threads of a processor, or the GPU and its libraries.

    The keys are the same for both. The threads are None on a GPU, where they do not matter, the others on a processor.
    """
    if device.type != "cuda":
        keys = ("gpu", "capability", "multiprocessors", "cuda", "cublas", "driver")
        return {"threads": torch.get_num_threads(), **dict.fromkeys(keys)}
    found = torch.cuda.get_device_properties(device)
    return {
        "threads": None,
        "gpu": found.name,
        "capability": f"{found.major}.{found.minor}",
        "multiprocessors": found.multi_processor_count,
        "cuda": torch.version.cuda,
        "cublas": _cublas_version(),
        "driver": _driver_version(),
    }


def describe_hardware(used: dict) -> str:
    """What `hardware` returned, in words: "2 threads", or "NVIDIA H100, capability 9.0, …"."""
    if used["gpu"] is None:
        return f"{used['threads']} thread{'s' * (used['threads'] != 1)}"
    return ", ".join([used["gpu"], *(f"{key} {value}" for key, value in used.items() if key not in ("threads", "gpu"))])


def environment_variables() -> dict[str, str]:
    """The variables that change how matrix products are computed, as far as they are set."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


def _cublas_version() -> str | None:
    """Version of the cuBLAS library that torch has loaded, such as 13.1.0; None if it cannot be asked."""
    try:
        library = ctypes.CDLL(f"libcublas.so.{torch.version.cuda.partition('.')[0]}")
        parts = [ctypes.c_int() for _ in range(3)]
        for position, part in enumerate(parts):  # major, minor, patch
            library.cublasGetProperty(position, ctypes.byref(part))
    except (OSError, AttributeError):
        return None
    return ".".join(str(part.value) for part in parts)


def _driver_version() -> str | None:
    """Version of NVIDIA's driver; None if nvidia-smi cannot be run."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.partition("\n")[0].strip()
