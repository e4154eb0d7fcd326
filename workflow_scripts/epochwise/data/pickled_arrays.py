"""Arrays from the pickles that NumPy and torch write, without running the code that a pickle can contain.

A pickle names functions that unpickling calls. Here only those are called that rebuild an array or a tensor, and any
other name is an error.
"""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core import multiarray

from epochwise.workflow.errors import InputError

_STORAGES = {
    "ByteStorage": "u1", "CharStorage": "i1", "ShortStorage": "<i2", "IntStorage": "<i4", "LongStorage": "<i8",
}  # fmt: skip
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file of torch before version 1.6


def read(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays by name of a `.npy` file with one dictionary, or of a `.pt` file of torch.

    Raises InputError, which names the file, if it cannot be read, is of another kind, or names other code.
    """
    path = Path(path)
    try:
        value = _read_torch(path) if path.suffix == ".pt" else _read_numpy(path)
        return {str(name): np.asarray(array) for name, array in value.items()}
    except InputError as error:
        raise InputError(f"{path} {error}") from error
    except Exception as error:  # because a damaged pickle can raise any kind
        raise InputError(
            f"{path} is truncated or damaged, or holds no dictionary of arrays ({type(error).__name__} {error}); fetch it "
            "again."
        ) from error


def _read_numpy(path: Path) -> Any:
    """The only entry of an array of objects that NumPy has saved."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        reader(file)
        return _Unpickler(file).load().item()


def _read_torch(path: Path) -> Any:
    """What torch has saved, as an archive or, before version 1.6, as a sequence of pickles."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            if _Unpickler(file).load() != _TORCH_MAGIC:
                raise InputError("is no file of torch; fetch it again.")
            for _ in ("version", "system"):
                _Unpickler(file).load()
            return _Unpickler(file).load()
    with zipfile.ZipFile(path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        return _Unpickler(io.BytesIO(archive.read(name)), archive, name.removesuffix(".pkl")).load()


def _encoded(text: str, encoding: str) -> bytes:
    """Bytes, which pickles of protocol 2 hold as text."""
    if encoding != "latin1":
        raise InputError(f"encodes bytes as {encoding!r}; fetch it again.")
    return text.encode("latin1")


def _tensor(storage: np.ndarray, offset: int, size: tuple, stride: tuple, *_) -> np.ndarray:
    """A tensor of torch as an array; `stride` counts entries."""
    if len(size) != 1 or stride != (1,):
        raise InputError(f"holds a tensor of shape {size}, but labels have one dimension; fetch it again.")
    return storage[offset : offset + size[0]]


class _Unpickler(pickle.Unpickler):
    """Reads pickles that contain only arrays, tensors and plain values."""

    KNOWN = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): multiarray._reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): multiarray._reconstruct,
        ("_codecs", "encode"): _encoded,
        ("collections", "OrderedDict"): dict,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        **{("torch", name): dtype for name, dtype in _STORAGES.items()},
    }

    def __init__(self, file: io.BufferedIOBase, archive: zipfile.ZipFile | None = None, folder: str = ""):
        super().__init__(file)
        self.archive, self.folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle names. Raises InputError for everything that is not known to be harmless."""
        if (module, name) not in self.KNOWN:
            raise InputError(f"was not read, because it names the code {module}.{name}; fetch the published file.")
        return self.KNOWN[module, name]

    def persistent_load(self, pid: tuple) -> np.ndarray:
        """The numbers of a tensor, which torch keeps beside the pickle in the archive."""
        _, dtype, key, *_ = pid
        return np.frombuffer(self.archive.read(f"{self.folder}/{key}"), dtype)
