"""Asymmetric noise: some classes are taken for one other class that looks like them."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from epochwise.data.noise import RateSettings
from epochwise.data.sources import Source
from epochwise.data.subset import stratified_choice
from epochwise.workflow.errors import InputError

ClassName = Annotated[str, Field(description="The class that the wrong labels of samples of class `<name>` name.")]
CIFAR10 = {"truck": "automobile", "bird": "airplane", "deer": "horse", "cat": "dog", "dog": "cat"}


class Settings(RateSettings):
    """The keys of this kind."""

    map: Annotated[dict[str, ClassName], Field(min_length=1)] | None = None
    """Of kind `asymmetric`: which class is taken for which, as names of classes. null is the usual map of CIFAR-10:
    truck → automobile, bird → airplane, deer → horse, cat → dog, dog → cat."""


def given_labels(true: np.ndarray, classes: int, settings: Mapping, random: np.random.Generator) -> np.ndarray:
    """Flip exactly round(rate·M) of the M samples whose class is in the map (Patrini et al. 2017).

    The share of wrong labels of all samples is smaller: with half of the classes in the map it is rate / 2.

    Args:
        true: true labels (N,), integers in 0..classes−1.
        classes: number of classes.
        settings: `rate`, the share of wrong labels of each class in the map, to within one sample; `map`; and
            `samples`, for the names of the classes.
        random: generator of this draw.

    Returns:
        Given labels (N,), of the dtype of `true`.
    """
    names = list(settings["samples"].class_names)
    taken_for = np.arange(classes)
    for name, other in (settings["map"] or CIFAR10).items():
        taken_for[names.index(name)] = names.index(other)
    in_map = np.flatnonzero(taken_for[true] != true)
    chosen = in_map[stratified_choice(true[in_map], round(settings["rate"] * len(in_map)), random)]
    given = true.copy()
    given[chosen] = taken_for[true[chosen]]
    return given


def check(settings: Mapping, source: Source) -> None:
    """Raise InputError if the map names a class that the data set does not have, or maps a class to itself."""
    for name, other in (settings["map"] or CIFAR10).items():
        for unknown in [label for label in (name, other) if label not in source.class_names]:
            reason = "the usual map is that of CIFAR-10, and " if settings["map"] is None else ""
            raise InputError(
                f"map: {reason}the data set has no class {unknown!r}. Give a map between two of its classes: "
                f"{', '.join(source.class_names[:20])}{' …' if source.classes > 20 else ''}."
            )
        if name == other:
            raise InputError(f"map: {name!r} is mapped to itself; leave it out, or name another class.")
