"""Reading what the claims are judged on."""

import pandas as pd
import pytest

from epochwise.activations.edit_tables import INTERVENTIONS
from epochwise.activations.measure_tables import LAYER_MEASURES
from epochwise.activations.tables import NEURONS, TEST_PATHS
from epochwise.analysis.large_activation import LARGE_ACTIVATION
from epochwise.analysis.outliers import OUTLIERS
from epochwise.analysis.separation import SEPARATION
from epochwise.findings import evidence, run_tables
from epochwise.findings.summarize import SCHEMAS
from epochwise.training.history import HISTORY
from epochwise.workflow import tables

RUNS = [["low", "small", 0], ["low", "small", 7], ["high", "large", 0]]


def one_row(schema, epoch):
    values = {"string": "x", "bool": True}
    row = {field.name: values.get(str(field.type), epoch) for field in schema}
    return pd.DataFrame([row])


def test_every_run_gets_its_own_tables_and_phases(tmp_path):
    schemas = {"separation": SEPARATION, "outliers": OUTLIERS, "large_activation": LARGE_ACTIVATION}
    schemas["test_paths"] = TEST_PATHS
    schemas |= {"interventions": INTERVENTIONS, "measures": LAYER_MEASURES}
    files = {name: [str(tmp_path / f"{name}{i}.parquet") for i in range(3)] for name in schemas}
    for shift, (name, paths) in enumerate(files.items()):
        for i, path in enumerate(paths):
            tables.write(one_row(schemas[name], 10 * shift + i), schemas[name], path)
    by_seed = [
        dict(zip(("noise", "model", "seed"), run, strict=True))
        | {"curve": curve, "measure": measure, "value": 100 * i + j}
        for i, run in enumerate(RUNS)
        for j, (curve, measure) in enumerate([("accuracy", "fall"), ("loss", "fall"), ("accuracy", "recovery")])
    ]
    phases = tmp_path / "phases.parquet"
    tables.write(pd.DataFrame(by_seed).sample(frac=1, random_state=1), SCHEMAS["phases_by_seed"], phases)
    found = evidence.read_runs(RUNS, phases=str(phases), **files)
    assert list(found) == [tuple(run) for run in RUNS]
    for i, run in enumerate(found.values()):
        wanted = {("accuracy", "fall"): 100 * i, ("loss", "fall"): 100 * i + 1, ("accuracy", "recovery"): 100 * i + 2}
        assert run.phases == wanted
        own = [getattr(run, name) for name in schemas]
        assert [table["epoch"].item() for table in own] == [10 * shift + i for shift in range(len(schemas))]
    unedited = evidence.read_runs(RUNS, phases=str(phases), **files | {"interventions": [], "measures": []})
    assert all(run.interventions is None and run.measures is None for run in unedited.values())
    with pytest.raises(ValueError, match="zip"):
        evidence.read_runs(RUNS[:2], phases=str(phases), **files)


def test_tables_of_runs_and_summary_tables_are_read_by_name(tmp_path):
    runs = RUNS[:2]
    last = (9, 3)  # epochs of the two runs
    paths = {name: [str(tmp_path / f"{name}{i}") for i in range(2)] for name in ("history", "neurons")}
    for i, epoch in enumerate(last):
        tables.write(one_row(HISTORY, epoch), HISTORY, paths["history"][i])
        neurons = [one_row(NEURONS, found) for found in (0, 3, 9) if found <= epoch]
        tables.write(pd.concat(neurons), NEURONS, paths["neurons"][i])
    phases = pd.DataFrame([{"noise": "n", "model": "m", "seed": 0, "curve": "loss", "measure": "fall", "value": 0.5}])
    tables.write(phases, SCHEMAS["phases_by_seed"], tmp_path / "phases")
    found = run_tables.read_tables(paths | {"phases_by_seed": tmp_path / "phases"}, runs)
    assert found["neurons"][["noise", "model", "seed", "epoch"]].to_numpy().tolist() == [
        [*run, epoch] for run, end in zip(runs, last, strict=True) for epoch in (0, end)
    ]
    assert len(found["history"]) == 2 and found["phases_by_seed"]["value"].tolist() == [0.5]


def test_weights_by_model(tmp_path):
    path = tmp_path / "runs.parquet"
    kind = {"noise_kind": "symmetric", "requested_rate": 0.3, "achieved_rate": 0.3, "hidden_layers": 2, "widths": "4-3"}
    kind |= {"learning_rate": 0.1, "steps_per_epoch": 3}
    rows = [
        dict(zip(("noise", "model", "seed"), run, strict=True)) | kind | {"weights": weights}
        for run, weights in zip(RUNS, (50, 50, 900), strict=True)
    ]
    tables.write(pd.DataFrame(rows), SCHEMAS["runs"], path)
    assert evidence.weights_by_model(path) == {"small": 50, "large": 900}
