"""`kill` of Snakemake ends its training jobs too, and the same command then continues them."""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from tests.workflow.conftest import jobs_of

# By itself this training ends after hours.
OVERLAY = {
    "experiments": {
        "digits": {
            "models": {"mlp3": {"hidden_layers": 2, "width": 12}, "mlp5": None, "mlp7": None},
            "seeds": [0, 1],
            "training": {"epochs": 1_000_000, "checkpoint_seconds": 9999, "stack_seeds": False},
        }
    }
}
TARGETS = [f"results/digits/symmetric30/mlp3/seed{seed}.sha256" for seed in (0, 1)]


def epoch_in(log) -> int:
    """The latest epoch that the log of a training job names."""
    found = re.findall(r"epoch (\d+)", log.read_text()) if log.exists() else []
    return int(found[-1]) if found else 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_kill_of_snakemake_ends_its_training_jobs_which_continue_later(checkout, number):
    (checkout.folder / "overlay.yaml").write_text(yaml.safe_dump(OVERLAY))
    logs = [checkout.results / "logs" / "train" / f"digits/symmetric30/mlp3/seed{seed}.log" for seed in (0, 1)]
    for log in logs:
        log.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", *TARGETS, "--configfile", "overlay.yaml"],
        cwd=checkout.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        while not all(epoch_in(log) for log in logs):
            assert process.poll() is None
            time.sleep(0.1)
        jobs = jobs_of(process)
        assert len(jobs) == 2
        process.send_signal(number)
        process.wait(timeout=60)
        _, alive = psutil.wait_procs(jobs, timeout=60)
        assert not alive
    finally:
        for remaining in [*jobs_of(process), process]:
            remaining.kill()
    for log in logs:
        assert "Stopped by SIGTERM" in log.read_text() and "Traceback" not in log.read_text()
    if number == signal.SIGTERM:
        assert process.returncode not in (0, -signal.SIGTERM)
        assert not list((checkout.folder / ".snakemake" / "locks").glob("*")), "no --unlock is needed"
    else:
        checkout.build("--unlock", overlay=OVERLAY)
    folders = checkout.results / "digits" / "symmetric30" / "mlp3" / ".training"
    assert all((folders / f"seed{seed}" / "state.safetensors").exists() for seed in (0, 1)), "the state is saved"
