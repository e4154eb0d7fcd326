"""The types of values in the configuration that pydantic does not have, and the rule for names."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from epochwise.catalogue import RESERVED

LONGEST_NAME = 64  # characters
NAME_RULE = (
    f"Letters, digits, dots, dashes and underscores, at most {LONGEST_NAME} characters, starting with a letter or "
    f"digit. The names {', '.join(f'`{name}`' for name in RESERVED[:-1])} and `{RESERVED[-1]}` are reserved, and so "
    "are names that end in .parquet, .md, .html or .zip."
)


def _check_name(name: str) -> str:
    is_legal = re.fullmatch(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}", name)
    if not is_legal or name in RESERVED or name.endswith((".parquet", ".md", ".html", ".zip")):
        raise PydanticCustomError("name", "no legal name")
    return name


def _check_repetition(values: list) -> list:
    if len(set(values)) < len(values):
        raise PydanticCustomError("repetition", "an entry is there twice")
    return values


def keep_type(value: Any, validate: Any) -> Any:
    """The value, if it has the type of the legal value that it equals: 1 is not true, and 1.0 is not 1."""
    legal = validate(value)
    if type(legal) is not type(value):
        raise PydanticCustomError("other_type", "another type")
    return legal


T = TypeVar("T")
Name = Annotated[str, AfterValidator(_check_name)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
NotNegative = Annotated[float, Field(ge=0)]
EachOnce = Annotated[
    list[T], Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_check_repetition)
]


def _form(value: Any) -> str:
    """The tag of what a value is meant to be. A union without tags would tell the errors of all its members."""
    return "none" if value is None else "list" if isinstance(value, list) else "one"


OneOrMore = Annotated[
    Annotated[T, Tag("one")] | Annotated[EachOnce[T], Tag("list")],
    Discriminator(lambda value: "list" if isinstance(value, list) else "one"),
]
OneOrMoreOrNull = Annotated[
    Annotated[T, Tag("one")] | Annotated[EachOnce[T], Tag("list")] | Annotated[None, Tag("none")], Discriminator(_form)
]
ListOrNull = Annotated[
    Annotated[Annotated[list[T], Field(min_length=1, max_length=100)], Tag("list")] | Annotated[None, Tag("none")],
    Discriminator(lambda value: "none" if value is None else "list"),
]
