"""Check a configuration against its models, and say in one sentence what is wrong: key, value and remedy."""

import difflib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from epochwise.workflow.config_settings import ModelTraining
from epochwise.workflow.config_types import NAME_RULE
from epochwise.workflow.errors import InputError

WHOLE = "the configuration"
LONGEST_NUMBER = 1000  # bits, because no float holds a longer one


class ConfigError(InputError):
    """The configuration cannot be used; the message names the key, its value and the remedy."""

    def __init__(self, message: str):
        # Half a surrogate pair cannot be printed.
        super().__init__(message.encode("utf-8", "backslashreplace").decode())


def validate(config: Any, model: type[BaseModel], schema: Mapping) -> BaseModel:
    """The configuration as its model. Raises ConfigError, which names the topmost key that cannot be used.

    `schema` is the schema of the model, without references (`config.full_schema`).
    """
    try:
        for path, value in _entries(config, ()):
            _check_entry(path, value)
    except RecursionError:
        raise ConfigError(f"{WHOLE}: an anchor (&) contains itself; write its content out.") from None
    try:
        return model.model_validate(config)
    except ValidationError as error:
        problems = [(*_place(problem, config, schema), problem) for problem in error.errors(include_url=False)]
        first = min(problems, key=lambda found: (len(found[0]), found[2]["type"] == "missing"))
        raise ConfigError(_explain(*first)) from None


def _check_entry(path: tuple, value: Any) -> None:
    """Refuse what YAML can say and no key takes: keys that are no text, numbers that are infinite or too long."""
    where = _dotted(path) or WHOLE
    if path and isinstance(path[-1], tuple):
        [key] = path[-1]
        raise ConfigError(f"{_dotted(path[:-1]) or WHOLE}: the key {key!r} is not text; put it into quotes.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: {value} is not a finite number; give a finite one.")
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
        raise ConfigError(f"{where}: this number has {value.bit_length()} bits; give a smaller one.")


def _entries(value: Any, path: tuple) -> Iterator[tuple[tuple, Any]]:
    """The path and value of every entry at every depth. A key that is not text is wrapped: `(key,)`."""
    yield path, value
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _entries(child, (*path, key if isinstance(key, str) else (key,)))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _entries(child, (*path, position))


def schema_of(node: Mapping, key: str | int) -> Mapping:
    """The schema of an entry of a mapping or a list; empty where the schema knows no such entry."""
    if isinstance(key, int):
        return node.get("items", {})
    others = node.get("additionalProperties")
    return node.get("properties", {}).get(key) or (others if isinstance(others, Mapping) else {})


# How many parts at the end of pydantic's location name an entry that the problem's own mapping does not have or allow.
_ENTRY = {"missing": 1, "extra_forbidden": 1, "name": 2}


def _place(problem: Mapping, config: Any, schema: Mapping) -> tuple[tuple, Mapping]:
    """The path of a problem in the configuration, and its schema.

    Pydantic's location also names what it tried: in ("noises", "a", "pair", "rate"), "pair" is the kind of the noise a.
    """
    path, value, node = (), config, schema
    for part in problem["loc"][: len(problem["loc"]) - _ENTRY.get(problem["type"], 0)]:
        is_key = isinstance(value, Mapping) and part in value
        if is_key or (isinstance(value, list) and isinstance(part, int)):
            path, value, node = (*path, part), value[part], schema_of(node, part)
        else:
            node = node.get("kinds", {}).get(part, node)
    return path, node


