"""The table of learning curves. This module does not need torch, because the summary reads it without."""

from collections.abc import Iterable, Sequence

import pandas as pd
import pyarrow as pa

# One row per evaluated epoch and subset. Epoch 0 is the untrained network. `loss` is the one
# that is trained, and `cross_entropy` the ordinary one. An empty subset has n = 0 and no values.
HISTORY = pa.schema(
    [
        ("epoch", pa.int32()),
        ("subset", pa.string()),
        ("accuracy", pa.float64()),
        ("loss", pa.float64()),
        ("cross_entropy", pa.float64()),
        ("n", pa.int32()),
    ]
)


def history(rows: Sequence[dict], epochs: Iterable[int]) -> pd.DataFrame:
    """The rows (dicts with the columns of HISTORY) at these epochs as a data frame."""
    table = pd.DataFrame(rows)
    return table[table["epoch"].isin(list(epochs))].reset_index(drop=True)
