"""Tables of many runs: the columns that say which run a row belongs to."""

from collections.abc import Callable

import pandas as pd

NETWORK = ["noise", "model"]  # runs that agree in these differ only in their seed
RUN = [*NETWORK, "seed"]


def by_group(table: pd.DataFrame, keys: list[str], function: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """What `function` returns for each group of rows, with the keys of the group, in one table.

    Groups are in order of appearance. The table must have rows.
    """
    groups = table.groupby(keys, sort=False)
    parts = [function(rows).assign(**dict(zip(keys, key, strict=True))) for key, rows in groups]
    return pd.concat(parts, ignore_index=True)


def at_end(table: pd.DataFrame, keys: list[str] = RUN) -> pd.DataFrame:
    """The rows of each run, or of each group by `keys`, at its own last epoch.

    Models may be trained for different numbers of epochs.
    """
    return table[table["epoch"] == table.groupby(keys)["epoch"].transform("max")]