def _explain(path: tuple, node: Mapping, problem: Mapping) -> str:
    """The message of one problem that pydantic found."""
    kind, where, value = problem["type"], _dotted(path) or WHOLE, problem["input"]
    if kind == "value_error":  # raised by a validator of a kind of noise
        return f"{where}: {problem['ctx']['error']}"
    key = problem["loc"][-1] if problem["loc"] else None
    if kind == "extra_forbidden":
        known = list(node["properties"])
        unknown = f"unknown key {key!r}{node.get('title', '')}{did_you_mean(key, known)}"
        return f"{where}: {unknown} Known keys: {', '.join(known)}."
    if kind == "missing":
        return f"{where}: the key {key!r} is missing; add it. {schema_of(node, key).get('description', '')}".strip()
    if kind == "name":
        return f"{where}: {value!r} is no legal name. {NAME_RULE}"
    if kind == "union_tag_invalid":
        lookup(dict.fromkeys(node["properties"]["kind"]["enum"]), value["kind"], f"{where}.kind", "kinds of noise")
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = text if len(text) <= 200 else text[:200] + " …"
    if kind == "repetition":
        return f"{where}: {text} names an entry twice; name each once."
    types, about = node.get("type", ()), node.get("description", "")
    if isinstance(value, str) and "number" in types and _is_number(value):
        number = repr(float(value))
        number = number if "." in number else number.replace("e", ".0e")  # 1e-05 is text to YAML 1.1
        about = f"To YAML this is text: write {number}, with a point and without quotes. {about}"
    if "string" in types and not isinstance(value, (str, list, dict, type(None))):
        about = f"To YAML this is no text: put it into quotes. {about}"
    return f"{where}: {text} is not allowed (allowed: {legal(node)}). {about}".strip()


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def legal(node: Mapping) -> str:
    """The legal values of a node of the schema (`config.full_schema`), in words."""
    if "enum" in node:
        return ", ".join(f"`{value if isinstance(value, str) else json.dumps(value)}`" for value in node["enum"])
    words = " or ".join(node.get("type", ()))
    bounds = [
        text.format(node[key])
        for key, text in {
            "minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}",
            "minItems": "entries: at least {}", "maxItems": "entries: at most {}",
            "minProperties": "entries: at least {}", "minLength": "not empty",
        }.items()
        if key in node
    ]  # fmt: skip
    if node.get("uniqueItems"):
        bounds.append("no entry twice")
    return ", ".join([words, *bounds]) if words else ", ".join(bounds)


def did_you_mean(name: str, known: list[str]) -> str:
    """The end of a sentence about an unknown name: the known name that resembles it most, if one does."""
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


def _dotted(path: Iterable) -> str:
    return ".".join(str(part) for part in path)


def lookup(blocks: Mapping, name: str, key: str, parent: str) -> Any:
    """The entry `name` of `blocks`. Raises ConfigError, which lists what there is, where there is no such entry."""
    if name not in blocks:
        raise ConfigError(
            f"{key}: there is no {name!r} under `{parent}`{did_you_mean(name, list(blocks))} "
            f"There are: {', '.join(blocks)}."
        )
    return blocks[name]


# The keys of `training` that only this optimizer uses.
_ONLY_FOR = {"momentum": "sgd", "adam_epsilon": "adam", "adam_beta2": "adam"}


def check_optimizer(where: str, training: Mapping) -> None:
    """Raise ConfigError if a key of `training` is set that its optimizer does not use."""
    for key, optimizer in _ONLY_FOR.items():
        default = ModelTraining.model_fields[key].default
        if training["optimizer"] != optimizer and training[key] != default:
            raise ConfigError(
                f"{where}.{key}: {training[key]} has no effect, because the optimizer is {training['optimizer']}; set "
                f"it to {default:g}, or choose optimizer: {optimizer}."
            )
    if training["learning_rate"] * training["weight_decay"] >= 1:
        raise ConfigError(
            f"{where}.weight_decay: {training['weight_decay']} times the learning rate {training['learning_rate']} is "
            "at least 1, so one step would remove all weights or turn their signs; give a smaller number."
        )


def source_of(dataset: Mapping, sources: Mapping, describe: Callable | None) -> Any:
    """What is known of a data set: by its name, or from the files of images of one's own."""
    where = f"datasets.{dataset['name']}"
    if dataset["source"] not in sources:
        if dataset["path"] is None:
            raise ConfigError(f"{where}.path: null does not say where the images are; name their folder.")
        try:
            return describe(dataset)
        except InputError as error:
            raise ConfigError(f"{where}.path: {error}") from None
    for key in ("image_size", "channels"):
        if dataset[key] is not None:
            raise ConfigError(
                f"{where}.{key}: {dataset[key]} has no effect, because the images of {dataset['source']} stay as they "
                "are; leave it out, or use `source: folder`."
            )
    return sources[dataset["source"]]
