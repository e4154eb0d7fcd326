"""Measures of layers, and similarities between them, of all runs of an experiment."""

import pandas as pd
import pyarrow as pa

from epochwise.analysis.similarity import similarity
from epochwise.findings.intervals import over_seeds

RUN = ["noise", "model"]
_OVER_SEEDS = [("mean", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("n", pa.int32())]

SCHEMAS = {
    # Over seeds. The null is the mean over seeds of the null's mean and of the ends of its range.
    "measures": pa.schema(
        [
            ("noise", pa.string()),
            ("model", pa.string()),
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("measure", pa.string()),
            *_OVER_SEEDS,
            ("null_mean", pa.float64()),
            ("null_low", pa.float64()),
            ("null_high", pa.float64()),
        ]
    ),
    # Means over seeds of `layers` and `epochs`, and over pairs of seeds of `seeds`, which has no interval because the
    # pairs are not independent.
    "similarity": pa.schema(
        [
            ("noise", pa.string()),
            ("model", pa.string()),
            ("kind", pa.string()),
            ("epoch", pa.int32()),
            ("other_epoch", pa.int32()),
            ("layer", pa.int16()),
            ("other_layer", pa.int16()),
            *_OVER_SEEDS,
        ]
    ),
}


def measures(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """The measures over seeds, as the table `measures`. `table` is MEASURES of all runs, with noise, model and seed."""
    keys = [*RUN, "epoch", "layer", "measure"]
    null = table.groupby(keys, sort=False)[["null_mean", "null_low", "null_high"]].mean().reset_index()
    return over_seeds(table, keys, "value", level).merge(null, on=keys, how="left")


def similarities(grams: pd.DataFrame, level: float) -> pd.DataFrame:
    """The similarities over seeds, as the table `similarity`. `grams` is GRAMS of all runs, with their keys."""
    names = SCHEMAS["similarity"].names
    parts = [
        similarity(block).assign(noise=noise, model=model) for (noise, model), block in grams.groupby(RUN, sort=False)
    ]
    if not parts:
        return pd.DataFrame(columns=names)
    found = over_seeds(pd.concat(parts, ignore_index=True), names[: names.index("mean")], "cka", level)
    of_pairs = found["kind"] == "seeds"
    return found.assign(low=found["low"].mask(of_pairs), high=found["high"].mask(of_pairs))
