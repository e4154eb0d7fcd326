"""Saved weights, and the state that a killed training job continues from; safetensors only, never a pickle."""

import json
import zlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize

from epochwise.training.activation import Activation
from epochwise.training.folders import snapshot_path
from epochwise.training.mlp import MLP
from epochwise.training.scaling import Scaling
from epochwise.workflow.errors import InputError
from epochwise.workflow.files import atomic


def save(folder: str | Path, model: MLP, epoch: int, seed: int, scaling: Scaling) -> None:
    """Write the weights of one epoch atomically, with all metadata that is needed to use them on pixels."""
    metadata = {
        "epoch": str(epoch),
        "seed": str(seed),
        "hidden_widths": json.dumps([layer.out_features for layer in model.layers[:-1]]),
        "input_mean": json.dumps(scaling.mean),
        "input_std": json.dumps(scaling.std),
        **model.activation.to_metadata(),
    }
    _write(snapshot_path(folder, epoch), model.state_dict(), metadata)


def load(folder: str | Path, epoch: int) -> tuple[MLP, Scaling]:
    """The network of one snapshot and its input scaling. Raises InputError naming the file if it is damaged."""
    path = snapshot_path(folder, epoch)
    try:
        tensors, metadata = _read(path)
        if {tensor.dtype for tensor in tensors.values()} != {torch.float32}:
            raise TypeError("its weights are not all float32")
        widths = json.loads(metadata["hidden_widths"])
        inputs, classes = tensors["layers.0.weight"].shape[1], len(tensors[f"layers.{len(widths)}.bias"])
        with torch.device("meta"):  # because drawing weights would take time, and they are overwritten at once
            model = MLP(inputs, widths, classes, Activation.from_metadata(metadata).cap)
        model.load_state_dict(tensors, assign=True)
        scaling = Scaling(tuple(json.loads(metadata["input_mean"])), tuple(json.loads(metadata["input_std"])))
    except (SafetensorError, OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no usable snapshot ({error}); delete {path.parent} and run the workflow again."
        ) from error
    return model.requires_grad_(False), scaling


def save_state(path: str | Path, tensors: dict[str, torch.Tensor], progress: dict) -> None:
    """Write a training state atomically: tensors, and `progress` as JSON in the metadata."""
    _write(path, tensors, {"progress": json.dumps(progress, allow_nan=False)})


def load_state(path: str | Path) -> tuple[dict[str, torch.Tensor], dict] | None:
    """Tensors and progress of the state at `path`, or None if there is none or it is damaged."""
    try:
        tensors, metadata = _read(path)
        progress = json.loads(metadata["progress"])
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError):
        return None
    return (tensors, progress) if isinstance(progress, dict) else None


def _write(path: str | Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write safetensors atomically, with the keys of the header sorted, because the library leaves their order open."""
    tensors = {name: _packed(tensor) for name, tensor in tensors.items()}
    content = serialize(tensors, metadata | {"crc32": _checksum(tensors, metadata)})
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with atomic(path) as temporary, temporary.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.write(memoryview(content)[end:])


def _packed(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in the processor's memory without gaps. It is copied once, and only where this is needed."""
    return tensor.detach().cpu().contiguous()


def _read(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a file. Raises SafetensorError if its checksum differs."""
    with safe_open(path, "pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    if metadata.pop("crc32", None) != _checksum(tensors, metadata):
        raise SafetensorError("its checksum does not match its content")
    return tensors, metadata


def _checksum(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> str:
    """CRC-32 of metadata and of packed tensors, because the format itself has no checksum."""
    checksum = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        checksum = zlib.crc32(f"{name} {tensor.dtype} {list(tensor.shape)}".encode(), checksum)
        flat = tensor.as_strided((tensor.numel(),), (1,))  # because a single element may have any stride
        checksum = zlib.crc32(flat.view(torch.uint8).numpy(), checksum)
    return str(checksum)
