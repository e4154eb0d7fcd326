"""The jobs of a run, as Snakemake's messages describe them."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from snakemake_logger_plugin_epochwise.training_log import Log, Progress

WAITING, RUNNING, FINISHED, FAILED = "waiting", "running", "finished", "failed"
TRAIN = "train"  # the rule whose log says how far it is
LIMITED = ("cores", "gpu", "mem_mb")  # Other resources of a profile are often limits of one job, not of the run.


@dataclass
class JobStatus:
    """One job.

    Attributes:
        rule: name of its rule.
        wildcards: for instance {"experiment": "mnist", "noise": "symmetric30", "model": "mlp3", "unit": "seed0"}.
        uses: how much of each resource it holds while it runs, for instance {"cores": 1, "gpu": 0}.
        size: of a training job weights times epochs, of all its networks; 1 for other jobs, and if it is not known.
        outputs: the files that it makes.
        log: its log; None before it runs, and for rules without a log.
        state: WAITING, RUNNING, FINISHED or FAILED.
        began: when it began, in seconds of a monotonic clock.
        seconds: how long it ran; None before its end.
        progress: how far a training job is; None before the first line in its log.
        progress_at: when that line was seen, in seconds of the same clock.
    """

    rule: str
    wildcards: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, float] = field(default_factory=lambda: {"cores": 1})
    size: float = 1
    outputs: Sequence[str] = ()
    log: Log | None = None
    state: str = WAITING
    began: float = 0.0
    seconds: float | None = None
    progress: Progress | None = None
    progress_at: float = 0.0

    @property
    def name(self) -> str:
        """The wildcards as a path, for instance "mnist/symmetric30/mlp3/seed0"."""
        parts = {**self.wildcards, **{k: f"seed{v}" for k, v in self.wildcards.items() if k == "seed"}}
        return "/".join(str(part) for part in parts.values() if part)

    @property
    def kind(self) -> tuple[str, str, str]:
        """Jobs of one kind take about the same time: those of the same rule, experiment and model."""
        return self.rule, self.wildcards.get("experiment", ""), self.wildcards.get("model", "")


@dataclass
class RunStatus:
    """All jobs of one call of Snakemake.

    Attributes:
        jobs: by Snakemake's number of the job.
        counts: number of jobs per rule that the run needs, in Snakemake's order.
        totals: how much of each resource there is, for instance {"cores": 8, "gpu": 1}.
        began: when the run began, in seconds of a monotonic clock.
    """

    began: float
    jobs: dict[int, JobStatus] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)

    def plan(self, waiting: Sequence[Mapping]) -> None:
        """Add the jobs that the workflow lists when it starts (`list_jobs` in rules/targets.smk)."""
        for job in waiting:
            self.jobs[job["jobid"]] = JobStatus(job["rule"], job["wildcards"], size=job["size"])

    def start(self, info: Mapping, now: float) -> JobStatus:
        """A job begins, also if it begins once more. `info` is the content of Snakemake's message."""
        log = next(iter(info["log"] or []), None)
        resources = {name: info["resources"].get(name, 0) for name in LIMITED if name != "cores"}
        planned = self.jobs.get(info["jobid"])
        self.jobs[info["jobid"]] = job = JobStatus(
            info["rule_name"],
            dict(info["wildcards"] or {}),
            uses={"cores": info["threads"], **{k: v for k, v in resources.items() if isinstance(v, int)}},
            size=planned.size if planned else 1,
            outputs=list(info["output"]),
            log=Log(log) if log else None,
            state=RUNNING,
            began=now,
        )
        return job

    def end(self, number: int, state: str, now: float) -> JobStatus | None:
        """A job has FINISHED or FAILED; None if it never began."""
        job = self.jobs.get(number)
        if job is None or job.state != RUNNING:
            return None
        self.read_progress(job, now)
        job.state, job.seconds = state, now - job.began
        return job

    def read_progress(self, job: JobStatus, now: float) -> None:
        """Look into the log of a training job."""
        found = job.log.progress() if job.rule == TRAIN and job.log else None
        if found is not None and found != job.progress:
            job.progress, job.progress_at = found, now

    def read_all_progress(self, now: float) -> None:
        """Look into the logs of all training jobs that run."""
        for job in self.in_state(RUNNING):
            self.read_progress(job, now)

    def in_state(self, state: str) -> list[JobStatus]:
        """The jobs in this state."""
        return [job for job in self.jobs.values() if job.state == state]

    @property
    def total(self) -> int:
        """Number of jobs that the run needs."""
        return max(sum(self.counts.values()), len(self.jobs))

    def per_rule(self, state: str) -> Counter:
        """Number of jobs in this state per rule."""
        return Counter(job.rule for job in self.in_state(state))

    def unlisted(self) -> list[JobStatus]:
        """Jobs that Snakemake has counted, and of which only the rule is known."""
        listed = Counter(job.rule for job in self.jobs.values())
        return [JobStatus(rule) for rule, count in self.counts.items() for _ in range(count - listed[rule])]


def chosen_experiments() -> list[str]:
    """The experiments that the workflow builds, which rules/setup.smk leaves in a variable."""
    return os.environ.get("EPOCHWISE_EXPERIMENTS", "").split()
