"""`--logger epochwise` in real runs: in a terminal, into a file, with a failing job, and stopped by Ctrl-C."""

import os
import pty
import re
import select
import shlex
import subprocess
import sys
import time

import pytest
import yaml

from tests.workflow.conftest import TINY

COMMAND = [
    sys.executable,
    "-m",
    "snakemake",
    "--cores",
    "2",
    "--logger",
    "epochwise",
    "--configfile",
    "overlay.yaml",
    "--",
]
RUN = "results/digits/symmetric30/mlp3/seed0"


def prepare(checkout, overlay: dict) -> dict:
    """Write the configuration; the environment in which Snakemake finds the plugin."""
    (checkout.folder / "overlay.yaml").write_text(yaml.safe_dump(overlay, sort_keys=False))
    return {**os.environ, "PYTHONPATH": "workflow_scripts", "OMP_NUM_THREADS": "1", "TERM": "xterm", "COLUMNS": "100"}


def into_a_file(checkout, overlay: dict, *targets: str) -> tuple[int, list[str]]:
    """Exit status and lines of a run whose output is no terminal."""
    environment = prepare(checkout, overlay)
    done = subprocess.run([*COMMAND, *targets], cwd=checkout.folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr.splitlines()


def in_a_terminal(checkout, overlay: dict, *targets: str, stop_at: str = "") -> tuple[int, str]:
    """Exit status and all that a terminal received; Ctrl-C is pressed when `stop_at` is seen."""
    environment = prepare(checkout, overlay)
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *targets], cwd=checkout.folder, env=environment, stdin=inside, stdout=inside, stderr=inside,
        start_new_session=True, preexec_fn=lambda: os.set_inheritable(inside, True),
    )  # fmt: skip
    os.close(inside)
    seen, deadline = "", time.monotonic() + 300
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                received = os.read(terminal, 65536)
            except OSError:  # Linux says so when the other side has closed
                break
            seen += received.decode("utf-8", "replace")
            if stop_at and re.search(stop_at, seen):
                os.killpg(process.pid, 2)
                stop_at = ""
        elif process.poll() is not None:
            break
    os.close(terminal)
    return process.wait(timeout=60), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)


def assert_closing(lines: list[str]) -> None:
    assert [line.partition("  ")[0] for line in lines[-5:-2]] == [
        "1. Double descent",
        "2. Signal separation",
        "3. Large activation",
    ]
    assert all(
        re.search(r"(reproduced|inconclusive|contradicted) \(digits/symmetric30: ", line) for line in lines[-5:-2]
    )
    assert lines[-2:] == [
        "Report: results/digits/findings.md, results/digits/claims.html, results/digits/explorer.html",
        "Next: make report EXPERIMENT=digits",
    ]


def test_a_file_gets_one_line_per_job_and_the_five_last_lines(finished):
    (finished.results / "digits" / "findings.parquet").unlink()
    status, lines = into_a_file(finished, TINY, "all")
    assert status == 0
    numbered = [line for line in lines if re.match(r"\d+ of \d+  ", line)]
    counts = next(line for line in lines if re.match(r"\d+ jobs on 2 cores: ", line))
    total = int(counts.split()[0])
    assert "claims 1" in counts and [int(line.split()[0]) for line in numbered] == list(range(1, total))
    assert all(len(re.findall(f"{name} digits", "\n".join(numbered))) == 1 for name in ("claims", "captions"))
    assert not any("\x1b" in line for line in lines)
    assert f"{total} of {total} jobs finished in" in lines[-6]
    assert_closing(lines)
    status, lines = into_a_file(finished, TINY, "all")
    assert status == 0 and any("Nothing to be done" in line for line in lines)
    assert_closing(lines)


def test_a_dry_run_shows_snakemakes_own_output(finished):
    environment = prepare(
        finished, {**TINY, "experiments": {"digits": {**TINY["experiments"]["digits"], "seeds": [5]}}}
    )
    command = [*COMMAND[:-1], "--dry-run", "all"]
    done = subprocess.run(command, cwd=finished.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert "rule train:" in done.stdout and "This was a dry-run" in done.stdout


def test_a_terminal_shows_a_view_and_the_five_last_lines(finished):
    (finished.results / "digits" / "findings.parquet").unlink()
    status, seen = in_a_terminal(finished, TINY, "all")
    assert status == 0
    assert re.search(r"digits  \d+ of \d+ jobs done", seen) and "claims 0/1" in seen and "claims 1/1" in seen
    assert "Running: " in seen and " so far, " in seen
    assert_closing(seen.replace("\r", "").rstrip().splitlines())


def test_a_terminal_shows_training_and_ctrl_c_stops_it(checkout):
    training = {"epochs": 1_000_000, "stack_seeds": False}
    overlay = {"experiments": {"digits": {"models": {"mlp3": {"hidden_layers": 2, "width": 12}}, "training": training}}}
    status, seen = in_a_terminal(checkout, overlay, f"{RUN}.sha256", stop_at=r"0/1000000.*")
    assert status != 0
    assert re.search(r"digits/symmetric30/mlp3/seed0 +0/1000000 +0\.\d\d", seen), "epoch and accuracies"
    assert "Stopped: " in seen and "The same command continues." in seen
    assert "FAILED" not in seen and "Traceback" not in seen.partition("Terminating")[2]


@pytest.mark.parametrize("show", [into_a_file, in_a_terminal])
def test_a_failed_job_shows_its_message_and_a_command_that_repeats_it(checkout, show):
    diverging = {"learning_rate": 10, "optimizer": "sgd", "momentum": 0.9, "batch_size": 16, "stack_seeds": False}
    models = {"mlp3": {"hidden_layers": 6, "width": 64}}
    overlay = {"experiments": {"digits": {"models": models, "training": {"epochs": 3, **diverging}}}}
    status, seen = show(checkout, overlay, f"{RUN}.sha256")
    assert status != 0
    text = seen if isinstance(seen, str) else "\n".join(seen)
    message = "the network's outputs were no longer finite"
    assert text.count(message) == 1 and text.count("FAILED  train digits/symmetric30/mlp3/seed0") == 2
    assert "1 failed:" in text and "CalledProcessError" not in text
    command = shlex.split(re.search(r"Run it again: (.*)", text)[1])
    assert command[:3] == ["python", "-m", "snakemake"] and f"{RUN}.sha256" in command
    again = subprocess.run([sys.executable, *command[1:]], cwd=checkout.folder, capture_output=True, text=True)
    assert again.returncode != 0 and message in again.stderr
