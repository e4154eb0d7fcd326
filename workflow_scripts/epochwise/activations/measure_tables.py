"""The tables of measures. This module does not import torch, because the analysis reads them without it."""

import pyarrow as pa

# One row per epoch, layer and measure. `null_low` to `null_high` is the range of the values with permuted labels, and
# `null_mean` their mean; missing for a measure that does not depend on the given labels.
LAYER_MEASURES = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("null_mean", pa.float64()),
        ("null_low", pa.float64()),
        ("null_high", pa.float64()),
    ]
)
# One row per epoch, layer and batch: the inner products (B·B) of the activations of a fixed batch of B samples.
GRAMS = pa.schema(
    [("epoch", pa.int32()), ("layer", pa.int16()), ("batch", pa.int16()), ("gram", pa.list_(pa.float32()))]
)
