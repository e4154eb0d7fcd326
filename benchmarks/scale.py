"""What the workflow itself costs for many models: planning, a run with nothing to do, and the overhead of a job.

Usage: python benchmarks/scale.py [models ...]     default: 10 100 1000 5000

A sweep over widths, depths, noise rates and seeds is planned from nothing; then every result is put there as a small file and
recorded by Snakemake as if its job had run (`--touch`), and `all` is asked for again. Up to ten models are really trained, for
one epoch, which gives the overhead per job. A table is printed and written to results/benchmarks/scale.csv.
"""

import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "schemas", "profiles", "envs", "report")
# Snakemake's --touch, without the tenth of a second that it rests at each job.
TOUCH = """
import sys
from snakemake.executors import touch
from snakemake.cli import main
touch.Executor.SLEEPING_TIME = 0
main(sys.argv[1:])
"""


def sweep(models: int) -> dict:
    """An overlay with an experiment of about so many runs: networks of several widths and depths, noise rates, seeds."""
    seeds, rates = (5, 4) if models >= 100 else (1, 1)
    networks = {
        f"d{depth}_w{width}": {"hidden_layers": depth, "width": width}
        for width in range(8, 8 + -(-models // (seeds * rates * 5)))
        for depth in (1, 2, 3, 4, 6)
    }
    block = {
        "dataset": "digits",
        "models": networks,
        "noises": {f"rate{10 * n}": {"kind": "symmetric", "rate": n / 10} for n in range(1, rates + 1)},
        "seeds": list(range(seeds)),
        "training": {"epochs": 1},
    }
    return {"experiment": "sweep", "experiments": {"sweep": block}}


def called(folder: Path, command: list[str]) -> tuple[float, float, str]:
    """Seconds, peak memory in MB and messages of a command."""
    with get_context("spawn").Pool(1) as pool:  # a process of its own, whose children's peak is this command's
        return pool.apply(_called, (folder, command))


def _called(folder, command):
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, done.stdout + done.stderr


def put_results(folder: Path, planned: str) -> None:
    """Every output of the jobs of a dry run as a small file."""
    for line in re.findall(r"^    output: (.*)$", planned, re.M):
        for name in line.split(", "):
            path = folder / name
            if path.suffix:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("x")
            else:
                path.mkdir(parents=True, exist_ok=True)


def measure(models: int, folder: Path) -> dict:
    """One row of the table."""
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    overlay = sweep(models)
    (folder / "sweep.yaml").write_text(yaml.safe_dump(overlay))
    block = overlay["experiments"]["sweep"]
    arguments = ["--cores", "2", "all", "--configfile", "sweep.yaml"]
    snakemake = [sys.executable, "-m", "snakemake"]
    read, _, _ = called(folder, [*snakemake, "--list-rules", *arguments])
    dry, dry_memory, told = called(folder, [*snakemake, "--dry-run", *arguments])
    jobs = len(re.findall(r"^(?:local)?rule \w+:$", told, re.M)) - 1
    put_results(folder, told)
    touch, _, _ = called(folder, [sys.executable, "-c", TOUCH, "--touch", *arguments])
    nothing, memory, told = called(folder, [*snakemake, *arguments])
    assert "Nothing to be done" in told, told[-2000:]
    return {
        "models": len(block["models"]) * len(block["noises"]) * len(block["seeds"]),
        "jobs": jobs,
        "reading the configuration, s": read,
        "dry run of everything, s": dry,
        "its memory, MB": dry_memory,
        "touch, s": touch,
        "nothing to do, s": nothing,
        "memory, MB": memory,
    }


def main() -> None:
    """Measure, print, write."""
    rows = []
    for models in map(int, sys.argv[1:] or (10, 100, 1000, 5000)):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(models, Path(folder)))
        table = pd.DataFrame(rows)
        print(table.to_markdown(index=False, floatfmt=".3g"), flush=True)
    path = ROOT / "results" / "benchmarks" / "scale.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)


if __name__ == "__main__":
    main()
