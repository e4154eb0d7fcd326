"""What every job does around its work."""

import contextlib
import errno
import fcntl
import json
import os
import select
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest

from epochwise.workflow import files, job, records
from epochwise.workflow.code import SCRIPTS

PROGRAM = """
import logging, sys, types, warnings
from epochwise.workflow import code, records, job
from epochwise.workflow.code import SCRIPTS
from epochwise.workflow.errors import InputError

snakemake = types.SimpleNamespace(
    log=[sys.argv[1]], rule="some", input=[], output=[], scriptdir=str(SCRIPTS),
    params=types.SimpleNamespace(spec='{"rate": 0.3}', code=sys.argv[2] if sys.argv[2:] else code.stamp("claims.py")),
)
with job.job(snakemake) as spec:
"""


@pytest.fixture
def script(tmp_path):
    """Run the body of a rule's script in a process of its own; returns exit code, log and what was shown."""

    def run(body, stamp=None):
        log = tmp_path / "logs" / "rule.log"
        log.parent.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", f"{PROGRAM}    {body}", log, *([stamp] if stamp else [])],
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
            capture_output=True,
            text=True,
        )
        return done.returncode, log.read_text(encoding="utf-8"), done.stdout + done.stderr

    return run


def test_a_second_run_of_the_same_job_waits_until_the_first_has_ended(tmp_path):
    """Like a job that a killed Snakemake left behind, and that of the next one."""
    command = [sys.executable, "-c", f"{PROGRAM}    print('in', flush=True); import time; time.sleep(60)"]
    log = tmp_path / "logs" / "rule.log"
    log.parent.mkdir()
    jobs = [
        subprocess.Popen(
            [*command, log],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        )
        for _ in range(2)
    ]
    try:
        [first], _, _ = select.select([job.stdout for job in jobs], [], [])
        assert first.readline() == b"in\n"
        [holder], [other] = ([job for job in jobs if (job.stdout is first) == holds] for holds in (True, False))
        assert b"Waiting for a job that an earlier Snakemake started" in other.stderr.readline()
        assert not select.select([other.stdout], [], [], 1)[0]
        holder.kill()
        assert other.stdout.readline() == b"in\n"
    finally:
        for job in jobs:
            job.kill()
            job.communicate()


def test_a_job_knows_its_spec_and_logs_lines_and_warnings(script):
    code, log, shown = script("logging.info('rate %s', spec['rate']); warnings.warn('class 3 is empty')")
    assert code == 0
    assert "rate 0.3" in log and "class 3 is empty" in log
    assert "rate 0.3" not in shown and "class 3 is empty" in shown


@pytest.mark.parametrize(
    ("body", "message", "traceback"),
    [("raise InputError('fetch file x again')", "fetch file x again", False), ("1 / 0", "ZeroDivisionError", True)],
)
def test_an_error_ends_the_job_and_stands_in_the_log(script, body, message, traceback):
    code, log, shown = script(body)
    assert code == 1
    assert message in log and ("Traceback" in log) == traceback
    assert "Traceback" not in shown


@pytest.mark.parametrize(("number", "told"), [(errno.ENOSYS, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_file_system_without_locks_is_told_and_none_left_behind(tmp_path, monkeypatch, caplog, number, told):
    """A marker file in their place would outlive a job that was killed on another node."""

    def fail(*_):
        raise OSError(number, "no lock")

    monkeypatch.setattr(fcntl, "flock", fail)
    with contextlib.nullcontext() if told else pytest.raises(OSError, match="no lock"):
        assert not files.hold(tmp_path / "lock").is_locked
    assert ("knows no locks" in caplog.text) == told


def test_a_job_whose_code_is_not_what_was_planned_does_not_begin(script):
    code, log, shown = script("print('it began')", stamp="claims.py 0123")
    assert code == 1 and "it began" not in shown
    assert "claims.py: it, or a module" in log and "start the workflow again" in log


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    job.write_json({"b": 1, "a": [None, "é"]}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"b": 1, "a": [None, "é"]}
    with pytest.raises(TypeError):
        job.write_json({"b": np.arange(2)}, path)
    assert list(tmp_path.iterdir()) == [path] and "null" in path.read_text(encoding="utf-8")


def test_time_taken_grows():
    first = job.elapsed()
    sum(range(1_000_000))
    second = job.elapsed()
    assert first.keys() == {"wall_seconds", "cpu_seconds"}
    assert all(0 < first[key] < second[key] for key in first)


def test_provenance_tells_what_made_a_result(monkeypatch):
    told = records.environment({"epochs": 3})
    assert told["spec"] == {"epochs": 3}
    assert told["versions"]["torch"] == version("torch") and told["versions"]["numpy"] == np.__version__
    json.dumps(told)
    monkeypatch.setenv("PATH", "")  # no git
    assert records.environment({})["git_commit"] is None
