"""The benchmarks start, and the first run on a GPU says what it needs. Their numbers are not tested."""

import subprocess
import sys

import pytest
import torch
from benchmarks import first_light

from tests.workflow.conftest import ROOT


@pytest.mark.parametrize("name", ["bench", "scale", "resources"])
def test_a_benchmark_finds_what_it_imports(name):
    done = subprocess.run(
        [sys.executable, "-c", f"import benchmarks.{name}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_first_run_ends_before_any_step():
    with pytest.raises(SystemExit, match=r"sees no GPU.*nvidia-smi"):
        first_light.main()


def test_a_step_that_fails_does_not_end_the_others(monkeypatch, tmp_path):
    def fails():
        raise ValueError("broken on purpose")

    def works():
        return "all is well"

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(first_light, "REPORT", tmp_path / "results" / "report.txt")
    first_light.main((fails, works))
    report = first_light.REPORT.read_text()
    assert "FAILED: ValueError: broken on purpose" in report and "all is well" in report


def test_the_tests_that_it_names_exist():
    assert all((ROOT / name).exists() for name in first_light.TESTS)


def test_its_command_builds_a_run_elsewhere_and_its_snapshots_are_found(tmp_path):
    folder = tmp_path / "run"
    command = first_light._digits(folder, "cpu", "results/digits/symmetric30/mlp3/seed0/history.parquet")
    tiny = "experiments={digits: {models: {mlp3: {width: 8}}, training: {epochs: 1, stack_seeds: false}}}"
    command.insert(command.index("--config") + 1, tiny)
    first_light._output(command)
    sums = first_light._checksums(folder)
    assert len(sums) == 2 and all("mlp3/seed0" in name for name in sums), "epochs 0 and 1"
    with pytest.raises(RuntimeError, match="failed"):
        first_light._output([sys.executable, "-c", "raise SystemExit(1)"])
