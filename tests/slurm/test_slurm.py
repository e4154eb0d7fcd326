"""The workflow on a real cluster: every kind of interruption, and the same bytes as a local run."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import yaml

from tests.slurm.cluster import called
from tests.workflow.conftest import new_checkout
from tests.workflow.faults.conftest import differing

OVERLAY = {
    "experiments": {
        "digits": {
            "models": {"mlp3": {"hidden_layers": 2, "width": 12}, "mlp5": None, "mlp7": None},
            "seeds": [0],
            # Two or three minutes. The cluster's GPU is only a name, so a job that asks for it must not look for it.
            "training": {"epochs": 80_000, "checkpoint_seconds": 1, "device": "cpu"},
        }
    }
}
RUN = "results/digits/symmetric30/mlp3/seed0"
ACTIVE = "PENDING,RUNNING,COMPLETING,SUSPENDED"


def start(checkout, *arguments):
    """Start Snakemake with the SLURM profile; it looks at the queue every second."""
    output = (checkout.folder / "snakemake.log").open("a")
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", *arguments, "--configfile", "overlay.yaml",
         "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "20"],
        cwd=checkout.folder,
        stdout=output,
        stderr=output,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )  # fmt: skip


def told(checkout):
    return (checkout.folder / "snakemake.log").read_text()


@contextmanager
def explained(checkout):
    """What Snakemake and SLURM say is shown where a test fails."""
    try:
        yield
    except BaseException:
        print(told(checkout), called("squeue", "-t", "all"), called("sinfo", "-N", "-o", "%N %t %E"), sep="\n")
        raise


def until(condition, process, seconds=300):
    """Wait for a true value of `condition` while the process runs; returns the value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert process.poll() is None, "Snakemake ended early"
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return value


def queue(state, form="%i"):
    return called("squeue", "-h", "-t", state, "-o", form).split()


def training(state="RUNNING"):
    """Job id of the training job, if it is in this state."""
    rows = called("squeue", "-h", "-t", state, "-o", "%i|%k").split()
    return next((row.partition("|")[0] for row in rows if "rule_train" in row), None)


def record(job):
    """SLURM's record of a job."""
    return dict(part.split("=", 1) for part in called("scontrol", "show", "job", job, "-o").split() if "=" in part)


def saved_epoch(checkout):
    """The epoch that training has reached, or continues after, by its log."""
    path = checkout.results / "logs" / "train" / "digits" / "symmetric30" / "mlp3" / "seed0.log"
    found = re.findall(r"(?:after |  )epoch (\d+)", path.read_text()) if path.exists() else []
    return int(found[-1]) if found else 0


def with_overlay(folder):
    folder.mkdir(exist_ok=True)
    checkout = new_checkout(folder)
    (checkout.folder / "overlay.yaml").write_text(yaml.safe_dump(OVERLAY))
    return checkout


def test_a_run_that_is_stopped_requeued_and_out_of_time_ends_with_the_same_bytes(slurm, tmp_path):
    checkout, local = with_overlay(tmp_path / "slurm"), with_overlay(tmp_path / "local")
    with explained(checkout), ThreadPoolExecutor() as pool:
        process = start(checkout, "all", "--set-resources", "train:gpu=1")
        job = until(training, process)
        found = record(job)
        assert "gpu:1" in found["TresPerJob"], "a GPU is asked for"
        assert found["NumCPUs"] == "1"
        until(lambda: saved_epoch(checkout) > 1000, process)
        called("scontrol", "requeue", job)  # what preemption does
        until(lambda: training("PENDING") == job, process)
        reached = saved_epoch(checkout)
        called("scontrol", "update", f"JobId={job}", "StartTime=now", "TimeLimit=1")
        until(lambda: training() == job, process)
        assert record(job)["Restarts"] == "1"
        locally = pool.submit(local.build, "all", overlay=OVERLAY)  # meanwhile, the run to compare with
        until(lambda: record(job)["JobState"] in ("TIMEOUT", "COMPLETED"), process)
        assert record(job)["JobState"] == "TIMEOUT", "the time limit was too short"
        again = until(lambda: training() or training("PENDING") or training("COMPLETED"), process)
        assert int(again) > int(job), "training was submitted again"
        until(lambda: training() == again, process)

        process.send_signal(signal.SIGINT)  # Ctrl-C
        process.wait(timeout=300)
        deadline = time.monotonic() + 60
        while queue(ACTIVE) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert queue(ACTIVE) == [], "nothing is left in the queue"
        assert not (checkout.folder / RUN / "history.parquet").exists()

        process = start(checkout, "all", "--set-resources", "train:gpu=1")
        job = until(training, process)
        before_cancel = until(lambda: saved_epoch(checkout), process)
        assert before_cancel > reached, "the time limit and the requeue cost nothing"
        called("scancel", job)
        last = until(lambda: (found := training() or training("COMPLETED")) != job and found, process)
        assert int(last) > int(job), "and once more"
        assert process.wait(timeout=1200) == 0
        provenance = json.loads((checkout.folder / RUN / "provenance.json").read_text())
        assert provenance["resumed_from_epoch"] >= before_cancel, "and continued"

        groups = re.findall(r"SLURM jobid (\d+) \(log: \S*/(group|rule)_(\w+)", told(checkout))
        assert len(groups) <= 10, "tens of jobs, not hundreds"
        job = next(job for job, _, name in groups if name.startswith("results") and "summarize" in name)
        found = record(job)
        assert found["NumCPUs"] == "1" and int(found["MinMemoryNode"].removesuffix("M")) <= 3000, "not the sum of all"

        locally.result()
        assert differing(checkout, local) == []


def test_the_traceback_of_a_failed_job_is_in_the_main_log(slurm, tmp_path):
    checkout = with_overlay(tmp_path)
    with (checkout.folder / "workflow_scripts" / "epochwise" / "data" / "samples.py").open("a") as module:
        module.write("\nraise ZeroDivisionError('broken on purpose')\n")
    with explained(checkout):
        process = start(checkout, "--retries", "0", "results/digits/symmetric30/labels.parquet")
        assert process.wait(timeout=600) != 0
        assert "Traceback" in told(checkout) and "ZeroDivisionError: broken on purpose" in told(checkout)
        assert queue(ACTIVE) == []
