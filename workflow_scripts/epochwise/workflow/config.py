"""From config.yaml to the chosen experiments, complete with defaults.

Legal values, descriptions and defaults are defined in `config_models.py` and `config_settings.py`. Only the settings of
a kind of noise are defined in its module.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Annotated, Any, Union

from pydantic import Discriminator, Tag
from snakemake.utils import update_config

from epochwise.data.noise import NoiseSettings
from epochwise.data.sources import Source
from epochwise.workflow.config_checks import ConfigError, check_optimizer, legal, lookup, source_of, validate
from epochwise.workflow.config_models import Config, Experiment, Model
from epochwise.workflow.config_settings import Settings
from epochwise.workflow.config_types import LONGEST_NAME
from epochwise.workflow.errors import InputError

SETTINGS_GROUPS = tuple(Settings.model_fields)
TWIN = "clean"  # the noise of rate 0 that `twins` adds


def full_schema(noise_kinds: Mapping[str, ModuleType]) -> dict:
    """The JSON schema of config.yaml as one tree, without references, and with lists of types in place of `anyOf`.

    The schema of a noise has the keys of all kinds, and under `kinds` the schema of each kind.
    """
    _, schema = _model_and_schema(tuple(noise_kinds.items()))
    return schema


@cache
def _model_and_schema(noise_kinds: tuple[tuple[str, ModuleType], ...]) -> tuple[type[Config], dict]:
    """The model of config.yaml with these kinds of noise, and its schema."""
    noise = Union[tuple(Annotated[kind.Settings, Tag(name)] for name, kind in noise_kinds)]  # noqa: UP007
    model = Config[Annotated[noise, Discriminator(_kind_of)]]
    schema = model.model_json_schema()
    schema = _inline(schema, schema["$defs"])
    entry = schema["properties"]["experiments"]["additionalProperties"]["properties"]["noises"]["additionalProperties"]
    entry["properties"]["kind"]["enum"] = [name for name, _ in noise_kinds]
    entry["kinds"] = {}
    for name, kind in noise_kinds:
        own = kind.Settings.model_json_schema()
        own = _inline(own, own.get("$defs", {}))
        about = {"title": f" of the kind {name!r}", "description": f"Its keys: {', '.join(own['properties'])}."}
        entry["kinds"][name] = {**own, **about}
    return model, schema


def _kind_of(noise: Any) -> str:
    """The kind of a noise. What is no mapping, or has another kind than text, is refused as any kind refuses it."""
    kind = noise.get("kind") if isinstance(noise, Mapping) else None
    return kind if isinstance(kind, str) else "symmetric"


def _inline(node: Mapping, definitions: Mapping) -> dict:
    """A node of a JSON schema with its references and alternatives merged into it, and `type` as a list."""
    merged: dict = {"type": []}
    references = [definitions[node["$ref"].rsplit("/", 1)[1]]] if "$ref" in node else []
    for part in (*references, *node.get("anyOf", ()), *node.get("oneOf", ())):
        other = _inline(part, definitions)
        properties = {**merged.get("properties", {}), **other.get("properties", {})}
        types = list(dict.fromkeys([*merged["type"], *other["type"]]))
        merged |= {**other, "type": types, **({"properties": properties} if properties else {})}
    own = {key: value for key, value in node.items() if key not in ("$ref", "anyOf", "oneOf", "title", "type")}
    own |= {
        key: _inline(own[key], definitions)
        for key in ("items", "additionalProperties")
        if isinstance(own.get(key), dict)
    }
    if "properties" in own:
        own["properties"] = {key: _inline(child, definitions) for key, child in own["properties"].items()}
    if "description" in own:
        own["description"] = " ".join(own["description"].split())
    return {**merged, **({"type": [node["type"]]} if "type" in node else {}), **own}


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
        null, each with its `widths` and its complete `training`), `seeds` and every settings group.

    Raises:
        ConfigError: something cannot work. The message names the first such key.
    """
    model, schema = _model_and_schema(tuple(noise_kinds.items()))
    checked = validate(config, model, schema)
    experiments = {}
    for name in [checked.experiment] if isinstance(checked.experiment, str) else checked.experiment:
        experiment, where = lookup(checked.experiments, name, "experiment", "experiments"), f"experiments.{name}"
        settings: dict = {}
        update_config(settings, config.get("defaults", {}))
        update_config(settings, config["experiments"][name])
        block = _resolve_experiment(where, checked, type(experiment).model_validate(settings))
        source = source_of(block["dataset"], sources, describe)
        _check_sizes(where, block, source)
        for key, noise in block["noises"].items():
            _check_noise(f"{where}.noises.{key}", noise, noise_kinds[noise["kind"]], source)
        _check_matched_rates(f"{where}.noises", block["noises"])
        experiments[name] = block
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
    """Number of weights and biases of a network whose hidden layers have `widths` units."""
    sizes = [inputs, *model["widths"], classes]
    return sum((before + 1) * after for before, after in itertools.pairwise(sizes))


