"""An undisturbed run to hold disturbed ones against, and ways to disturb a run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from tests.workflow.conftest import Checkout, finished_run, new_checkout

# Long enough in training that kills hit it, small enough that a run takes half a minute.
OVERLAY = {
    "experiments": {
        "digits": {
            "models": {"mlp3": {"hidden_layers": 2, "width": 12}, "mlp5": None, "mlp7": None},
            "seeds": [0, 1],
            "training": {"epochs": 800, "checkpoint_seconds": 1, "stack_seeds": False},
        }
    }
}
TIMES_INSIDE = ("logs", "provenance")  # folders of results/ whose files tell times, as provenance.json does


def results_of(checkout: Checkout) -> dict[str, bytes]:
    """Every result by path: all that must come out alike, whatever happened on the way."""
    files = {}
    for path in sorted(checkout.results.rglob("*")):
        parts = path.relative_to(checkout.results).parts
        told = parts[0] in TIMES_INSIDE or path.name == "provenance.json" or ".training" in parts
        if path.is_file() and not told and path.name != ".snakemake_timestamp":
            files["/".join(parts)] = path.read_bytes()
    return files


def differing(checkout: Checkout, undisturbed: Checkout) -> list[str]:
    """Paths of results that are not as in the undisturbed run: other bytes, missing, or too many."""
    found, wanted = results_of(checkout), results_of(undisturbed)
    return sorted(path for path in found.keys() | wanted.keys() if found.get(path) != wanted.get(path))


def start(checkout: Checkout) -> subprocess.Popen:
    """Start `snakemake all` in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", "all", "--configfile", "overlay.yaml"],
        cwd=checkout.folder,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def kill_session(process: subprocess.Popen) -> None:
    """Kill Snakemake and all that it started."""
    for child in [*psutil.Process(process.pid).children(recursive=True)]:
        child.kill()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def finish(checkout: Checkout) -> None:
    """A plain run to the end, after unlocking as Snakemake's own message says."""
    checkout.build("--unlock", overlay=OVERLAY)
    checkout.build("all", overlay=OVERLAY)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Checkout:
    return finished_run("undisturbed", OVERLAY, tmp_path_factory, "all")


@pytest.fixture
def disturbed(tmp_path) -> Checkout:
    """A checkout of its own, with the overlay written."""
    checkout = new_checkout(tmp_path)
    (checkout.folder / "overlay.yaml").write_text(yaml.safe_dump(OVERLAY))
    return checkout


@pytest.fixture
def small_disk(disturbed):
    """The results of `disturbed` on a file system of its own; returns a function that mounts it with other options."""
    disturbed.results.mkdir()

    def mount(options: str) -> None:
        subprocess.run(["mount", "-o", options, str(disturbed.results)], check=True, capture_output=True)

    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disturbed.results)], capture_output=True, text=True
    )
    if made.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    yield mount
    subprocess.run(["umount", "--lazy", str(disturbed.results)], check=True)


def run_of(checkout: Checkout) -> Path:
    """The folder with the results of the first run."""
    return checkout.results / "digits" / "symmetric30" / "mlp3" / "seed0"


def state_of(checkout: Checkout) -> Path:
    """The folder in which the first run is trained and keeps its state."""
    return checkout.results / "digits" / "symmetric30" / "mlp3" / ".training" / "seed0"
