"""Single pictures in PNG or JPEG files: their shape, and their pixels as numbers from 0 to 255."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from epochwise.data.sources import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

Shape = tuple[int, int, int]  # channels, height, width
MOST_VALUES = 1_000_000  # of a picture whose size is not reduced, because a network has a weight per value and unit
_GRAY = ("1", "L", "LA", "I;16")  # Pillow's modes of gray pictures in PNG and JPEG files
_MODES = {1: "L", 3: "RGB"}


def shape_of(picture: Path | bytes, name: str) -> Shape:
    """Channels (1 gray, 3 colour), height and width of a picture, upright. Only the head of the file is read.

    A picture with a palette counts as colour. Raises DataError, which begins with `name`, if this is no picture.
    """
    with _opened(picture, name) as image:
        turned = "exif" in image.info and image.getexif().get(0x0112, 1) > 4  # orientations 5 to 8 are on their side
        width, height = image.size[::-1] if turned else image.size
        return (1 if image.mode in _GRAY else 3), height, width


def pixels_of(picture: Path | bytes, name: str, shape: Shape) -> np.ndarray:
    """The pixels (C·H·W,) uint8 of a picture in CHW order, upright, brought to the channels and the size of `shape`.

    Of 16-bit values the higher 8 bits are kept, as Pillow does for colour. What is transparent becomes white.
    Resizing is bilinear with antialiasing, as in torchvision.transforms.Resize, and cuts nothing off.

    Raises DataError, which begins with `name`, if the picture is damaged.
    """
    from PIL import Image, ImageOps

    channels, height, width = shape
    with _opened(picture, name) as image:
        upright = ImageOps.exif_transpose(image) if "exif" in image.info else image
        flat = _opaque(upright).convert(_MODES[channels])
        array = np.asarray(flat.resize((width, height), Image.Resampling.BILINEAR))
    return array.reshape(height, width, channels).transpose(2, 0, 1).reshape(-1)


def common_shape(shapes: Iterable[tuple[str, Shape]], image_size: int | None, channels: int | None) -> Shape:
    """The shape that all pictures get.

    Args:
        shapes: name and shape of each picture, at least one.
        image_size: height and width that all pictures get, or None if they have one size already.
        channels: 1 or 3 for all pictures, or None if all are gray or all in colour already.

    Raises:
        DataError: pictures differ and no key says what they become, or they are too large. It names the pictures.
    """
    shapes = iter(shapes)
    name, first = next(shapes)
    for other, shape in shapes:
        if image_size is None and shape[1:] != first[1:]:
            raise DataError(
                f"{name} has {_size(first)} pixels, but {other} has {_size(shape)}: set `image_size` of this data set "
                "to the height and width that all pictures get, for instance 32."
            )
        if channels is None and shape[0] != first[0]:
            gray, colour = (name, other) if first[0] == 1 else (other, name)
            raise DataError(
                f"{gray} is gray, but {colour} is in colour: set `channels` of this data set to 1, which makes all "
                "pictures gray, or to 3."
            )
    if image_size is None and np.prod(first) > MOST_VALUES:
        raise DataError(
            f"{name} has {_size(first)} pixels, too many for fully connected networks: set `image_size` of this data "
            "set to the height and width that all pictures get, for instance 64."
        )
    return channels or first[0], image_size or first[1], image_size or first[2]


@contextmanager
def _opened(picture: Path | bytes, name: str) -> "Iterator[Image]":
    """A picture, from a file or the content of one. Any error becomes a DataError that begins with `name`."""
    from PIL import Image

    try:
        with Image.open(
            io.BytesIO(picture) if isinstance(picture, bytes) else picture, formats=("PNG", "JPEG")
        ) as image:
            yield image
    except Exception as error:  # because the decoders raise many kinds
        raise DataError(f"{name} cannot be read as PNG or JPEG ({error}); save it again, or remove it.") from error


def _opaque(image: "Image") -> "Image":
    """The picture with 8 bits per value, on white where it is transparent."""
    from PIL import Image

    if image.mode == "I;16":
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _size(shape: Shape) -> str:
    """Width and height in words."""
    return f"{shape[2]} × {shape[1]}"
