"""The kinds of label noise, one module per kind. The name of the module is the `kind` in the configuration.

A module defines

- `Settings`: a pydantic model of its keys in the configuration, derived from `NoiseSettings`, `RateSettings` or
  `MatchedRateSettings`. The text below a key is its description. A key without a default must be given.
- `given_labels(true, classes, settings, random)`: the given labels (N,) for the true labels (N,) in 0..classes−1.
  `settings` is the noise's block of the configuration, and `random` a generator for this draw. Whatever else a kind
  needs, such as pixels, is in `settings["samples"]` (`epochwise.data.samples.NoiseInputs`).
- `check(settings, source)`, if there is more to check than the model does: raises InputError, whose message begins
  with the key, if the settings do not fit the data set `source` (`epochwise.data.sources.Source`).
- `files(settings, folder)`, if it reads files: their paths. `folder` is that of the data set. Raises InputError, whose
  message begins with the key, if they are not there.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Text = Annotated[str, Field(min_length=1)]
RATE = (
    "Requested share of training samples with a wrong label, at least 0 and below 1. How exactly it is achieved "
    "depends on the kind."
)
Rate = Annotated[float, Field(ge=0, lt=1, description=RATE)]


class Block(BaseModel):
    """A mapping of the configuration. It refuses unknown keys, and 1.0 or true in place of an integer."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


class NoiseSettings(Block):
    """The keys of every kind of noise."""

    kind: str = "symmetric"
    """How wrong labels are drawn. Each kind is one module in `workflow_scripts/epochwise/data/noise/`, and
    docs/science.md defines all of them."""
    seed: Seed = 0
    """Seed of the random draw."""
    shared_draw: bool = True
    """Whether all seeds train on the same wrong labels (true), or each seed has its own draw (false)."""


class RateSettings(NoiseSettings):
    """The keys of a kind that takes a rate."""

    rate: Rate


class MatchedRateSettings(NoiseSettings):
    """The keys of a kind whose share of wrong labels is exactly its rate: it takes one key of the two."""

    rate: Rate = Field(default_factory=lambda: None)
    matched_rate: Text = Field(default_factory=lambda: None)
    """In place of `rate`: the name of another noise of the experiment. The rate is then the share of wrong labels that
    this noise achieved, with the same draw."""

    @model_validator(mode="after")
    def _takes_one_rate(self) -> Self:
        given = {"rate", "matched_rate"} & self.model_fields_set
        if not given:
            raise ValueError(f"the key 'rate' is missing; add it. {RATE}")
        if len(given) == 2:
            raise ValueError("'rate' and 'matched_rate' exclude each other; keep one of them.")
        return self
