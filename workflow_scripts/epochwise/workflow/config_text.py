"""The text of a configuration, before Snakemake's own reading of it loses something.

Snakemake lets the last of two equal keys win, and does not see which values on `--config` are quoted.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from epochwise.workflow.config_checks import ConfigError, schema_of

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # because the loader in C is ten times faster


def check_file(path: str | Path) -> None:
    """Raise ConfigError if a configuration file is not UTF-8, or if one of its mappings has the same key twice."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise ConfigError(f"{path}, line {line}: the byte {byte:#04x} is not UTF-8; save the file as UTF-8.") from None
    try:
        tree = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:  # because Snakemake reads the file too, as JSON or YAML, and reports what it cannot read
        return
    for key, first in _repeated_keys(tree, set()):
        raise ConfigError(
            f"{path}, line {key.start_mark.line + 1}: the key {key.value!r} is already in line {first}, and the later "
            "one would win silently; keep one of them."
        )


def from_arguments(arguments: Iterable[str], schema: Mapping) -> dict[str, Any]:
    """The values of `--config key=value …`, read as YAML. What the schema allows to be text stays text.

    For example `datasets={cifar10: {path: 2024_11}}` gives the path "2024_11", and not the number 202411. Where null
    is allowed too, an unquoted `null` is null. What is not YAML is left out.
    """
    values: dict[str, Any] = {}
    for argument in arguments:
        key, _, text = argument.partition("=")
        try:
            tree = yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError:
            continue
        if tree is None:
            continue
        for repeated, _ in _repeated_keys(tree, set()):
            raise ConfigError(f"--config {key}: the key {repeated.value!r} is given twice; keep one of them.")
        try:
            value = _value(tree, schema_of(schema, key))
        except RecursionError:
            raise ConfigError(f"--config {key}: an anchor (&) contains itself; write its content out.") from None
        update_config(values, {key: value})
    return values


def _repeated_keys(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[yaml.ScalarNode, int]]:
    """Every key that its mapping has already, with the line of the first. `seen` holds the nodes visited before."""
    if node is None or id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        children = node.value
    else:
        children = [child for pair in node.value for child in pair]
        first_lines: dict[tuple[str, str], int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if (key.tag, key.value) in first_lines:
                yield key, first_lines[key.tag, key.value]
            first_lines.setdefault((key.tag, key.value), key.start_mark.line + 1)
    for child in children:
        yield from _repeated_keys(child, seen)


def _value(node: yaml.Node, place: Mapping) -> Any:
    """The value of a YAML node at a place of the schema. Keys are always text, because all keys of the schema are."""
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, schema_of(place, position)) for position, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _value(value, schema_of(place, key.value)) for key, value in node.value}
    types = place.get("type", ())
    value = _scalar(node)
    if "string" in types and not isinstance(value, str) and not (value is None and "null" in types):
        return node.value
    return value


def _scalar(node: yaml.ScalarNode) -> Any:
    """A number, a truth value, None or text."""
    loader = yaml.SafeLoader("")
    try:
        value = loader.construct_object(node)
    except (yaml.YAMLError, ValueError, AttributeError):  # 2024-13-45 is not a date, !!int x not a number
        return node.value
    finally:
        loader.dispose()
    return value if isinstance(value, (bool, int, float, type(None))) else node.value
