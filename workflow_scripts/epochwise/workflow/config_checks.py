"""Check a configuration against its schema, and say in one sentence what is wrong: key, value and remedy."""

import difflib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jsonschema

from epochwise.workflow.errors import InputError

WHOLE = "the configuration"
LONGEST_NUMBER = 1000  # bits, because no float holds a longer one

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


def validate(config: Mapping, schema: Mapping) -> None:
    """Raise ConfigError, which names the first key that the schema does not allow, its value and the remedy."""
    try:
        for path in _keys_within(config, ()):
            if not isinstance(path[-1], str):
                raise ConfigError(
                    f"{_dotted(path[:-1]) or WHOLE}: the key {path[-1]!r} is not text; put it into quotes."
                )
    except RecursionError:
        raise ConfigError(f"{WHOLE}: an anchor (&) contains itself; write its content out.") from None
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
        return f"{where}: unknown key {unknown!r}{did_you_mean(unknown, known)} Known keys: {', '.join(known)}."
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
    if "string" in schema.get("type", "") and not isinstance(error.instance, (str, list, dict, type(None))):
        about = f"To YAML this is no text: put it into quotes. {about}"
    return f"{where}: {value} is not allowed (allowed: {legal(schema)}). {about}".strip()


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def legal(node: Mapping) -> str:
    """The legal values of a schema node, in words."""
    if "enum" in node:
        return ", ".join(f"`{value if isinstance(value, str) else json.dumps(value)}`" for value in node["enum"])
    types = node.get("type", "")
    words = " or ".join(types) if isinstance(types, list) else types
    bounds = [
        text.format(node[key])
        for key, text in {
            "minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}",
            "minItems": "entries: at least {}", "minProperties": "entries: at least {}", "minLength": "not empty",
        }.items()
        if key in node
    ]  # fmt: skip
    if node.get("uniqueItems"):
        bounds.append("no entry twice")
    return ", ".join([words, *bounds]) if words else ", ".join(bounds)


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


def check_optimizer(where: str, training: Mapping, schema: Mapping) -> None:
    """Raise ConfigError if a key of `training` is set that its optimizer does not use; `schema` has the defaults."""
    for key, optimizer in _ONLY_FOR.items():
        default = schema[key]["default"]
        if training["optimizer"] != optimizer and training[key] != default:
            raise ConfigError(
                f"{where}.{key}: {training[key]} has no effect, because the optimizer is {training['optimizer']}; set "
                f"it to {default}, or choose optimizer: {optimizer}."
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
