"""What the workflow itself costs for many models: planning, the overhead per job, and a run with nothing to do.

Usage: python benchmarks/scale.py [models ...]     default: 10 100 1000 5000

A sweep over widths, depths, noise rates and seeds is planned from scratch. Then Snakemake runs it with empty jobs,
which only write one byte to each output. Then `all` is asked for again, when nothing is left to do. Sweeps of up to 100
models also run with the real jobs and one epoch of training. The time in which a core had no job is then divided by
the number of jobs. For comparison, the same number of chains of four bare rules is planned, without params, scripts or
resources. The table is printed and written to results/benchmarks/scale.csv.
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
# Snakemake with jobs that only write one byte to each output.
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
    """A configuration overlay with an experiment of about `models` runs."""
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
    """Run a command. Returns its seconds, its peak memory in MB, and its messages."""
    # In a process of its own, so that the peak memory of its children is that of the command.
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_called, (folder, command))


def _called(folder, command):
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, done.stdout + done.stderr


def measure(models: int, folder: Path) -> dict:
    """Measure one row of the table, in an empty folder."""
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    overlay = sweep(models)
    (folder / "sweep.yaml").write_text(yaml.safe_dump(overlay))
    block = overlay["experiments"]["sweep"]
    arguments = ["--cores", str(CORES), "all", "--configfile", "sweep.yaml"]
    snakemake = [sys.executable, "-m", "snakemake"]
    plan, planned_in, messages = called(folder, [*snakemake, "--dry-run", *arguments])
    jobs = len(re.findall(r"^(?:local)?rule \w+:$", messages, re.M)) - 1
    (folder / "bare.smk").write_text(BARE.replace("CHAINS", str(models)))
    bare, _, _ = called(folder, [*snakemake, "--snakefile", "bare.smk", "--dry-run", "all"])
    run, _, _ = called(folder, [sys.executable, "-c", HOLLOW, *arguments])
    nothing, memory, messages = called(folder, [*snakemake, *arguments])
    assert "Nothing to be done" in messages and "missing provenance" not in messages, messages[-2000:]
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
    """Measure every number of models, print the table and write it."""
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
