"""Arrays from the pickles that NumPy and torch write, without running the code that a pickle can contain.

A pickle names functions that unpickling calls. Here only those are called that rebuild an array or a tensor, and any
other name is an error.
"""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from epochwise.workflow.errors import InputError

# What a pickle of arrays names, under the names of NumPy before and since version 2.
_KNOWN = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
}


def read(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays by name of a `.npy` file with one dictionary, or of a `.pt` file of torch.

    Raises InputError, which names the file, if it cannot be read, is of another kind, or names other code.
    """
    path = Path(path)
    try:
        value = _read_torch(path) if path.suffix == ".pt" else _read_numpy(path)
        return {str(name): np.asarray(array) for name, array in value.items()}
    except Exception as error:  # because a damaged pickle can raise any kind
        reason = f"{type(error).__name__}: {error}".split(". ")[0]  # torch goes on with advice that would run the code
        raise InputError(
            f"{path} was not read, because it is damaged, holds no dictionary of arrays, or names code that could do "
            f"harm ({reason}). Fetch the published file again."
        ) from error


def _read_numpy(path: Path) -> Any:
    """The only entry of an array of objects that NumPy has saved."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        reader(file)
        return _Unpickler(file).load().item()


def _read_torch(path: Path) -> Any:
    """What torch has saved, read by its own loader of data without code."""
    import torch

    kinds = [type(np.dtype(kind)) for kind in ("int8", "int16", "int32", "int64", "uint8")]
    named = [(function, f"{module}.{name}") for (module, name), function in _KNOWN.items()]
    with torch.serialization.safe_globals([*named, *kinds]):
        return torch.load(path, map_location="cpu", weights_only=True)


class _Unpickler(pickle.Unpickler):
    """Reads pickles that contain only arrays and plain values."""

    def __init__(self, file: io.BufferedIOBase):
        super().__init__(file, encoding="latin1")  # as NumPy reads bytes that Python 2 wrote

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle names. Raises UnpicklingError for everything that is not known to be harmless."""
        if (module, name) == ("_codecs", "encode"):
            return lambda text, encoding: text.encode("latin1")  # bytes, which protocol 2 holds as text
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return _KNOWN[module, name]
