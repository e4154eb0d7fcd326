"""Read the tables of all runs of an experiment."""

from collections.abc import Mapping, Sequence

import pandas as pd

from epochwise.activations.edit_tables import ANATOMY, INTERVENTIONS
from epochwise.activations.measure_tables import GRAMS, LAYER_MEASURES
from epochwise.activations.tables import NEURONS
from epochwise.analysis.large_activation import LARGE_ACTIVATION
from epochwise.analysis.outliers import OUTLIERS
from epochwise.analysis.separation import SEPARATION
from epochwise.data.corruption import LABELS
from epochwise.findings.summarize import SCHEMAS
from epochwise.training.history import HISTORY
from epochwise.workflow import tables

# The tables of a run, by the name that the rules use for them.
RUN_TABLES = {
    "history": HISTORY,
    "labels": LABELS,
    "separation": SEPARATION,
    "outliers": OUTLIERS,
    "neurons": NEURONS,
    "large_activation": LARGE_ACTIVATION,
    "interventions": INTERVENTIONS,
    "anatomy": ANATOMY,
    "measures": LAYER_MEASURES,
    "grams": GRAMS,
}


def read_tables(paths: Mapping[str, str | Sequence[str]], runs: Sequence[Sequence]) -> dict[str, pd.DataFrame]:
    """Tables by name: those of all runs, with noise, model and seed, and summary tables.

    `paths` has a list of files, in the order of `runs`, for each table of RUN_TABLES, and one file for each summary
    table. Of NEURONS only epoch 0 and the last one are read, because the table is large.
    """
    found = {}
    for name, path in paths.items():
        if name in RUN_TABLES:
            filters = None
            if name == "neurons":
                last = tables.read(paths["history"][0], HISTORY, ["epoch"])["epoch"].max()
                filters = [("epoch", "in", [0, int(last)])]
            found[name] = tables.read_runs(path, runs, RUN_TABLES[name], filters)
        else:
            found[name] = tables.read(path, SCHEMAS[name])
    return found
