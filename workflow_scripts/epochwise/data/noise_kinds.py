"""All kinds of noise with their settings, for the configuration."""

import importlib
from types import ModuleType

from epochwise.data.corruption import noise_kinds


def load() -> dict[str, ModuleType]:
    """The module of every kind of noise, by name."""
    return {name: importlib.import_module(f"epochwise.data.noise.{name}") for name in noise_kinds()}
