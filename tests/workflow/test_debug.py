"""One job run by hand in a process of its own, as a debugger would run it."""

import os
import subprocess
import sys

import pytest
import yaml

from tests.workflow.conftest import TINY, new_checkout

RUN = "results/digits/symmetric30/mlp3/seed0"


def debug(checkout, target, module=("-m", "epochwise.workflow.debug"), typed="", configfile="mine.yaml"):
    """Exit status and messages of the module, with `typed` as what a user types."""
    (checkout.folder / "mine.yaml").write_text(yaml.safe_dump(TINY))
    done = subprocess.run(
        [sys.executable, *module, target, "--configfile", configfile],
        cwd=checkout.folder,
        env={**os.environ, "PYTHONPATH": str(checkout.folder / "workflow_scripts"), "OMP_NUM_THREADS": "1"},
        input=typed,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "target", [f"{RUN}/separation.parquet", "results/digits/claims.md", "results/digits/figures/phases.csv"]
)
def test_a_job_runs_from_its_target_file_and_makes_the_same_file(finished, target):
    path = finished.folder / target
    before = path.read_bytes()
    path.unlink()
    status, messages = debug(finished, target)
    assert status == 0, messages
    assert path.read_bytes() == before
    assert "Nothing to be done" in finished.build("all", overlay=TINY), "nothing is stale afterwards"


def test_a_break_point_in_the_library_stops_the_job(finished):
    module = finished.folder / "workflow_scripts" / "epochwise" / "analysis" / "separation.py"
    function = next(line for line in module.read_text().splitlines() if line.startswith("def separation("))
    commands = f"b {module}:{module.read_text().splitlines().index(function) + 1}\nc\nc\np min_samples\nq\n"
    pdb = ("-m", "pdb", "-m", "epochwise.workflow.debug")
    _, messages = debug(finished, f"{RUN}/separation.parquet", module=pdb, typed=commands)
    assert "Breakpoint 1 at" in messages and "def separation(" in messages


def test_what_cannot_run_is_said_in_one_line(tmp_path):
    checkout = new_checkout(tmp_path / "new")
    status, messages = debug(checkout, "results/digits/claims.md")
    assert status == 1 and "is missing. Make it first: snakemake --cores 1 results/" in messages
    status, messages = debug(checkout, "results/digits/nothing.md")
    assert status == 1 and "No rule makes results/digits/nothing.md" in messages
    assert "Traceback" not in messages


def test_what_is_wrong_with_the_configuration_is_said_without_a_traceback(tmp_path):
    checkout = new_checkout(tmp_path / "new")

    def messages_with(target, content):
        (checkout.folder / "wrong.yaml").write_bytes(content)
        status, messages = debug(checkout, target, configfile="wrong.yaml")
        assert status == 1 and "Traceback" not in messages
        return messages

    assert "wrong.yaml, line 1: the byte 0xfc is not UTF-8" in messages_with("results/mnist/claims.md", b"# M\xfcller")
    assert "unknown key 'seed'" in messages_with("results/mnist/claims.md", b"experiments: {mnist: {seed: 1}}")
    assert "add --config experiment=digits" in messages_with("results/digits/claims.md", b"experiment: mnist")
    status, messages = debug(checkout, "results/mnist/claims.md", configfile="nowhere.yaml")
    assert status == 1 and "'nowhere.yaml'" in messages and "Traceback" not in messages
