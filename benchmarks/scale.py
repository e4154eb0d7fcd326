"""What the workflow itself costs for many models: planning, the overhead per job, and a run with nothing to do.

Usage: python benchmarks/scale.py [models ...]     default: 10 100 1000 5000

A sweep over widths, depths, noise rates and seeds is planned from nothing, then run by Snakemake as it is, but for what
a job does: it writes its outputs with one byte each. Then `all` is asked for again. Up to 100 models it is also run
with the real jobs, one epoch of training each, and the time of the cores that no job had is shared out among the jobs.
The yardstick is a dry run of bare chains of four rules without params, scripts or resources, as many as models.
A table is printed and written to results/benchmarks/scale.csv.
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
CORES = 2
PARTS = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "schemas", "profiles", "envs", "report")
# Snakemake whose jobs do nothing but write a byte to each output.
HOLLOW = """
import sys
from pathlib import Path
from snakemake.cli import main
from snakemake.executors import local

def write(job_rule, input, output, params, wildcards, threads, resources, log, benchmark, *rest):
    for path in map(Path, filter(None, [*output, benchmark])):
        if path.suffix:
            path.write_text("x")
        else:
            path.mkdir()

local.run_wrapper = write
main(sys.argv[1:])
"""
# A workflow of chains of four rules.
BARE = """
rule all:
    input: expand("out/{i}/d", i=range(CHAINS))
rule a:
    output: "out/{i}/a"
    shell: "touch {output}"
rule b:
    input: "out/{i}/a"
    output: "out/{i}/b"
    shell: "touch {output}"
rule c:
    input: "out/{i}/b"
    output: "out/{i}/c"
    shell: "touch {output}"
rule d:
    input: "out/{i}/c"
    output: "out/{i}/d"
    shell: "touch {output}"
"""


def sweep(models: int) -> dict:
    """An overlay with an experiment of about so many runs."""
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


def measure(models: int, folder: Path) -> dict:
    """One row of the table."""
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    overlay = sweep(models)
    (folder / "sweep.yaml").write_text(yaml.safe_dump(overlay))
    block = overlay["experiments"]["sweep"]
    arguments = ["--cores", str(CORES), "all", "--configfile", "sweep.yaml"]
    snakemake = [sys.executable, "-m", "snakemake"]
    plan, planned_in, told = called(folder, [*snakemake, "--dry-run", *arguments])
    jobs = len(re.findall(r"^(?:local)?rule \w+:$", told, re.M)) - 1
    (folder / "bare.smk").write_text(BARE.replace("CHAINS", str(models)))
    bare, _, _ = called(folder, [*snakemake, "--snakefile", "bare.smk", "--dry-run", "all"])
    run, _, _ = called(folder, [sys.executable, "-c", HOLLOW, *arguments])
    nothing, memory, told = called(folder, [*snakemake, *arguments])
    assert "Nothing to be done" in told and "missing provenance" not in told, told[-2000:]
    idle = float("nan")
    if models <= 100:
        shutil.rmtree(folder / "results")
        shutil.rmtree(folder / ".snakemake")
        real, _, _ = called(folder, [*snakemake, *arguments])
        tables = [pd.read_csv(path, sep="\t") for path in (folder / "results" / "logs").rglob("*.tsv")]
        idle = (CORES * real - sum(table["s"].sum() for table in tables)) / jobs
    return {
        "models": len(block["models"]) * len(block["noises"]) * len(block["seeds"]),
        "jobs": jobs,
        "dry run of everything, s": plan,
        "its memory, MB": planned_in,
        "dry run of bare chains, s": bare,
        "overhead per job, ms": (run - plan) / jobs * 1000,
        "core time beside a real job, ms": idle * 1000,
        "nothing to do, s": nothing,
        "memory of that, MB": memory,
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
