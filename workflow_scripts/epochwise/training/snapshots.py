"""Saved weights, and the state that a killed training job continues from; safetensors only, never a pickle."""

import json
import zlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize

from epochwise.training.folders import snapshot_path
from epochwise.training.mlp import MLP
from epochwise.training.scaling import Scaling
from epochwise.workflow.errors import InputError
from epochwise.workflow.files import atomic


def save(folder: str | Path, model: MLP, epoch: int, seed: int, scaling: Scaling) -> None:
    """Write one snapshot atomically, with all that is needed to use it on pixels."""
    metadata = {
        "epoch": str(epoch),
        "seed": str(seed),
        "hidden_widths": json.dumps([layer.out_features for layer in model.layers[:-1]]),
        "input_mean": json.dumps(scaling.mean),
        "input_std": json.dumps(scaling.std),
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
        with torch.device("meta"):  # no weights are drawn that would be overwritten at once
            model = MLP(inputs, len(widths), widths[0], classes)
        model.load_state_dict(tensors, assign=True)
        scaling = Scaling(tuple(json.loads(metadata["input_mean"])), tuple(json.loads(metadata["input_std"])))
    except (SafetensorError, OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no usable snapshot ({error}); delete {path.parent} and run the workflow again to train it anew."
        ) from error
    return model.requires_grad_(False), scaling


def save_state(path: str | Path, tensors: dict[str, torch.Tensor], progress: dict) -> None:
    """Write a training state atomically: tensors, and `progress` as JSON metadata."""
    _write(path, tensors, {"progress": json.dumps(progress, allow_nan=False)})


def load_state(path: str | Path) -> tuple[dict[str, torch.Tensor], dict] | None:
    """The state at `path`, or None where there is none or it is damaged."""
    try:
        tensors, metadata = _read(path)
        progress = json.loads(metadata["progress"])
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError):
        return None
    return (tensors, progress) if isinstance(progress, dict) else None


def _write(path: str | Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write safetensors atomically, the keys of its header sorted: the library leaves their order to chance."""
    metadata = metadata | {"crc32": _checksum(tensors, metadata)}
    content = serialize({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with atomic(path) as temporary, temporary.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.write(memoryview(content)[end:])


def _read(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    if metadata.pop("crc32", None) != _checksum(tensors, metadata):
        raise SafetensorError("its checksum does not fit its content")
    return tensors, metadata


def _checksum(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> str:
    """CRC-32 of metadata and tensors; the format itself carries none."""
    checksum = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        checksum = zlib.crc32(f"{name} {tensor.dtype} {list(tensor.shape)}".encode(), checksum)
        packed = tensor.detach().cpu().contiguous()
        flat = packed.as_strided((packed.numel(),), (1,))  # of one element, it is contiguous whatever its stride
        checksum = zlib.crc32(flat.view(torch.uint8).numpy(), checksum)
    return str(checksum)
