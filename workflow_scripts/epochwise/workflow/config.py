"""From config.yaml to what each stage must know: validation, defaults, and one `spec` per stage.

A spec is the canonical JSON of exactly those values that a stage's result depends on; the workflow compares nothing
else to decide what is stale. Legal values, descriptions and defaults stand in `schemas/config.schema.yaml` alone.
"""

import difflib
import itertools
import json
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from epochwise.workflow.errors import InputError

SCHEMA_PATH = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"
SETTINGS = (
    "subset", "training", "activations", "separation", "outliers", "phases", "summary", "claims", "figures",
)  # fmt: skip
WHOLE = "the configuration"
LONGEST_NUMBER = 1000  # bits: what a float can hold
_GRID = ("hidden_layers", "width")


_Validator = jsonschema.validators.extend(  # 1.0 is no integer
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


class ConfigError(InputError):
    """The configuration cannot be used; the message names the key, its value and the remedy."""

    def __init__(self, message: str):
        # Half a surrogate pair cannot be printed.
        super().__init__(message.encode("utf-8", "backslashreplace").decode())


def load_schema() -> dict:
    """The JSON schema of config.yaml."""
    return yaml.safe_load(SCHEMA_PATH.read_text(encoding="utf-8"))


def resolve(config: Mapping, sources: Mapping, noise_kinds: Collection[str]) -> dict[str, dict]:
    """Validate a configuration and return the chosen experiments, complete with defaults, by name.

    Each block has `dataset` (with its `name`), `noises`, `models` (grids expanded), `seeds` and every settings group.
    `sources` gives the known data sets (`data.sources.SOURCES`) and `noise_kinds` the kinds of noise. Raises
    ConfigError on the first thing that cannot work.
    """
    schema = load_schema()
    _validate(config, schema)
    chosen = config["experiment"]
    settings_schema = {"type": "object", "properties": schema["$defs"]["settings"]["properties"]}
    experiments = {}
    for name in [chosen] if isinstance(chosen, str) else chosen:
        block = _lookup(config["experiments"], name, "experiment", "experiments")
        where = f"experiments.{name}"
        dataset = _lookup(config["datasets"], block["dataset"], f"{where}.dataset", "datasets")
        models = _expand_grids(f"{where}.models", block["models"])
        settings = {key: value for key, value in block.items() if key in SETTINGS}
        resolved = _with_defaults(_merge(config.get("defaults", {}), settings), settings_schema)
        experiments[name] = {
            **resolved,
            "dataset": {"name": block["dataset"], **_with_defaults(dataset, schema["$defs"]["dataset"])},
            "noises": {key: _with_defaults(n, schema["$defs"]["noise"]) for key, n in block["noises"].items()},
            "models": models,
            "seeds": block["seeds"],
        }
        for key, noise in experiments[name]["noises"].items():
            _lookup(dict.fromkeys(noise_kinds), noise["kind"], f"{where}.noises.{key}.kind", "kinds of noise")
        _check_sizes(where, experiments[name], sources[dataset["source"]])
    return experiments


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces. Equal values give equal text whatever the order they were written in."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def weights_of(model: Mapping, inputs: int, classes: int) -> int:
    """Number of weights and biases of a network with `hidden_layers` layers of `width` units."""
    sizes = [inputs, *[model["width"]] * model["hidden_layers"], classes]
    return sum((before + 1) * after for before, after in itertools.pairwise(sizes))


def reference(schema: Mapping) -> str:
    """The configuration reference: a Markdown table of every key, generated from the schema."""
    lines = ["| key | legal values | default | meaning |", "| --- | --- | --- | --- |"]
    for key, node in _keys(schema, ""):
        default = f"`{json.dumps(node['default'], ensure_ascii=False)}`" if "default" in node else ""
        meaning = " ".join(node.get("description", "").split()).replace("|", "\\|")
        lines.append(f"| `{key}` | {_legal(node)} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _validate(config: Mapping, schema: Mapping) -> None:
    try:
        for path in _keys_within(config, ()):
            if not isinstance(path[-1], str):
                raise ConfigError(
                    f"{_dotted(path[:-1]) or WHOLE}: the key {path[-1]!r} is no text; put it into quotes, or mend it."
                )
    except RecursionError:
        raise ConfigError(f"{WHOLE}: an anchor (&) holds itself; write its content out.") from None
    for path, value in _leaves(config, ()):
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{_dotted(path) or WHOLE}: {value} is not a finite number; give a finite one.")
        if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
            raise ConfigError(
                f"{_dotted(path) or WHOLE}: this number has {value.bit_length()} bits; give a smaller one."
            )
    errors = list(_Validator(schema).iter_errors(config))
    if errors:
        raise ConfigError(_explain(jsonschema.exceptions.best_match(errors, key=lambda e: -len(e.absolute_path))))


def _explain(error: jsonschema.ValidationError) -> str:
    where = _dotted(error.absolute_path) or WHOLE
    schema = error.schema
    if error.validator == "additionalProperties" and schema.get("additionalProperties") is False:
        known = list(schema["properties"])
        unknown = next(key for key in error.instance if key not in known)
        return f"{where}: unknown key {unknown!r}{_did_you_mean(unknown, known)} Known keys: {', '.join(known)}."
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"{where}: the key {missing!r} is missing; add it."
    if "propertyNames" in error.schema_path:
        return f"{where}: {error.instance!r} is no legal name. {schema['description']}"
    value = json.dumps(error.instance, ensure_ascii=False, default=str)
    value = value if len(value) <= 200 else value[:200] + " …"
    if error.validator == "uniqueItems":
        return f"{where}: {value} names an entry twice; name each once."
    about = " ".join(schema.get("description", "").split())
    if isinstance(error.instance, str) and "number" in schema.get("type", "") and _is_number(error.instance):
        number = repr(float(error.instance))
        number = number if "." in number else number.replace("e", ".0e")  # 1e-05 is text to YAML 1.1
        about = f"To YAML this is text: write {number}, with a point and without quotes. {about}"
    return f"{where}: {value} is not allowed (allowed: {_legal(schema)}). {about}".strip()


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _legal(node: Mapping) -> str:
    """The legal values of a schema node, in words."""
    if "enum" in node:
        return ", ".join(f"`{value if isinstance(value, str) else json.dumps(value)}`" for value in node["enum"])
    types = node.get("type", "")
    words = " or ".join(types) if isinstance(types, list) else types
    bounds = [
        text.format(node[key])
        for key, text in {
            "minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}",
            "minItems": "at least {} entry", "minProperties": "at least {} entry", "minLength": "not empty",
        }.items()
        if key in node
    ]  # fmt: skip
    if node.get("uniqueItems"):
        bounds.append("no entry twice")
    return ", ".join([words, *bounds]) if words else ", ".join(bounds)


def _lookup(blocks: Mapping, name: str, key: str, parent: str) -> Mapping:
    if name not in blocks:
        raise ConfigError(
            f"{key}: there is no {name!r} under `{parent}`{_did_you_mean(name, list(blocks))} "
            f"There are: {', '.join(blocks)}."
        )
    return blocks[name]


def _expand_grids(where: str, models: Mapping) -> dict[str, dict]:
    """The models without those that are null. A model whose hidden_layers or width is a list becomes one per pair.

    For example `mlp: {hidden_layers: [2, 4], width: [8, 16]}` becomes mlp_d2_w8, mlp_d2_w16, mlp_d4_w8 and mlp_d4_w16.
    """
    expanded: dict[str, dict] = {}
    for name, model in models.items():
        if model is None:
            continue
        depths, widths = (value if isinstance(value, list) else [value] for value in map(model.get, _GRID))
        for depth, width in itertools.product(depths, widths):
            is_grid = any(isinstance(model[key], list) for key in _GRID)
            key = f"{name}_d{depth}_w{width}" if is_grid else name
            if key in expanded:
                raise ConfigError(f"{where}: two entries give a model of the name {key!r}; rename one of them.")
            expanded[key] = {"hidden_layers": depth, "width": width}
    if not expanded:
        raise ConfigError(f"{where}: every model is null; keep at least one.")
    return expanded


def _check_sizes(where: str, experiment: Mapping, source) -> None:
    """Compare subset and folds with the size of the data set, which is known for the sources in their usual form."""
    if source.package and experiment["dataset"]["path"] is not None:
        raise ConfigError(
            f"datasets.{experiment['dataset']['name']}.path: {experiment['dataset']['path']!r} has no effect, because "
            f"{experiment['dataset']['source']} comes with the package {source.package}; leave it out, or name another "
            "source."
        )
    name, size = experiment["dataset"]["source"], experiment["subset"]["size"]
    known = source.train
    if size is not None and experiment["dataset"]["path"] is None and size > known:
        raise ConfigError(
            f"{where}.subset.size: {size} is more than the {known} training samples of {name}; give at most {known}, "
            "or null for all."
        )
    if size is not None and size < source.classes:
        raise ConfigError(
            f"{where}.subset.size: {size} is fewer than the {source.classes} classes of {name}; give at least as many."
        )
    folds, samples = experiment["outliers"]["folds"], size or known
    if folds > samples:
        raise ConfigError(f"{where}.outliers.folds: {folds} is more than the {samples} samples; give a smaller number.")


def _merge(base: Mapping, over: Mapping) -> dict:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _with_defaults(value: Mapping, schema: Mapping) -> dict:
    filled = dict(value)
    for key, node in schema["properties"].items():
        if "properties" in node:
            filled[key] = _with_defaults(filled.get(key, {}), node)
        elif "default" in node:
            filled.setdefault(key, node["default"])
        if node.get("type") == "number" and key in filled:
            filled[key] = float(filled[key])  # 1 and 1.0 are one value
    return filled


def _keys(node: Mapping, path: str) -> Iterator[tuple[str, Mapping]]:
    """Every key that takes a value or holds named entries, dotted; `defaults` stands for an experiment's same keys."""
    if "$ref" in node:
        node = load_schema()["$defs"][node["$ref"].rsplit("/", 1)[1]]
    children = dict(node.get("properties", {}))
    if path == "experiments.<name>":
        children = {key: child for key, child in children.items() if key not in SETTINGS}
    if isinstance(node.get("additionalProperties"), Mapping):
        children["<name>"] = node["additionalProperties"]
    if not children or "<name>" in children:
        yield path, node
    for key, child in children.items():
        yield from _keys(child, f"{path}.{key}" if path else key)


def _keys_within(value: Any, path: tuple) -> Iterator[tuple]:
    """The path of every key of every mapping."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield (*path, key)
            yield from _keys_within(child, (*path, key))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _keys_within(child, (*path, position))


def _leaves(value: Any, path: tuple) -> Iterator[tuple[tuple, Any]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _leaves(child, (*path, position))
    else:
        yield path, value


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


def _dotted(path: Any) -> str:
    return ".".join(str(part) for part in path)
