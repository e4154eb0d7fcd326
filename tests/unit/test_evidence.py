"""Reading what the claims are judged on."""

import pandas as pd
import pytest

from epochwise.activations.edit_tables import INTERVENTIONS
from epochwise.activations.measure_tables import MEASURES
from epochwise.analysis.large_activation import LARGE_ACTIVATION
from epochwise.analysis.outliers import OUTLIERS
from epochwise.analysis.separation import SEPARATION
from epochwise.findings import evidence
from epochwise.findings.summary import SCHEMAS
from epochwise.workflow import tables

RUNS = [["low", "small", 0], ["low", "small", 7], ["high", "large", 0]]


def one_row(schema, epoch):
    values = {"string": "x", "bool": True}
    row = {field.name: values.get(str(field.type), epoch) for field in schema}
    return pd.DataFrame([row])


def test_every_run_gets_its_own_tables_and_quantities(tmp_path):
    schemas = {"separation": SEPARATION, "outliers": OUTLIERS, "large_activation": LARGE_ACTIVATION}
    schemas |= {"interventions": INTERVENTIONS, "measures": MEASURES}
    files = {name: [str(tmp_path / f"{name}{i}.parquet") for i in range(3)] for name in schemas}
    for shift, (name, paths) in enumerate(files.items()):
        for i, path in enumerate(paths):
            tables.write(one_row(schemas[name], 10 * shift + i), schemas[name], path)
    quantities = [
        dict(zip(("noise", "model", "seed"), run, strict=True)) | {"metric": m, "quantity": q, "value": 100 * i + j}
        for i, run in enumerate(RUNS)
        for j, (m, q) in enumerate([("accuracy", "fall"), ("loss", "fall"), ("accuracy", "recovery")])
    ]
    phases = tmp_path / "phases.parquet"
    tables.write(pd.DataFrame(quantities).sample(frac=1, random_state=1), SCHEMAS["phases_by_seed"], phases)
    found = evidence.read_runs(RUNS, phases=str(phases), **files)
    assert list(found) == [tuple(run) for run in RUNS]
    for i, run in enumerate(found.values()):
        wanted = {("accuracy", "fall"): 100 * i, ("loss", "fall"): 100 * i + 1, ("accuracy", "recovery"): 100 * i + 2}
        assert run.phases == wanted
        own = (run.separation, run.outliers, run.large_activation, run.interventions, run.measures)
        assert [table["epoch"].item() for table in own] == [i, 10 + i, 20 + i, 30 + i, 40 + i]
    unedited = evidence.read_runs(RUNS, phases=str(phases), **files | {"interventions": [], "measures": []})
    assert all(run.interventions is None and run.measures is None for run in unedited.values())
    with pytest.raises(ValueError, match="zip"):
        evidence.read_runs(RUNS[:2], phases=str(phases), **files)


def test_weights_by_model(tmp_path):
    path = tmp_path / "runs.parquet"
    kind = {"noise_kind": "symmetric", "noise_rate": 0.3, "achieved_rate": 0.3, "hidden_layers": 2, "width": 4}
    rows = [
        dict(zip(("noise", "model", "seed"), run, strict=True)) | kind | {"weights": weights}
        for run, weights in zip(RUNS, (50, 50, 900), strict=True)
    ]
    tables.write(pd.DataFrame(rows), SCHEMAS["runs"], path)
    assert evidence.weights_by_model(path) == {"small": 50, "large": 900}
