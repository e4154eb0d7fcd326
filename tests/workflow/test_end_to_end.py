"""The whole workflow on the embedded data, few epochs: every file of the contract, and nothing left to do."""

import json
import math
import zipfile

import pandas as pd
import pyarrow.parquet as pq
from safetensors import safe_open

from epochwise.findings.claims import CLAIMS
from epochwise.report.captions import SHOWN
from epochwise.workflow import tables
from epochwise.workflow.records import mismatches
from epochwise.workflow.schedule import log_spaced
from tests.workflow.conftest import EPOCHS, SEEDS, TINY

RUNS = [f"symmetric30/{model}/seed{seed}" for model in ("mlp3", "mlp7") for seed in SEEDS]
FIGURES = (
    "data_decomposition", "learning_curves", "phases", "separation_by_layer", "separation_by_class",
    "activation_distribution", "large_activation", "large_activation_inputs", "scenario",
)  # fmt: skip
SUMMARY = ("curves", "phases", "separation", "outliers", "peaks", "large_activation")
RUN_TABLES = {
    "history.parquet": "history",
    "activations/class_means.parquet": "class_means",
    "activations/neurons.parquet": "neurons",
    "activations/samples.parquet": "samples",
    "activations/outputs.parquet": "outputs",
    "separation.parquet": "separation",
    "outliers.parquet": "outliers",
    "large_activation.parquet": "large_activation",
}


def contract() -> dict[str, str]:
    """Path of every table under results/, with the name of its schema."""
    return {
        "data/digits/features.parquet": "features",
        "digits/symmetric30/labels.parquet": "labels",
        **{f"digits/{run}/{path}": name for run in RUNS for path, name in RUN_TABLES.items()},
        **{f"digits/summary/{name}.parquet": f"summary_{name}" for name in SUMMARY},
        "digits/summary/phases_by_seed.parquet": "phases_by_seed",
        "digits/claims.parquet": "claims",
    }


def test_every_table_is_there_with_its_schema_and_without_nan(finished):
    found = {str(path.relative_to(finished.results)) for path in finished.results.rglob("*.parquet")}
    assert found == {*contract(), "data/digits/train.parquet", "data/digits/test.parquet"}
    for path, name in contract().items():
        table = pq.read_table(finished.results / path)
        assert table.schema.equals(tables.SCHEMAS[name]), path
        assert table.num_rows > 0, path
        for column in table.columns:
            assert not any(isinstance(v, float) and math.isnan(v) for v in column.to_pylist()), path


def test_tables_cover_all_runs_epochs_and_layers(finished):
    for run in RUNS:
        layers = 2 if "mlp3" in run else 3
        root = finished.results / "digits" / run
        epochs = log_spaced(EPOCHS, 5)
        snapshots = sorted(path.name for path in (root / "snapshots").glob("*"))
        assert [name for name in snapshots if name.endswith("safetensors")] == [
            f"epoch_{epoch:06d}.safetensors" for epoch in epochs
        ]
        with safe_open(root / "snapshots" / "epoch_000000.safetensors", "np") as file:
            expected = {f"layers.{layer}.{part}" for layer in range(layers + 1) for part in ("weight", "bias")}
            assert set(file.keys()) == expected
            assert {"epoch", "seed", "hidden_widths", "input_mean", "input_std"} <= set(file.metadata())
        for name in ("separation", "outliers", "large_activation"):
            table = pd.read_parquet(root / f"{name}.parquet")
            assert set(zip(table["epoch"], table["layer"], strict=True)) == {
                (epoch, layer) for epoch in epochs for layer in range(1, layers + 1)
            }
        provenance = json.loads((root / "provenance.json").read_text())
        assert provenance["spec"]["training"]["epochs"] == EPOCHS
        assert {"git_commit", "versions", "device", "precision", "wall_seconds", "cpu_seconds"} <= set(provenance)
        assert provenance["resumed_from_epoch"] is None
    claims = pd.read_parquet(finished.results / "digits" / "claims.parquet")
    assert list(claims["claim"].unique()) == [claim.name for claim in CLAIMS]
    assert len(claims) == len(CLAIMS) * 2
    assert set(claims["verdict"]) == {"inconclusive"}, "two seeds allow no verdict"


def test_figures_captions_logs_and_benchmarks_are_there(finished):
    for figure in FIGURES:
        for extension in ("pdf", "png", "csv"):
            assert (finished.results / "digits" / "figures" / f"{figure}.{extension}").stat().st_size > 0
    assert {path.stem for path in (finished.results / "digits" / "captions").glob("*.rst")} == {"claims", *FIGURES}
    assert set(SHOWN) == {"claims", *FIGURES}
    for run in RUNS:
        assert "epoch 3/3" in (finished.results / "logs" / "train" / "digits" / f"{run}.log").read_text()
        assert (finished.results / "logs" / "train" / "digits" / f"{run}.tsv").exists()


def test_nothing_is_left_to_do(finished):
    assert "Nothing to be done" in finished.build("all", overlay=TINY)


def test_every_result_is_as_a_record_says_and_the_archive_holds_them(finished):
    assert mismatches(finished.results) == []
    recorded = set()
    for record in (finished.results / "provenance").rglob("*.json"):
        recorded |= json.loads(record.read_text())["outputs"].keys()
    for path in contract():
        assert f"results/{path}" in recorded
    target = finished.folder / "results" / "digits" / "archive.zip"
    finished.build("results/digits/archive.zip", overlay=TINY)
    with zipfile.ZipFile(target) as file:
        names = set(file.namelist())
        assert json.loads(file.read("config.json"))["training"]["epochs"] == EPOCHS
    wanted = {path for path in contract() if path.startswith("digits/") and "/activations/" not in path}
    wanted |= {f"digits/figures/{figure}.{extension}" for figure in FIGURES for extension in ("pdf", "png", "csv")}
    wanted |= {f"provenance/separation/digits/{run}.json" for run in RUNS} | {"provenance/dataset/digits.json"}
    assert {f"results/{path}" for path in wanted} <= names
    assert not [name for name in names if "safetensors" in name]
    first = target.read_bytes()
    target.unlink()
    finished.build("results/digits/archive.zip", overlay=TINY)
    assert target.read_bytes() == first


def test_report_sets_claims_beside_numbers(finished):
    finished.build("--report", "results/digits/report.html", "all", overlay=TINY)
    report = (finished.results / "digits" / "report.html").read_text()
    for claim in CLAIMS:
        assert claim.statement in report
    for figure in FIGURES:
        assert f"{figure}.png" in report
