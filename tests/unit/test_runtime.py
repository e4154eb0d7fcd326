"""What every job does around its work."""

import json
import logging
import types
import warnings

import numpy as np
import pytest
import torch

from epochwise import runtime
from epochwise.errors import InputError


@pytest.fixture
def snakemake(tmp_path, monkeypatch):
    """What a rule hands to its script; the logging of the test session is put aside."""
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.WARNING)
    yield types.SimpleNamespace(
        log=[str(tmp_path / "rule.log")], params=types.SimpleNamespace(spec='{"rate":0.3,"seeds":[1]}')
    )
    logging.captureWarnings(False)


def log_of(snakemake):
    for handler in logging.root.handlers:
        handler.flush()
    with open(snakemake.log[0], encoding="utf-8") as file:
        return file.read()


def test_a_job_knows_its_spec_and_logs_lines_and_warnings(snakemake, capfd):
    with warnings.catch_warnings(), runtime.job(snakemake) as spec:
        warnings.simplefilter("always")
        logging.info("some progress")
        warnings.warn("class 3 is empty", stacklevel=1)
    assert spec == {"rate": 0.3, "seeds": [1]}
    log, shown = log_of(snakemake), capfd.readouterr().err
    assert "some progress" in log and "class 3 is empty" in log
    assert "some progress" not in shown and "class 3 is empty" in shown


@pytest.mark.parametrize(
    ("error", "traceback"), [(InputError("file x: fetch it again"), False), (ZeroDivisionError("a bug"), True)]
)
def test_an_error_ends_the_job_and_stands_in_the_log(snakemake, error, traceback):
    with pytest.raises(SystemExit) as raised, runtime.job(snakemake):
        raise error
    log = log_of(snakemake)
    assert raised.value.code == 1
    assert str(error) in log and ("Traceback" in log) == traceback


def test_the_processor_is_always_there():
    before = torch.get_num_threads()
    try:
        assert runtime.choose_device("cpu", 1) == torch.device("cpu")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_gpu_is_told_with_the_remedy():
    assert runtime.choose_device("auto", 1) == torch.device("cpu")
    with pytest.raises(InputError, match=r"training\.device: cuda is wanted.*use auto or cpu"):
        runtime.choose_device("cuda", 1)


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    runtime.write_json({"b": 1, "a": [None, "é"]}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"b": 1, "a": [None, "é"]}
    with pytest.raises(TypeError):
        runtime.write_json({"b": np.arange(2)}, path)
    assert list(tmp_path.iterdir()) == [path] and "null" in path.read_text(encoding="utf-8")


def test_time_taken_is_told_after_the_body():
    with runtime.timed() as took:
        assert took == {}
    assert took.keys() == {"wall_seconds", "cpu_seconds"} and min(took.values()) >= 0


def test_provenance_tells_what_made_a_result(monkeypatch):
    told = runtime.provenance({"epochs": 3})
    assert told["spec"] == {"epochs": 3}
    assert told["versions"]["torch"] == torch.__version__ and told["versions"]["numpy"] == np.__version__
    json.dumps(told)
    monkeypatch.setenv("PATH", "")  # no git
    assert runtime.provenance({})["git_commit"] is None
