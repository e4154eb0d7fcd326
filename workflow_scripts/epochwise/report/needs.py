"""What the jobs of an experiment need: time from rates measured here and now, memory, disk."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from epochwise.data.sources import Source
from epochwise.training.rates import Rates, measure_rates
from epochwise.workflow.config import weights_of
from epochwise.workflow.schedule import log_spaced, selected

STATE = 3 * 4  # bytes per weight of a saved state: the weight and two moments


@dataclass(frozen=True)
class PlannedJob:
    """A planned job: its rule and wildcards, how many threads it takes, and its memory in GB."""

    rule: str
    wildcards: Mapping[str, str]
    threads: int
    memory: float


@dataclass(frozen=True)
class Need:
    """Needs of planned jobs: `rates` by model, hours of one core for training and for all else, GB."""

    networks: Mapping[str, int]
    rates: Mapping[str, Rates]
    jobs: int
    training: float
    rest: float
    memory: float
    disk: float


def read_jobs(output: str) -> list[PlannedJob]:
    """The jobs that a dry run of Snakemake has listed, without `all`."""
    jobs = []
    for part in re.split(r"^(?=(?:local)?rule \w+:$)", output, flags=re.MULTILINE)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", part)[1]
        if rule == "all":
            continue
        wildcards = re.search(r"^    wildcards: (.*)$", part, re.MULTILINE)
        threads = re.search(r"^    threads: (\d+)$", part, re.MULTILINE)
        memory = re.search(r"\bmem_mb=(\d+)", part)
        pairs = wildcards[1].split(", ") if wildcards else []
        jobs.append(
            PlannedJob(
                rule,
                dict(pair.split("=", 1) for pair in pairs),
                int(threads[1]) if threads else 1,
                int(memory[1]) / 1000 if memory else 0.0,
            )
        )
    return jobs


def estimate_needs(block: Mapping, source: Source, jobs: Sequence[PlannedJob], start: float) -> Need:
    """What the planned `jobs` of an experiment need.

    Training is measured. Everything else counts as one start of Python per job, and for stages that read snapshots as
    two forward passes per snapshot, which is what extraction takes.

    Args:
        block: the experiment, as `epochwise.workflow.config.resolve` returns it.
        source: its data set.
        jobs: the planned jobs.
        start: seconds that a job takes to start.
    """
    samples = block["subset"]["size"] or source.train
    networks: dict[str, int] = {}
    rates, training, rest, disk = {}, 0.0, len(jobs) * start, 0.0
    for job in jobs:
        name = job.wildcards.get("model")
        if job.rule == "train":
            model, count = block["models"][name], len(block["seeds"]) if job.wildcards["unit"] == "stack" else 1
            if name not in rates:
                rates[name] = measure_rates(model, source, samples, count, job.threads)
            networks[name] = networks.get(name, 0) + count
            epochs, evaluations = (model["training"]["epochs"], len(_epochs(model, "evaluations_per_decade")))
            training += job.threads * (epochs * rates[name].epoch + evaluations * rates[name].forward)
            stored = len(_epochs(model, "snapshots_per_decade"))
            disk += count * weights_of(model, source.pixels, source.classes) * (4 * stored + STATE)
        elif job.rule in ("extract", "measures", "interventions") and name in rates:
            model = block["models"][name]
            read = selected(_epochs(model, "snapshots_per_decade"), block["activations"]["snapshot_stride"])
            rest += 2 * len(read) * rates[name].forward / max(1, networks[name] // len(block["seeds"]))
    networks = {name: networks[name] for name in block["models"] if name in networks}
    memory = max((job.memory for job in jobs), default=0.0)
    return Need(networks, rates, len(jobs), training / 3600, rest / 3600, memory, disk / 1e9)


def _epochs(model: Mapping, kind: str) -> list[int]:
    return log_spaced(model["training"]["epochs"], model["training"][kind])
