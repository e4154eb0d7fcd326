"""A checkout of the workflow in a temporary folder, and a way to run Snakemake in it as a user would."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "schemas", "profiles", "envs", "report")


@dataclass(frozen=True)
class Checkout:
    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def snakemake(self, *arguments: str, overlay: dict | None = None) -> subprocess.CompletedProcess:
        """Run Snakemake on two cores; `overlay` is the content of a `--configfile`."""
        if overlay is not None:
            path = self.folder / "overlay.yaml"
            path.write_text(yaml.safe_dump(overlay))
            arguments = (*arguments, "--configfile", path.name)
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def build(self, *arguments: str, overlay: dict | None = None) -> str:
        """Run Snakemake, which must succeed; its messages."""
        done = self.snakemake(*arguments, overlay=overlay)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

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


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    return new_checkout(tmp_path_factory.mktemp("checkout"))


def new_checkout(folder: Path) -> Checkout:
    """The parts of the project that a run needs, copied into a folder."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    return Checkout(folder)
