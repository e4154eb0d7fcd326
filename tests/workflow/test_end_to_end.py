"""The whole workflow on the embedded data, with few epochs: every file exists, and nothing is left to do."""

import hashlib
import json
import math
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from docs.references import schema_of
from safetensors import safe_open

from epochwise import catalogue
from epochwise.findings.claims import CLAIMS
from epochwise.findings.findings import FINDINGS
from epochwise.workflow.schedule import log_spaced
from epochwise.workflow.verify import mismatches
from tests.workflow.conftest import EPOCHS, SEEDS, TINY

MODELS = ("mlp3", "mlp7")
RUNS = [f"symmetric30/{model}/seed{seed}" for model in MODELS for seed in SEEDS]
NOT_IN_TINY = ("twins", "maps")  # optional parts
FIGURES = [figure.name for figure in catalogue.FIGURES if figure.part not in NOT_IN_TINY]
IMAGE_TABLES = ("train", "test")  # the width of their column `pixels` depends on the data set


def contract() -> dict[str, catalogue.Table]:
    """Path of every table below results/, with its entry in the catalogue."""
    folders = {
        "data/digits": catalogue.DATASET_TABLES,
        "digits/symmetric30": catalogue.LABEL_TABLES,
        **{f"digits/{run}": catalogue.RUN_TABLES for run in RUNS},
        "digits/summary": [table for table in catalogue.ALL_SUMMARY_TABLES if table.part not in NOT_IN_TINY],
        "digits": catalogue.RESULT_TABLES,
    }
    return {f"{folder}/{table.path}": table for folder, tables in folders.items() for table in tables}


def test_every_table_is_there_with_its_schema_and_without_nan(finished):
    found = {str(path.relative_to(finished.results)) for path in finished.results.rglob("*.parquet")}
    found = {path for path in found if "/.training/" not in path}
    assert found == contract().keys()
    for path, listed in contract().items():
        table = pq.read_table(finished.results / path)
        if listed.name in IMAGE_TABLES:
            assert table.schema.names == schema_of(listed).names, path
        else:
            assert table.schema.equals(schema_of(listed)), path
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
            f"epoch_{epoch:07d}.safetensors" for epoch in epochs
        ]
        with safe_open(root / "snapshots" / "epoch_0000000.safetensors", "np") as file:
            expected = {f"layers.{layer}.{part}" for layer in range(layers + 1) for part in ("weight", "bias")}
            assert set(file.keys()) == expected
            assert {"epoch", "seed", "hidden_widths", "input_mean", "input_std"} <= set(file.metadata())
        for name in ("separation", "outliers", "large_activation", "large_by_class", "activations/test_paths"):
            table = pd.read_parquet(root / f"{name}.parquet")
            assert set(zip(table["epoch"], table["layer"], strict=True)) == {
                (epoch, layer) for epoch in epochs for layer in range(1, layers + 1)
            }
        provenance = json.loads((root / "provenance.json").read_text())
        assert provenance["settings"]["training"]["epochs"] == EPOCHS
        assert {"git_commit", "versions", "device", "precision", "wall_seconds", "cpu_seconds"} <= set(provenance)
        assert provenance["resumed_from_epoch"] is None
    claims = pd.read_parquet(finished.results / "digits" / "claims.parquet")
    assert list(claims["claim"].unique()) == [claim.name for claim in CLAIMS]
    assert len(claims) == len(CLAIMS) * 2
    assert set(claims["verdict"]) <= {"inconclusive", "not applicable"}, "two seeds allow no verdict"
    findings = pd.read_parquet(finished.results / "digits" / "findings.parquet")
    assert list(findings["finding"]) == [finding.number for finding in FINDINGS] == [1, 2, 3]
    assert set(findings["verdict"]) == {"inconclusive"}
    runs = pd.read_parquet(finished.results / "digits" / "summary" / "runs.parquet")
    described = runs.set_index("model")[["hidden_layers", "widths", "weights", "learning_rate", "steps_per_epoch"]]
    by_hand = {
        "mlp3": (2, "12-12", 65 * 12 + 13 * 12 + 13 * 10),
        "mlp7": (3, "16-12-10", 65 * 16 + 17 * 12 + 13 * 10 + 11 * 10),
    }
    for model, row in described.iterrows():
        assert tuple(row) == (*by_hand[model], 0.001, 20), "1,257 samples in batches of 64 are 20 steps"
    assert set(runs["requested_rate"]) == {0.3}


def test_figures_captions_logs_and_benchmarks_are_there(finished):
    for figure in FIGURES:
        for extension in ("pdf", "png", "csv"):
            assert (finished.results / "digits" / "figures" / f"{figure}.{extension}").stat().st_size > 0
    captions = {path.stem for path in (finished.results / "digits" / "captions").glob("*.rst")}
    assert captions == {*(figure.name for figure in catalogue.FIGURES), *catalogue.PAGES}
    for name in ("claims.md", "claims.html", "findings.md"):
        assert (finished.results / "digits" / name).stat().st_size > 0
    for run in RUNS:
        assert "epoch 3/3" in (finished.results / "logs" / "train" / "digits" / f"{run}.log").read_text()
        for rule in ("train", "publish", "extract"):
            assert (finished.results / "logs" / rule / "digits" / f"{run}.tsv").exists()


def test_published_files_are_those_that_the_manifests_list(finished):
    for run in RUNS:
        folder = finished.results / "digits" / run
        trained, published = manifest(folder.with_suffix(".sha256")), manifest(folder / "snapshots.sha256")
        snapshots = sorted((folder / "snapshots").glob("*.safetensors"))
        assert published.keys() == {f"snapshots/{path.name}" for path in snapshots}
        for path in [*snapshots, folder / "history.parquet"]:
            assert trained[f".training/{folder.name}/{folder.name}/{path.name}"] == sha256(path)
        for path in snapshots:
            assert published[f"snapshots/{path.name}"] == sha256(path)


def manifest(path: Path) -> dict[str, str]:
    """The checksums that a manifest lists, by path."""
    lines = [line.split("  ", 1) for line in path.read_text().splitlines()]
    return {name: checksum for checksum, name in lines}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_nothing_is_left_to_do(finished):
    assert "Nothing to be done" in finished.build("all", overlay=TINY)


def test_every_result_has_a_record_and_the_archive_holds_them(finished):
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
    wanted |= {"digits/findings.md"}
    wanted |= {f"digits/figures/{figure}.{extension}" for figure in FIGURES for extension in ("pdf", "png", "csv")}
    wanted |= {f"provenance/separation/digits/{run}.json" for run in RUNS} | {"provenance/dataset/digits.json"}
    assert {f"results/{path}" for path in wanted} <= names
    assert not [name for name in names if "safetensors" in name]
    first = target.read_bytes()
    target.unlink()
    finished.build("results/digits/archive.zip", overlay=TINY)
    assert target.read_bytes() == first


def test_the_report_shows_findings_claims_and_figures(finished):
    finished.build("--report", "results/digits/report.html", "all", overlay=TINY)
    report = (finished.results / "digits" / "report.html").read_text()
    for claim in CLAIMS:
        assert claim.statement in report
    page = (finished.results / "digits" / "claims.html").read_text()
    for finding in FINDINGS:
        assert finding.statement in page
    for figure in FIGURES:
        assert f"{figure}.png" in report
