"""Results of a finished run in Python: the one line that opens them, the notebook, and readers without our code."""

import os
from pathlib import Path

import duckdb
import nbformat
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from nbclient import NotebookClient

import epochwise
from epochwise.workflow.errors import InputError
from tests.workflow.conftest import EPOCHS, MODELS, ROOT, SEEDS

NOTEBOOK = ROOT / "docs" / "notebooks" / "results.ipynb"
RUN = {"noise": "symmetric30", "model": "mlp3", "seed": 1}


@pytest.fixture(scope="module")
def results(finished):
    return epochwise.open_run(finished.results / "digits")


def test_tables_over_seeds_are_those_on_disk(results):
    pd.testing.assert_frame_equal(results.table("claims"), pd.read_parquet(results.folder / "claims.parquet"))
    curves = pd.read_parquet(results.folder / "summary" / "curves.parquet")
    expected = curves[(curves["model"] == "mlp7") & (curves["measure"] == "loss")].reset_index(drop=True)
    pd.testing.assert_frame_equal(results.table("curves", model="mlp7", measure="loss"), expected)


def test_tables_of_runs_name_their_run(results):
    every = results.of_runs("history")
    assert (
        len(every.groupby(["noise", "model", "seed"]))
        == sum(map(bool, MODELS.values())) * len(SEEDS)
        == len(results.runs)
    )
    one = pd.read_parquet(results.folder / "symmetric30" / "mlp3" / "seed1" / "history.parquet")
    found = results.of_runs("history", **RUN)
    assert list(found.columns) == ["noise", "model", "seed", *one.columns]
    pd.testing.assert_frame_equal(found[one.columns], one)
    assert (found[["noise", "model", "seed"]] == [*RUN.values()]).all(axis=None)


def test_what_is_printed_lists_tables_that_can_be_read(results):
    lines = repr(results).splitlines()[1:]
    for line, read in zip(lines, (results.table, results.of_runs), strict=True):
        for name in line.partition(": ")[2].split(", "):
            assert len(read(name))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda results: results.table("curvs"), "no such table: 'curvs'; there are runs, curves"),
        (lambda results: results.of_runs("history", model="mlp9"), "no run has {'model': 'mlp9'}; the runs are"),
        (lambda results: results.table("claims", colour=1), "colour"),
    ],
)
def test_wrong_names_are_refused(results, wrong, told):
    with pytest.raises(KeyError) as error:
        wrong(results)
    assert told in error.value.args[0]


def test_a_folder_without_a_finished_experiment_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no finished experiment"):
        epochwise.open_run(tmp_path)


def test_networks_and_images_give_the_learning_curve(results):
    assert results.epochs(**RUN)[-1] == EPOCHS
    network, scaling = results.network(EPOCHS, **RUN)
    labels, images = results.labels("symmetric30"), results.images()
    np.testing.assert_array_equal(images.labels[labels["index"]], labels["true_label"])
    outputs = network(torch.from_numpy(scaling.apply(images.pixels[labels["index"]])))
    right = (outputs.argmax(dim=1).numpy() == labels["given_label"])[labels["is_noisy"]].mean()
    history = results.of_runs("history", **RUN)
    recorded = history[(history["epoch"] == EPOCHS) & (history["subset"] == "noisy_given")]["accuracy"].item()
    assert right == pytest.approx(recorded, abs=1.5 / labels["is_noisy"].sum())


def test_polars_and_duckdb_read_every_table_without_our_code(results):
    paths = [path for path in results.folder.parent.rglob("*.parquet") if ".training" not in path.parts]
    assert len(paths) > 50
    for path in paths:
        rows = len(pd.read_parquet(path))
        assert pl.read_parquet(path).height == rows
        assert duckdb.sql(f"select count(*) from '{path}'").fetchall() == [(rows,)]


@pytest.fixture(scope="module")
def executed(finished, tmp_path_factory):
    """The notebook, executed in a folder with the code and the results of the small experiment."""
    project = tmp_path_factory.mktemp("project")
    (project / "docs" / "notebooks").mkdir(parents=True)
    (project / "results").symlink_to(finished.results)
    (project / "workflow_scripts").symlink_to(ROOT / "workflow_scripts")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("results/mnist", "results/digits")
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": project / "docs" / "notebooks"}})
    return client.execute(env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_the_notebook_runs_and_draws(executed):
    outputs = [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_the_notebook_computes_the_accuracy_of_the_learning_curve(executed):
    told = next(output.text for cell in executed.cells for output in cell.get("outputs", []) if "text" in output)
    computed, recorded = (float(part.split(":")[1]) for part in told.splitlines()[-1].split(", "))
    assert computed == pytest.approx(recorded, abs=0.002)


def test_the_notebook_is_stored_with_its_outputs_and_names_no_folder_of_a_machine():
    text = Path(NOTEBOOK).read_text("utf-8")
    notebook = nbformat.reads(text, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    assert not [folder for folder in ("/home/", "/root/", "/tmp/") if folder in text]
