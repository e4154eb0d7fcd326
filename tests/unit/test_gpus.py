"""No two jobs on one GPU, unless asked; a job that is killed gives its GPU back."""

import os
import select
import subprocess
import sys

import pytest

from epochwise.workflow import gpus
from epochwise.workflow.code import SCRIPTS

PROGRAM = """
import sys, time
from epochwise.workflow import gpus
gpu, lock = gpus.claim(["0", "1"], int(sys.argv[2]), sys.argv[1])
print(gpu, flush=True)
time.sleep(60)
"""


@pytest.fixture
def job(tmp_path):
    started = []

    def start(jobs_per_gpu=1):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, tmp_path, str(jobs_per_gpu)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_jobs_get_gpus_of_their_own_and_a_killed_one_gives_its_back(job):
    first, second = job(), job()
    taken = [process.stdout.readline() for process in (first, second)]
    assert sorted(taken) == ["0\n", "1\n"]
    third = job()
    assert not select.select([third.stdout], [], [], 3)[0], "it waits"
    first.kill()
    assert third.stdout.readline() == taken[0]


def test_a_gpu_is_shared_when_asked_after_all_have_a_job(job):
    assert sorted(job(2).stdout.readline() for _ in range(4)) == ["0\n", "0\n", "1\n", "1\n"]


def test_only_the_claimed_gpu_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    _, held = gpus.claim(["4"], 1, tmp_path)
    lock = gpus.claim_if_unscheduled(1, 1)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    lock.release()
    held.release()


@pytest.mark.parametrize(("wanted", "scheduled", "shown"), [(0, False, "4,7"), (1, True, "4"), (2, True, "4,7")])
def test_nothing_is_claimed_without_need(monkeypatch, wanted, scheduled, shown):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    if scheduled:
        monkeypatch.setenv("SLURM_JOB_ID", "12")
    assert gpus.claim_if_unscheduled(wanted, 1) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == shown


def test_jobs_inside_one_allocation_share_its_gpus_out(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    locks, taken = [], []
    for _ in range(2):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        locks.append(gpus.claim_if_unscheduled(1, 1))
        taken.append(os.environ["CUDA_VISIBLE_DEVICES"])
    assert taken == ["0", "1"]
    for lock in locks:
        lock.release()
