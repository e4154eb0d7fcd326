"""Read the tables of all runs of an experiment."""

from collections.abc import Mapping, Sequence

import pandas as pd

from epochwise.activations.edit_tables import ANATOMY, INTERVENTIONS
from epochwise.activations.measure_tables import GRAMS, LAYER_MEASURES
from epochwise.activations.tables import NEURONS, TEST_PATHS
from epochwise.analysis.large_activation import LARGE_ACTIVATION, LARGE_BY_CLASS
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
    "large_by_class": LARGE_BY_CLASS,
    "test_paths": TEST_PATHS,
    "interventions": INTERVENTIONS,
    "anatomy": ANATOMY,
    "measures": LAYER_MEASURES,
    "grams": GRAMS,
}


def read_tables(paths: Mapping[str, str | Sequence[str]], runs: Sequence[Sequence]) -> dict[str, pd.DataFrame]:
    """Tables by name: those of all runs, with noise, model and seed, and summary tables.

    `paths` has a list of files, in the order of `runs`, for each table of RUN_TABLES, and one file for each summary
    table. Of NEURONS only epoch 0 and the last one of each run are read, because the table is large.
    """
    found = {}
    for name, path in paths.items():
        if name == "neurons":
            found[name] = _read_neurons(path, paths["history"], runs)
        elif name in RUN_TABLES:
            found[name] = tables.read_runs(path, runs, RUN_TABLES[name])
        else:
            found[name] = tables.read(path, SCHEMAS[name])
    return found


def _read_neurons(paths: Sequence[str], histories: Sequence[str], runs: Sequence[Sequence]) -> pd.DataFrame:
    """The tables NEURONS of all runs at epoch 0 and at the last epoch of each run, which its table HISTORY tells."""
    parts = []
    for path, history, run in zip(paths, histories, runs, strict=True):
        last = tables.read(history, HISTORY, ["epoch"])["epoch"].max()
        parts.append(tables.read_runs([path], [run], NEURONS, [("epoch", "in", [0, int(last)])]))
    return pd.concat(parts, ignore_index=True)
