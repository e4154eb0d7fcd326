"""No two jobs on one GPU, unless asked; a job that is killed gives its GPU back."""

import os
import select
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from epochwise.workflow import gpus
from epochwise.workflow.code import SCRIPTS

PROGRAM = """
import sys, time
from epochwise.workflow import gpus
gpu, lock = gpus.lock_gpu(["0", "1"], int(sys.argv[2]), sys.argv[1])
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


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with two GPUs, as torch shows it; the list of the GPUs that were made the current one."""
    current = []
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=f"GPU-{'ab'[number]}"))
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    return current


def test_a_job_computes_on_the_gpu_that_it_claimed_and_gives_it_back(machine):
    with gpus.use_gpu("cuda", 1):
        with gpus.use_gpu("cuda", 1):
            assert machine == [0, 1]
        with gpus.use_gpu("cuda", 1):
            assert machine == [0, 1, 1]


def test_jobs_that_number_the_gpus_differently_share_none(machine, monkeypatch):
    """As two jobs of one user do on a cluster's node, which each see one of its GPUs as number 0."""
    _, held = gpus.lock_gpu(["GPU-b"], 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=f"GPU-{'ba'[number]}"))
    with gpus.use_gpu("cuda", 1):
        assert machine == [1]
    held.release()


def test_a_job_on_processors_claims_nothing(machine):
    with gpus.use_gpu("cpu", 1):
        assert machine == [] and gpus.lock_gpu(["GPU-a", "GPU-b"], 1)[0] == "GPU-a"


@pytest.mark.parametrize(("visible", "expected"), [(None, True), ("0", True), ("", False), ("-1", False)])
def test_a_machine_shows_its_gpus_unless_they_are_hidden(monkeypatch, visible, expected):
    monkeypatch.setattr(gpus.Path, "glob", lambda folder, pattern: iter([folder / "nvidia0"]))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus.has_gpu() == expected