def reference(noise_kinds: Mapping[str, ModuleType]) -> str:
    """The configuration reference: a Markdown table of every key, generated from the models and the kinds of noise."""
    lines = ["| key | legal values | default | meaning |", "| --- | --- | --- | --- |"]
    for key, node in _keys(full_schema(noise_kinds), ""):
        # A value that is not given for a model is the experiment's.
        has_default = "default" in node and ".models.<name>." not in key
        default = f"`{json.dumps(node['default'], ensure_ascii=False)}`" if has_default else ""
        meaning = node.get("description", "").replace("|", "\\|")
        lines.append(f"| `{key}` | {legal(node)} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _resolve_experiment(where: str, config: Config, experiment: Experiment) -> dict:
    """The block of one experiment, complete with defaults, before its sizes and noises are checked."""
    dataset = lookup(config.datasets, experiment.dataset, f"{where}.dataset", "datasets").model_dump()
    block = experiment.model_dump(include=set(SETTINGS_GROUPS))
    models = _expand_grids(f"{where}.models", _without_nulls(f"{where}.models", experiment.models))
    for key, model in models.items():
        model["training"] = {**block["training"], **model["training"]}
        check_optimizer(f"{where}.models.{key}.training", model["training"])
    noises = {name: _dump_noise(noise) for name, noise in _without_nulls(f"{where}.noises", experiment.noises).items()}
    if experiment.twins:
        if TWIN in noises:
            raise ConfigError(f"{where}.noises.{TWIN}: `twins` adds a noise of this name; rename this one.")
        noises[TWIN] = {**NoiseSettings().model_dump(), "rate": 0.0}
    return {
        **block,
        "dataset": {"name": experiment.dataset, **dataset, "path": _expand_path(dataset["path"])},
        "noises": noises,
        "models": models,
        "seeds": experiment.seeds,
    }


def _dump_noise(noise: NoiseSettings) -> dict:
    """One noise, complete with defaults. The key of `rate` and `matched_rate` that is not given is absent."""
    block = noise.model_dump(exclude={"rate", "matched_rate"} - noise.model_fields_set)
    return {**block, "path": _expand_path(block["path"])} if "path" in block else block


def _check_noise(where: str, noise: Mapping, kind: ModuleType, source: Source) -> None:
    """Raise ConfigError if the settings of a noise do not fit the data set, as its kind checks it."""
    try:
        if hasattr(kind, "check"):
            kind.check(noise, source)
    except InputError as error:
        raise ConfigError(f"{where}.{error}") from None


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


def _expand_path(path: str | None) -> str | None:
    """The path with `~`, `~user`, `$NAME` and `${NAME}` replaced, as a shell replaces them. Unknown names stay."""
    # Path.expanduser raises where there is no such user, and the name of a folder may begin with "~".
    return None if path is None else os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111


def _without_nulls(where: str, entries: Mapping) -> dict:
    """The named entries that an overlay did not remove by setting them to null."""
    kept = {name: entry for name, entry in entries.items() if entry is not None}
    if not kept:
        raise ConfigError(f"{where}: every entry is null; keep at least one.")
    return kept


def _expand_grids(where: str, models: Mapping[str, Model]) -> dict[str, dict]:
    """Each model with its `widths` and its own values of `training`. Lists of depths or widths make one per pair.

    For example `mlp: {hidden_layers: [2, 4], width: [8, 16]}` becomes mlp_d2_w8, mlp_d2_w16, mlp_d4_w8 and mlp_d4_w16.
    """
    expanded: dict[str, dict] = {}
    for name, model in models.items():
        for suffix, widths in _shapes(model):
            key = name + suffix
            if len(key) > LONGEST_NAME:
                raise ConfigError(
                    f"{where}.{name}: the name {key!r} of a model of this grid is longer than "
                    f"{LONGEST_NAME} characters; choose a shorter name."
                )
            if key in expanded:
                raise ConfigError(f"{where}: two entries make a model named {key!r}; rename one of them.")
            expanded[key] = {"widths": widths, "training": model.training.model_dump(exclude_unset=True)}
    return expanded


def _shapes(model: Model) -> Iterator[tuple[str, list[int]]]:
    """The widths of each network that a model stands for, and what its name adds to that of the model."""
    if model.widths is not None:
        yield "", model.widths
        return
    is_grid = isinstance(model.hidden_layers, list) or isinstance(model.width, list)
    pairs = (value if isinstance(value, list) else [value] for value in (model.hidden_layers, model.width))
    for depth, width in itertools.product(*pairs):
        yield f"_d{depth}_w{width}" if is_grid else "", [width] * depth


def _check_sizes(where: str, experiment: Mapping, source: Source) -> None:
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


def _keys(node: Mapping, path: str) -> Iterator[tuple[str, Mapping]]:
    """Every key that takes a value or holds named entries, dotted; `defaults` stands for an experiment's same keys."""
    children = dict(node.get("properties", {}))
    if path == "experiments.<name>":
        children = {key: child for key, child in children.items() if key not in SETTINGS_GROUPS}
    if isinstance(node.get("additionalProperties"), Mapping):
        children["<name>"] = node["additionalProperties"]
    if not children or "<name>" in children:
        yield path, node
    for key, child in children.items():
        yield from _keys(child, f"{path}.{key}" if path else key)
