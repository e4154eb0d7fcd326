"""What every job does around its work."""

import errno
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest

from epochwise.workflow import code, files, gpus, job, records
from epochwise.workflow.code import SCRIPTS
from epochwise.workflow.errors import InputError

PROGRAM = """
import logging, sys, types, warnings
from snakemake.iocontainers import Params
from epochwise.workflow import code, records, job
from epochwise.workflow.code import SCRIPTS
from epochwise.workflow.errors import InputError

snakemake = types.SimpleNamespace(
    log=[sys.argv[1]], rule="some", input=[], output=[], scriptdir=str(SCRIPTS),
    params=Params(fromdict={"rate": '{"rate": 0.3}', "code": sys.argv[2] if sys.argv[2:] else code.stamp("claims.py")}),
)
with job.job(snakemake) as settings:
"""


@pytest.fixture
def script(tmp_path):
    """Run the body of a rule's script in a process of its own; returns exit code, log and what was shown."""

    def run(body, stamp=None):
        log = tmp_path / "logs" / "rule.log"
        log.parent.mkdir(exist_ok=True)
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


def test_a_job_knows_its_settings_and_logs_lines_and_warnings(script):
    status, log, shown = script("logging.info('rate %s', settings['rate']); warnings.warn('class 3 is empty')")
    assert status == 0
    assert "rate 0.3" in log and "class 3 is empty" in log
    assert "rate 0.3" not in shown and "class 3 is empty" in shown


@pytest.mark.parametrize(
    ("body", "message", "traceback"),
    [("raise InputError('fetch file x again')", "fetch file x again", False), ("1 / 0", "ZeroDivisionError", True)],
)
def test_an_error_ends_the_job_and_stands_in_the_log(script, body, message, traceback):
    status, log, shown = script(body)
    assert status == 1
    assert message in log and ("Traceback" in log) == traceback
    assert "Traceback" not in shown


def fail_with(monkeypatch, number):
    """Let the system refuse every lock with this error."""

    def fail(*_):
        raise OSError(number, "no lock")

    monkeypatch.setattr(fcntl, "flock", fail)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_gives_a_warning_and_no_marker_file(tmp_path, monkeypatch, caplog, number):
    """A marker file in their place would remain after a job that was killed on another node."""
    fail_with(monkeypatch, number)
    assert not files.lock(tmp_path / "lock").is_locked
    assert "this file system has no locks" in caplog.text


@pytest.mark.parametrize("number", [errno.EIO, errno.EPERM, errno.ESTALE])
def test_any_other_trouble_with_a_lock_names_the_file(tmp_path, monkeypatch, number):
    fail_with(monkeypatch, number)
    with pytest.raises(InputError, match=rf"{tmp_path}/lock cannot be locked: no lock"):
        files.lock(tmp_path / "lock")
    with pytest.raises(InputError, match=r"gpu-0-0\.lock cannot be locked: no lock.*TMPDIR"):
        gpus.lock_gpu(["0"], 1, tmp_path)


def test_trouble_with_a_lock_is_in_the_log_of_the_rule(script, tmp_path):
    (tmp_path / "logs" / ".rule.lock").mkdir(parents=True)  # like another user's file, it cannot be opened
    status, log, shown = script("print('it began')")
    assert status == 1 and "it began" not in shown
    assert ".rule.lock cannot be locked" in log and "Traceback" not in log


def test_a_job_that_waits_does_not_erase_the_log_of_the_one_that_runs(tmp_path):
    log = tmp_path / "logs" / "rule.log"
    log.parent.mkdir()
    log.write_text("the first one\n")
    lock = files.lock(log.with_name(".rule.lock"))
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", f"{PROGRAM}    logging.info('the second one')", log]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as second:
        assert "Waiting" in second.stderr.readline()
        assert log.read_text().startswith("the first one\n")
        lock.release()
    assert second.returncode == 0 and "the first one" not in log.read_text() and "the second one" in log.read_text()


def test_a_job_ends_when_its_snakemake_has_ended(tmp_path):
    (tmp_path / "logs").mkdir()
    with subprocess.Popen(["sleep", "600"]) as snakemake:
        command = [sys.executable, "-c", f"{PROGRAM}    print('in', flush=True); import time; time.sleep(600)"]
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "EPOCHWISE_SNAKEMAKE": str(snakemake.pid)}
        job = subprocess.Popen(
            [*command, tmp_path / "logs" / "rule.log"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert job.stdout.readline() == b"in\n"
        with pytest.raises(subprocess.TimeoutExpired):
            job.wait(2)
        snakemake.kill()
    _, shown = job.communicate(timeout=60)
    assert job.returncode == -signal.SIGTERM and b"Snakemake has ended" in shown


def test_a_job_that_cannot_see_its_snakemake_runs(script, monkeypatch):
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    monkeypatch.setenv("EPOCHWISE_SNAKEMAKE", str(ended.pid))
    status, _, shown = script("import time; time.sleep(2.5); print('done')")
    assert status == 0 and "done" in shown


def test_another_copy_of_the_library_is_named_with_both_places(tmp_path):
    with pytest.raises(InputError) as raised:
        code.require_library_of(tmp_path)
    assert str(SCRIPTS / "epochwise" / "workflow" / "code.py") in str(raised.value)
    assert f"this workflow's copy is in {tmp_path}" in str(raised.value) and "PYTHONPATH" in str(raised.value)
    code.require_library_of(SCRIPTS)


def test_a_job_whose_code_is_not_what_was_planned_does_not_begin(script):
    status, log, shown = script("print('it began')", stamp="claims.py 0123")
    assert status == 1 and "it began" not in shown
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
    assert told["settings"] == {"epochs": 3}
    assert told["versions"]["torch"] == version("torch") and told["versions"]["numpy"] == np.__version__
    json.dumps(told)
    monkeypatch.setenv("PATH", "")  # no git
    assert records.environment({})["git_commit"] is None
