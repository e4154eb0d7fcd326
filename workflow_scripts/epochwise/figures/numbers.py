"""The numbers of a figure: one table in long form, which is also the figure's CSV file.

Columns that a figure does not need are left out. A cell is empty if the column does not apply to the row.

- `noise`, `model`: their names in the configuration.
- `measure`: what the value is, for instance `accuracy`, `cosine_centred` or `largest_over_median_active`. The measures
  `peak_epoch`, `fit_epoch` and `dip_epoch` are the epochs P, F and D, which vertical lines mark.
- `curve`: accuracy or loss, if the measure is read from the test curve of either.
- `grouping`: the label that forms the classes, `true` or `given`.
- `subset`: which samples, for instance `noisy_given`.
- `layer`: hidden layer, from 1.
- `rank`: rank of the neuron in its layer, from 1 (largest).
- `seed`: the seed, if the value is that of a single run. It is empty for means over seeds.
- `epoch`: number of passes over the training data.
- `value`: the value drawn; without a seed, the mean over seeds.
- `low`, `high`: ends of its interval over seeds. They are empty for fewer than three seeds.
- `n`: number of seeds.
"""

import pandas as pd

KEYS = ["noise", "model", "measure", "curve", "grouping", "subset", "layer", "rank", "seed", "epoch"]
COLUMNS = [*KEYS, "value", "low", "high", "n"]
INTEGERS = ("layer", "rank", "seed", "epoch", "n")


def where(table: pd.DataFrame, **values) -> pd.DataFrame:
    """The rows whose columns have the given values. If a value is a list, each of its entries counts."""
    for column, value in values.items():
        table = table[table[column].isin(value) if isinstance(value, list) else table[column] == value]
    return table


def combine(*parts: pd.DataFrame) -> pd.DataFrame:
    """The numbers of a figure from rows of summary tables, whose column `mean` becomes `value`.

    Only COLUMNS are kept, and of those only the ones that a part has.
    """
    numbers = pd.concat([part.rename(columns={"mean": "value"}) for part in parts], ignore_index=True)
    numbers = numbers[[column for column in COLUMNS if column in numbers]]
    return numbers.astype({column: "Int64" for column in INTEGERS if column in numbers})


def layer_that_stands_out(outliers: pd.DataFrame, noise: str, model: str) -> int:
    """The layer whose large neuron stands out most at the last epoch.

    The column `stands_out` of the summary table `outliers` defines it.
    """
    rows = where(outliers, noise=noise, model=model, epoch=outliers["epoch"].max(), stands_out=True)
    return int(rows["layer"].iloc[0])
