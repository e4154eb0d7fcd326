"""From config.yaml to the chosen experiments, complete with defaults.

Legal values, descriptions and defaults are defined in `schemas/config.schema.yaml`. Only the settings of a kind of
noise are defined in its module.
"""

import copy
import itertools
import json
import operator
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache, reduce
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from epochwise.workflow.config_checks import ConfigError, check_optimizer, legal, lookup, source_of, validate
from epochwise.workflow.errors import InputError

SCHEMA_PATH = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"
SETTINGS = (
    "subset", "training", "activations", "measures", "interventions", "twins", "maps", "separation", "outliers",
    "phases", "summary", "claims", "figures",
)  # fmt: skip
LONGEST_NAME = 64  # characters, as in the schema
TWIN = "clean"  # the noise of rate 0 that `twins` adds
_GRID = ("hidden_layers", "width")


@cache
def load_schema() -> dict:
    """The JSON schema of config.yaml, without the settings of the kinds of noise."""
    return yaml.safe_load(SCHEMA_PATH.read_text(encoding="utf-8"))


def full_schema(noise_kinds: Mapping[str, ModuleType]) -> dict:
    """The JSON schema of config.yaml. A noise may have the settings of any kind (`SETTINGS` of its module)."""
    schema = copy.deepcopy(load_schema())
    noise = schema["$defs"]["noise"]
    own = {key: node for kind in noise_kinds.values() for key, node in kind.SETTINGS.items()}
    own = {key: _looked_up(node["$ref"], schema) if "$ref" in node else node for key, node in own.items()}
    noise["properties"] = {"kind": noise["properties"]["kind"], **own, **noise["properties"]}
    return schema


def resolve(
    config: Mapping,
    sources: Mapping,
    noise_kinds: Mapping[str, ModuleType],
    describe: Callable[[Mapping], Any] | None = None,
) -> dict[str, dict]:
    """Validate a configuration and return the chosen experiments, complete with defaults, by name.

    Args:
        config: the content of the configuration files and of `--config`, merged.
        sources: the known data sets (`data.sources.SOURCES`).
        noise_kinds: the modules of the known kinds of noise, by name (`data.noise_kinds.load`).
        describe: the `data.sources.Source` of images of one's own, from their data set's block. It raises InputError.

    Returns:
        One block per experiment, with `dataset` (including its `name`), `noises`, `models` (grids expanded, no entry
        null, each with its complete `training`), `seeds` and every settings group.

    Raises:
        ConfigError: something cannot work. The message names the first such key.
    """
    schema = full_schema(noise_kinds)
    validate(config, schema)
    chosen = config["experiment"]
    experiments = {}
    for name in [chosen] if isinstance(chosen, str) else chosen:
        lookup(config["experiments"], name, "experiment", "experiments")
        experiments[name] = _resolve_experiment(config, schema, name)
        source, where = source_of(experiments[name]["dataset"], sources, describe), f"experiments.{name}"
        _check_sizes(where, experiments[name], source)
        noises = {
            key: _resolve_noise(f"{where}.noises.{key}", noise, schema, noise_kinds, source)
            for key, noise in experiments[name]["noises"].items()
        }
        _check_matched_rates(f"{where}.noises", noises)
        experiments[name]["noises"] = noises
    return experiments


def once(describe: Callable[[Mapping], Any]) -> Callable[[Mapping], Any]:
    """`describe` of `resolve`, which then looks at the images of each data set only once."""
    found = {}

    def described(dataset: Mapping) -> Any:
        if dataset["name"] not in found:
            found[dataset["name"]] = describe(dataset)
        return found[dataset["name"]]

    return described


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces. Equal values give equal text whatever the order they were written in."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def weights_of(model: Mapping, inputs: int, classes: int) -> int:
    """Number of weights and biases of a network with `hidden_layers` layers of `width` units."""
    sizes = [inputs, *[model["width"]] * model["hidden_layers"], classes]
    return sum((before + 1) * after for before, after in itertools.pairwise(sizes))


