"""What this machine has, what an experiment needs, and what is missing, in some twenty lines.

`make doctor EXPERIMENT=mnist`, or `python -m epochwise.report.doctor mnist --configfile own.yaml`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil
import yaml
from snakemake.utils import update_config

from epochwise.data import noise_kinds
from epochwise.data.folder import describe_dataset
from epochwise.data.sources import SOURCES, Source
from epochwise.report import needs
from epochwise.report.needs import Need, Network, PlannedJob
from epochwise.training.rates import gpu_name
from epochwise.workflow import config
from epochwise.workflow.cores import usable_cores
from epochwise.workflow.errors import InputError

ROOT = Path(__file__).parents[3]
TOOLS = {"sbatch": "SLURM", "conda": "conda", "chromium": "Chromium"}
GB = 1e9


@dataclass(frozen=True)
class Machine:
    """Cores that may be used, free memory and free disk in GB, and the name of the GPU or None."""

    cores: int
    memory: float
    disk: float
    gpu: str | None


def inspect_machine() -> Machine:
    """The machine that this process runs on. The disk is that of the current folder."""
    free_memory, free_disk = psutil.virtual_memory().available / GB, shutil.disk_usage(".").free / GB
    return Machine(usable_cores(), free_memory, free_disk, gpu_name())


def plan_jobs(experiment: str | None, configfile: Path | None) -> list[PlannedJob]:
    """The jobs that Snakemake would run for `all`.

    Raises InputError with Snakemake's message if the configuration or the data cannot be used.
    """
    command = [sys.executable, "-m", "snakemake", "--dry-run", "all", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--configfile", str(configfile)] if configfile else []
    command += ["--config", f"experiment={experiment}"] if experiment else []
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    output = run.stdout + run.stderr
    if run.returncode:
        lines = [line for line in output.splitlines() if line.strip() and not line.startswith(("Using", "Assuming"))]
        raise InputError("\n".join(lines[-6:]))
    return needs.read_jobs(output)


def read_settings(experiment: str | None, configfile: Path | None) -> tuple[str, dict, Source]:
    """Name, complete settings and data set of the experiment; of several that are chosen, the first."""
    chosen = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    if configfile:
        update_config(chosen, yaml.safe_load(configfile.read_text("utf-8")))
    if experiment:
        chosen["experiment"] = experiment
    describe = config.once(describe_dataset)
    name, block = next(iter(config.resolve(chosen, SOURCES, noise_kinds.load(), describe).items()))
    return name, block, config.source_of(block["dataset"], SOURCES, describe)


def time_start() -> float:
    """Seconds that Python takes to start with what most jobs import."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import pandas, torch"], check=True)
    return time.perf_counter() - started


def describe_machine(machine: Machine) -> list[str]:
    """What the machine has, one line each."""
    found = [name for tool, name in TOOLS.items() if shutil.which(tool)]
    return [
        f"Python     {sys.version.split()[0]}, torch {version('torch')}",
        f"cores      {machine.cores} to use, of {os.cpu_count()}",
        f"memory     {machine.memory:.0f} GB free, of {psutil.virtual_memory().total / GB:.0f} GB",
        f"disk       {machine.disk:.0f} GB free in {Path.cwd()}",
        f"GPU        {machine.gpu or 'none that torch sees'}",
        f"found      {', '.join(found) or 'none of ' + ', '.join(TOOLS.values())}",
    ]


def describe_need(need: Need, cores: int, data: str) -> list[str]:
    """What the planned jobs need, one line each."""
    width = max(10, *map(len, need.networks)) if need.networks else 10
    lines = [f"{name:<{width}} {describe_network(network)}" for name, network in need.networks.items()]
    return [
        f"data       {data}",
        f"jobs       {need.jobs}",
        *lines,
        f"time       {format_duration((need.training + need.rest) / cores)} on {cores} cores, "
        f"of which training takes {format_duration(need.training / cores)}",
        f"memory     {need.memory:.1f} GB for the largest job",
        f"disk       {need.disk:.1f} GB for weights and saved states",
    ]


def describe_network(network: Network) -> str:
    """What the training of one model takes: "1 network, 3 epochs of 0.05 s …"."""
    return (
        f"{network.count} network{'s' * (network.count > 1)}, {network.epochs:,} epochs of "
        f"{network.rates.epoch:.3g} s per job, {network.operations:.1e} floating point operations, "
        f"{network.snapshots} snapshots of {4 * network.weights / 1e6:.3g} MB"
    )


def describe_data(dataset: Mapping) -> str:
    """Where the images come from."""
    table = Path("results/data") / dataset["name"] / "train.parquet"
    if table.is_file():
        return f"{dataset['name']}: read already, in {table.parent}"
    if dataset["path"]:
        return f"{dataset['name']}: found in {dataset['path']}"
    if package := SOURCES[dataset["source"]].package:
        return f"{dataset['name']}: part of the package {package}"
    return f"{dataset['name']}: torchvision will download it, unless datasets.{dataset['name']}.path names a folder"


def format_duration(hours: float) -> str:
    """In words, with two digits: "about 4 min", "about 5.4 h", "about 21 days"."""
    minutes = 60 * hours
    if minutes < 100:
        return f"about {max(1, round(minutes))} min"
    return f"about {hours:.2g} h" if hours < 99 else f"about {float(f'{hours / 24:.2g}'):,g} days"


def list_missing(machine: Machine, need: Need) -> list[str]:
    """What the machine lacks, one line each."""
    pairs = {
        "memory": ("the largest job needs", need.memory, machine.memory),
        "disk": ("weights and states need", need.disk, machine.disk),
    }
    return [
        f"{name}: {what} {wanted:.1f} GB, and {free:.1f} GB are free"
        for name, (what, wanted, free) in pairs.items()
        if wanted > free
    ]


def main(experiment: str | None, configfile: Path | None) -> int:
    """Print the report. Returns 1 if something is missing, otherwise 0."""
    machine = inspect_machine()
    print("This machine", *describe_machine(machine), sep="\n  ", flush=True)
    try:
        jobs = plan_jobs(experiment, configfile)
        name, block, source = read_settings(experiment, configfile)
        need = needs.estimate_needs(block, source, jobs, time_start())
    except InputError as error:
        print("\nMissing", *str(error).splitlines(), sep="\n  ")
        return 1
    print(
        f"\nWhat is left of {name} needs",
        *describe_need(need, machine.cores, describe_data(block["dataset"])),
        sep="\n  ",
    )
    lacks = list_missing(machine, need)
    print("\nMissing", *(lacks or ["nothing"]), sep="\n  ")
    if not lacks:
        own = f"snakemake --cores {machine.cores} all --configfile {configfile}"
        own += f" --config experiment={experiment}" if experiment else ""
        print(f"\nNext: {own if configfile else f'make all EXPERIMENT={name}'}")
    return int(bool(lacks))


if __name__ == "__main__":
    parser = argparse.ArgumentParser("epochwise.report.doctor", description=__doc__)
    parser.add_argument("experiment", nargs="?", help="default: that of config.yaml")
    parser.add_argument("--configfile", type=Path)
    arguments = parser.parse_args()
    raise SystemExit(main(arguments.experiment, arguments.configfile))
