"""Images from Parquet files in the layout of the Hugging Face copies."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from epochwise.data.image_table import DataError, Images, checked_labels
from epochwise.data.sources import Source


def read_split(path: Path, known: Source) -> Images:
    """One split in the layout of the Hugging Face copies: `img: struct<bytes, path>`, `label: int64`."""
    from PIL import Image

    if not path.is_file():
        raise DataError(f"There is no {path} beside {path.with_name('train.parquet')}: put both splits there.")
    try:
        table = pq.read_table(path, columns=["img", "label"], page_checksum_verification=True)
        encoded_images = table["img"].combine_chunks().field("bytes").cast(pa.binary())
        if table["label"].null_count:
            raise ValueError("labels are missing")
        labels = checked_labels(table["label"].cast(pa.int16()).to_numpy(), known)
    except (pa.ArrowException, OSError, KeyError, AttributeError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as a Parquet file with the columns img (struct of encoded bytes and path) and "
            f"label (integer): {error}\nIt may be truncated or altered: fetch it again."
        ) from error
    mode = {1: "L", 3: "RGB"}[known.shape[0]]
    pixels = np.empty((len(table), known.pixels), np.uint8)
    for row, encoded in enumerate(encoded_images):
        try:
            with Image.open(io.BytesIO(encoded.as_py()), formats=("JPEG", "PNG")) as image:
                array = np.asarray(image.convert(mode))
        except Exception as error:  # the decoders raise many kinds
            raise DataError(
                f"{path}: the image in row {row} cannot be decoded ({error}); fetch the file again."
            ) from error
        if array.shape[:2] != known.shape[1:]:
            raise DataError(
                f"{path}: the image in row {row} has size {array.shape[:2]}, not {known.shape[1:]}; "
                "name the source that it fits."
            )
        pixels[row] = array.reshape(*known.shape[1:], known.shape[0]).transpose(2, 0, 1).reshape(-1)
    return Images(pixels, labels, known.shape, known.class_names)
