"""The numbers of a figure: one table in long form, which is also the figure's CSV file.

Columns that a figure does not need are left out. A cell is empty if the column does not apply to the row.

- `noise`, `model`: their names in the configuration.
- `measure`: what the value is, for instance `accuracy`, `cosine_centred` or `largest_over_median_active`. The measures
  `peak_epoch`, `fit_epoch` and `dip_epoch` are the epochs P, F and D, which vertical lines mark.
- `curve`: accuracy or loss, if the measure is read from the test curve of either.
- `grouping`: the label that forms the classes, `true` or `given`.
- `reference`: of paths of test data, the training data that they are compared with, `clean` or `noisy`.
- `subset`: which samples, for instance `noisy_given`.
- `layer`: hidden layer, from 1.
- `class`, `class_name`: number and name of the class.
- `rank`: rank of the neuron in its layer, from 1 (largest).
- `seed`: the seed, if the value is that of a single run. It is empty for means over seeds.
- `epoch`: number of passes over the training data.
- `value`: the value drawn; without a seed, the mean over seeds.
- `low`, `high`: ends of its interval over seeds. They are empty for fewer than three seeds.
- `n`: number of seeds.
"""

import pandas as pd

from epochwise.analysis import runs

KEYS = [
    "noise", "model", "measure", "curve", "grouping", "reference", "subset", "layer", "class", "class_name", "rank",
    "seed", "epoch",
]  # fmt: skip
COLUMNS = [*KEYS, "value", "low", "high", "n"]
INTEGERS = ("layer", "class", "rank", "seed", "epoch", "n")


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


def at_end(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last epoch of each noise and model of a table over seeds."""
    return runs.at_end(table, runs.NETWORK)


def layer_that_stands_out(outliers: pd.DataFrame, noise: str, model: str) -> int:
    """The layer whose large neuron stands out most at the last epoch of this model.

    The column `stands_out` of the summary table `outliers` defines it.
    """
    rows = where(at_end(outliers), noise=noise, model=model, stands_out=True)
    return int(rows["layer"].iloc[0])


def layer_with_largest_ratio(outliers: pd.DataFrame, noise: str, model: str) -> int:
    """The layer whose followed neuron is furthest above the other neurons (equation 5) at the last epoch of this model.

    `outliers` is the summary table of this name. A layer without a ratio is chosen only if no layer has one.
    """
    rows = where(at_end(outliers), noise=noise, model=model, measure="followed_rms_ratio")
    return int(rows.loc[rows["mean"].fillna(-1).idxmax(), "layer"])


def large_ratio(outliers: pd.DataFrame) -> float | None:
    """The ratio from which an activation is called large: a setting, read from two measures of the table `outliers`.

    None if no layer has a ratio.
    """
    keys = ["noise", "model", "epoch", "layer"]
    ratio, over = (
        where(outliers, measure=measure).set_index(keys)["mean"]
        for measure in ("followed_rms_ratio", "ratio_over_threshold")
    )
    thresholds = (ratio / over).dropna()
    return float(f"{thresholds.iloc[-1]:.6g}") if len(thresholds) else None
