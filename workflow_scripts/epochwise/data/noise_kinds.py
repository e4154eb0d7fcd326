"""All kinds of noise, for the configuration."""

import importlib
from pathlib import Path
from types import ModuleType


def names() -> list[str]:
    """The names of all kinds of noise: the modules of `epochwise.data.noise`."""
    return sorted(path.stem for path in Path(__file__).with_name("noise").glob("[!_]*.py"))


def load() -> dict[str, ModuleType]:
    """The module of every kind of noise, by name."""
    return {name: importlib.import_module(f"epochwise.data.noise.{name}") for name in names()}
