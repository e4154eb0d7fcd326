"""A checkout of the workflow in a temporary folder, and a way to run Snakemake in it as a user would."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml
from filelock import FileLock

from tests.workflow import warm

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "profiles", "envs", "report")

EPOCHS = 3
SEEDS = [0, 1]
TAPERING = {"widths": [16, 12, 10], "hidden_layers": None, "width": None}  # config.yaml has the other keys
MODELS = {"mlp3": {"hidden_layers": 2, "width": 12}, "mlp5": None, "mlp7": TAPERING}
# Two small networks, one with narrowing layers, two seeds, a moment of training: all results in the least time.
TINY = {
    "experiment": "digits",
    "experiments": {
        "digits": {
            "models": MODELS,
            "seeds": SEEDS,
            "training": {"epochs": EPOCHS, "stack_seeds": False},
            "interventions": {"stride": 1},
            "measures": {"stride": 1, "samples": 200},
        },
    },
}


@dataclass(frozen=True)
class Checkout:
    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def snakemake(self, *arguments: str, overlay: dict | None = None) -> tuple[int, str]:
        """Exit status and messages of Snakemake on two cores; `overlay` is the content of a `--configfile`."""
        if overlay is not None:
            path = self.folder / "overlay.yaml"
            path.write_text(yaml.safe_dump(overlay, sort_keys=False))  # the order of models is one
            arguments = (*arguments, "--configfile", path.name)
        return warm.snakemake(self.folder, "--cores", "2", *arguments)

    def build(self, *arguments: str, overlay: dict | None = None) -> str:
        """Run Snakemake, which must succeed; its messages."""
        status, told = self.snakemake(*arguments, overlay=overlay)
        assert status == 0, told
        return told

    def copy(self, folder: Path) -> "Checkout":
        """A copy with the same results, to be changed."""
        return Checkout(Path(shutil.copytree(self.folder, folder, dirs_exist_ok=True)))

    def planned(self, overlay: dict | None = None) -> dict[str, int]:
        """Jobs per rule that a dry run of `all` would run."""
        lines = iter(self.build("--dry-run", "all", overlay=overlay).splitlines())
        jobs: dict[str, int] = {}
        for line in lines:
            if line.startswith("job ") and line.split() == ["job", "count"]:
                next(lines)
                for row in lines:
                    if not row.strip():
                        return jobs
                    rule, count = row.split()[:2]
                    if rule not in ("all", "total"):
                        jobs[rule] = int(count)
        return jobs


def new_checkout(folder: Path) -> Checkout:
    """The parts of the project that a run needs, copied into a folder. Its experiment is `digits`, the fastest."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    config = folder / "config.yaml"
    text, changes = re.subn(r"^experiment: .*$", "experiment: digits", config.read_text("utf-8"), flags=re.M)
    assert changes == 1
    config.write_text(text, encoding="utf-8")
    return Checkout(folder)


def finished_run(name: str, overlay: dict, factory: pytest.TempPathFactory, *targets: str) -> Checkout:
    """Finished targets, not to be changed: made by the first worker of pytest that asks, for all workers."""
    shared = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    folder = shared / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            being_made = Path(tempfile.mkdtemp(dir=shared))
            new_checkout(being_made).build(*targets, overlay=overlay)
            being_made.rename(folder)
    return Checkout(folder)


def jobs_of(process: subprocess.Popen) -> list[psutil.Process]:
    """The processes of running rules below a running Snakemake."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
        return [child for child in below if any(".snakemake/scripts" in part for part in child.cmdline()[1:2])]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture(scope="module")
def browser():
    """Chromium, which is not downloaded but must be installed."""
    from playwright.sync_api import sync_playwright  # not above, because few tests need it

    binary = shutil.which("chromium") or shutil.which("google-chrome")
    if not binary:
        pytest.skip("these tests need Chromium (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    return new_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Checkout:
    """A finished run of TINY, for one module to change."""
    run = finished_run("tiny", TINY, tmp_path_factory, "all")
    return run.copy(tmp_path_factory.mktemp("finished"))