def reference(noise_kinds: Mapping[str, ModuleType]) -> str:
    """The configuration reference: a Markdown table of every key, generated from the schema and the kinds of noise."""
    schema = full_schema(noise_kinds)
    lines = ["| key | legal values | default | meaning |", "| --- | --- | --- | --- |"]
    for key, node in _keys(schema, "", schema):
        default = f"`{json.dumps(node['default'], ensure_ascii=False)}`" if "default" in node else ""
        meaning = " ".join(node.get("description", "").split()).replace("|", "\\|")
        values = legal({"enum": noise_kinds} if key.endswith(".noises.<name>.kind") else node)
        lines.append(f"| `{key}` | {values} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _resolve_experiment(config: Mapping, schema: Mapping, name: str) -> dict:
    """The block of one experiment, complete with defaults, before its sizes and noises are checked."""
    block, where = config["experiments"][name], f"experiments.{name}"
    dataset = lookup(config["datasets"], block["dataset"], f"{where}.dataset", "datasets")
    dataset = {"name": block["dataset"], **_with_defaults(dataset, schema["$defs"]["dataset"])}
    settings = merge(config.get("defaults", {}), {key: value for key, value in block.items() if key in SETTINGS})
    settings = _with_defaults(settings, {"properties": schema["$defs"]["settings"]["properties"]})
    training = schema["$defs"]["settings"]["properties"]["training"]
    models = _expand_grids(f"{where}.models", _without_nulls(f"{where}.models", block["models"]))
    for key, model in models.items():
        own = _with_defaults({**settings["training"], **model.get("training", {})}, training)
        models[key] = {**model, "training": own}
        check_optimizer(f"{where}.models.{key}.training", own, training["properties"])
    noises = _without_nulls(f"{where}.noises", block["noises"])
    if settings["twins"]:
        if TWIN in noises:
            raise ConfigError(f"{where}.noises.{TWIN}: `twins` adds a noise of this name; rename this one.")
        noises = {**noises, TWIN: {"rate": 0.0}}
    return {
        **settings,
        "dataset": {**dataset, "path": _expanded(dataset["path"])},
        "noises": noises,
        "models": models,
        "seeds": block["seeds"],
    }


def _resolve_noise(where: str, noise: Mapping, schema: Mapping, kinds: Mapping[str, ModuleType], source) -> dict:
    """One noise, complete with defaults and checked by its kind."""
    common, known = load_schema()["$defs"]["noise"]["properties"], schema["$defs"]["noise"]["properties"]
    name = noise.get("kind", known["kind"]["default"])
    kind = lookup(kinds, name, f"{where}.kind", "kinds of noise")
    properties = {key: node for key, node in known.items() if key in {*common, *kind.SETTINGS}}
    for key in noise:
        if key not in properties:
            raise ConfigError(f"{where}: the kind {name!r} has no key {key!r}. Its keys: {', '.join(properties)}.")
    required = [key for key, node in properties.items() if "default" not in node]
    if "matched_rate" in required:  # it replaces the rate
        given = [key for key in ("rate", "matched_rate") if key in noise]
        if len(given) == 2:
            raise ConfigError(f"{where}: 'rate' and 'matched_rate' exclude each other; keep one of them.")
        required = [key for key in required if key not in ("rate", "matched_rate")] + (given or ["rate"])
    for key in required:
        if key not in noise:
            raise ConfigError(f"{where}: the key {key!r} is missing; add it. {known[key]['description']}")
    resolved = _with_defaults(noise, {"properties": properties})
    if "path" in resolved:
        resolved["path"] = _expanded(resolved["path"])
    try:
        if hasattr(kind, "check"):
            kind.check(resolved, source)
    except InputError as error:
        raise ConfigError(f"{where}.{error}") from None
    return resolved


def _check_matched_rates(where: str, noises: Mapping[str, Mapping]) -> None:
    """Each `matched_rate` names a noise that has one rate for each draw of this noise."""
    for name, noise in noises.items():
        if "matched_rate" not in noise:
            continue
        key = f"{where}.{name}.matched_rate"
        other = lookup(noises, noise["matched_rate"], key, where)
        if "matched_rate" in other:
            raise ConfigError(
                f"{key}: {noise['matched_rate']!r} has a matched rate itself; name the noise that this rate is from."
            )
        if noise["shared_draw"] and not other["shared_draw"]:
            raise ConfigError(
                f"{key}: {noise['matched_rate']!r} has a draw, and thus a rate, for each seed; "
                "add `shared_draw: false`."
            )


def _expanded(path: str | None) -> str | None:
    """The path with `~`, `~user`, `$NAME` and `${NAME}` replaced, as a shell replaces them. Unknown names stay."""
    # Path.expanduser raises where there is no such user, and the name of a folder may begin with "~".
    return None if path is None else os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111


def _without_nulls(where: str, entries: Mapping) -> dict:
    """The named entries that an overlay did not remove by setting them to null."""
    kept = {name: entry for name, entry in entries.items() if entry is not None}
    if not kept:
        raise ConfigError(f"{where}: every entry is null; keep at least one.")
    return kept


def _expand_grids(where: str, models: Mapping) -> dict[str, dict]:
    """A model whose hidden_layers or width is a list becomes one per pair.

    For example `mlp: {hidden_layers: [2, 4], width: [8, 16]}` becomes mlp_d2_w8, mlp_d2_w16, mlp_d4_w8 and mlp_d4_w16.
    """
    expanded: dict[str, dict] = {}
    for name, model in models.items():
        depths, widths = (value if isinstance(value, list) else [value] for value in map(model.get, _GRID))
        for depth, width in itertools.product(depths, widths):
            is_grid = any(isinstance(model[key], list) for key in _GRID)
            key = f"{name}_d{depth}_w{width}" if is_grid else name
            if len(key) > LONGEST_NAME:
                raise ConfigError(
                    f"{where}.{name}: the name {key!r} of a model of this grid is longer than "
                    f"{LONGEST_NAME} characters; choose a shorter name."
                )
            if key in expanded:
                raise ConfigError(f"{where}: two entries make a model named {key!r}; rename one of them.")
            expanded[key] = {**model, "hidden_layers": depth, "width": width}
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
    known, is_counted = source.train, experiment["dataset"]["path"] is None or name == "folder"
    if size is not None and is_counted and size > known:
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


def merge(base: Mapping, over: Mapping) -> dict:
    """`base` with the values of `over`, mapping by mapping."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def _with_defaults(value: Mapping, schema: Mapping) -> dict:
    filled = dict(value)
    for key, node in schema["properties"].items():
        if "properties" in node:
            filled[key] = _with_defaults(filled.get(key, {}), node)
        elif "default" in node:
            filled.setdefault(key, node["default"])
        if "number" in node.get("type", "") and filled.get(key) is not None:
            filled[key] = float(filled[key])  # 1 and 1.0 are one value
    return filled


def _looked_up(reference: str, schema: Mapping) -> Mapping:
    """The node of a schema that a `$ref` such as "#/$defs/rate" names."""
    return reduce(operator.getitem, reference.removeprefix("#/").split("/"), schema)


def _keys(node: Mapping, path: str, schema: Mapping) -> Iterator[tuple[str, Mapping]]:
    """Every key that takes a value or holds named entries, dotted; `defaults` stands for an experiment's same keys."""
    if "$ref" in node:
        node = _looked_up(node["$ref"], schema)
        if ".models.<name>." in path:  # a value that is not given is the experiment's
            node = {key: value for key, value in node.items() if key != "default"}
    children = dict(node.get("properties", {}))
    if path == "experiments.<name>":
        children = {key: child for key, child in children.items() if key not in SETTINGS}
    if isinstance(node.get("additionalProperties"), Mapping):
        children["<name>"] = node["additionalProperties"]
    if not children or "<name>" in children:
        yield path, node
    for key, child in children.items():
        yield from _keys(child, f"{path}.{key}" if path else key, schema)
