"""What the jobs of an experiment need: time from rates measured here and now, memory, disk."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from epochwise.data.sources import Source
from epochwise.training.rates import Rates, measure_rates
from epochwise.workflow.config import weights_of
from epochwise.workflow.schedule import log_spaced, selected

STATE = 3 * 4  # bytes per weight of a saved state: the weight and two moments
OPERATIONS = 6  # floating point operations per weight, sample and epoch: two forward, four backward


@dataclass(frozen=True)
class PlannedJob:
    """A planned job: its rule and wildcards, how many threads it takes, and its memory in GB."""

    rule: str
    wildcards: Mapping[str, str]
    threads: int
    memory: float


@dataclass(frozen=True)
class Network:
    """A model to train.

    Attributes:
        count: networks of this model that are trained.
        weights: weights and biases of one.
        epochs: epochs that each is trained for.
        snapshots: snapshots of each that are stored, with 4 bytes per weight.
        operations: floating point operations of training all of them, without their evaluation.
        rates: how fast one job trains them here.
    """

    count: int
    weights: int
    epochs: int
    snapshots: int
    operations: float
    rates: Rates


@dataclass(frozen=True)
class Need:
    """Needs of planned jobs: the models to train, hours of one core for training and for all else, GB."""

    networks: Mapping[str, Network]
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
    networks = _networks(block, source, jobs, samples)
    training, rest, disk = 0.0, len(jobs) * start, 0.0
    for job in jobs:
        name = job.wildcards.get("model")
        if name not in networks:
            continue
        network, model = networks[name], block["models"][name]
        if job.rule == "train":
            evaluations = len(_epochs(model, "evaluations_per_decade"))
            training += job.threads * (network.epochs * network.rates.epoch + evaluations * network.rates.forward)
            disk += _trained_by(job, block) * network.weights * (4 * network.snapshots + STATE)
        elif job.rule in ("extract", "measures", "interventions"):
            read = selected(_epochs(model, "snapshots_per_decade"), block["activations"]["snapshot_stride"])
            rest += 2 * len(read) * network.rates.forward / max(1, network.count // len(block["seeds"]))
    memory = max((job.memory for job in jobs), default=0.0)
    return Need(networks, len(jobs), training / 3600, rest / 3600, memory, disk / 1e9)


def _networks(block: Mapping, source: Source, jobs: Sequence[PlannedJob], samples: int) -> dict[str, Network]:
    """The models that the jobs train, in the order of the configuration."""
    planned: dict[str, list[PlannedJob]] = {}
    for job in jobs:
        if job.rule == "train":
            planned.setdefault(job.wildcards["model"], []).append(job)
    networks = {}
    for name, model in block["models"].items():
        if name in planned:
            first, epochs = planned[name][0], model["training"]["epochs"]
            count = sum(_trained_by(job, block) for job in planned[name])
            weights = weights_of(model, source.pixels, source.classes)
            networks[name] = Network(
                count=count,
                weights=weights,
                epochs=epochs,
                snapshots=len(_epochs(model, "snapshots_per_decade")),
                operations=float(OPERATIONS * weights * samples * epochs * count),
                rates=measure_rates(model, source, samples, _trained_by(first, block), first.threads),
            )
    return networks


def _trained_by(job: PlannedJob, block: Mapping) -> int:
    """How many networks a training job trains."""
    return len(block["seeds"]) if job.wildcards["unit"] == "stack" else 1


def _epochs(model: Mapping, kind: str) -> list[int]:
    return log_spaced(model["training"]["epochs"], model["training"][kind])
