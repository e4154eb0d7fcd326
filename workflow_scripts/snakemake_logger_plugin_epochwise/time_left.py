"""How long the whole run will still take, estimated from measured rates."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean

from snakemake_logger_plugin_epochwise.jobs import FAILED, FINISHED, RUNNING, TRAIN, JobStatus

Kind = tuple[str, str, str]


def seconds_left(jobs: Iterable[JobStatus], totals: Mapping[str, float], now: float) -> float | None:
    """Seconds until all jobs have finished.

    The jobs that remain cannot end earlier than the longest of them, and not earlier than each resource allows: if they
    need 120 core-seconds and there are 2 cores, they take 60 seconds. The estimate is the largest of these bounds. It
    is too short where jobs wait for others while cores are idle.

    For instance, of three equal networks the first took 40 s, the second has trained for 25 s and needs 15 s more, and
    the third waits. On 2 cores this is max((15 + 40) / 2, 40) = 40 s.

    Args:
        jobs: all jobs of the run, with their states. Jobs that have failed do not count.
        totals: how much of each resource there is; one that is missing here is not limited.
        now: seconds of the clock of `Job.began`.

    Returns:
        The estimate, or None as long as nothing like one of the jobs has been measured.
    """
    jobs = list(jobs)
    expected = _expected_seconds(_durations(jobs, now), {job.kind: job.size for job in jobs})
    needed: dict[str, float] = defaultdict(float)
    longest = 0.0
    uses = {job.rule: job.uses for job in jobs if job.seconds is not None or job.state == RUNNING}
    for job in jobs:
        if job.state in (FINISHED, FAILED):
            continue
        left = _seconds_left_of(job, expected, now)
        if left is None:
            return None
        longest = max(longest, left)
        for resource, used in uses.get(job.rule, job.uses).items():
            needed[resource] += left * used
    return max([longest, *(needed[name] / total for name, total in totals.items() if total)])


def _seconds_left_of(job: JobStatus, expected: Callable[[JobStatus], float | None], now: float) -> float | None:
    """Seconds that one job still needs; None if this is not known."""
    left = _measured_by_itself(job, now)
    if left is None and (left := expected(job)) is not None and job.state == RUNNING:
        left = max(0.0, left - (now - job.began))
    return left


def _measured_by_itself(job: JobStatus, now: float) -> float | None:
    """Seconds that a training job still needs at its own rate; None before its first epoch, and for other jobs."""
    progress = job.progress
    if job.state != RUNNING or progress is None or progress.epoch == 0:
        return None
    return max(0.0, progress.left - (now - job.progress_at))


def _durations(jobs: Iterable[JobStatus], now: float) -> dict[Kind, list[float]]:
    """By kind, how long its finished jobs took, or else how long its training jobs will have taken at their rates."""
    finished, at_their_rates = defaultdict(list), defaultdict(list)
    for job in jobs:
        if job.state == FINISHED:
            finished[job.kind].append(job.seconds)
        elif (left := _measured_by_itself(job, now)) is not None:
            at_their_rates[job.kind].append(now - job.began + left)
    return {**at_their_rates, **finished}


def _expected_seconds(
    durations: Mapping[Kind, list[float]], sizes: Mapping[Kind, float]
) -> Callable[[JobStatus], float | None]:
    """A function from a job to its expected duration.

    This is the mean of the jobs of its kind, or else of its rule, in proportion to the size of the network, or else the
    mean of all measured rules except training. Training takes much longer than other jobs, so nothing else gives an
    idea of it.
    """
    by_rule, per_size = defaultdict(list), defaultdict(list)
    for kind, values in durations.items():
        by_rule[kind[0]] += values
        per_size[kind[0]] += [seconds / sizes[kind] for seconds in values]
    of_others = [fmean(values) for rule, values in by_rule.items() if rule != TRAIN]
    means = {kind: fmean(values) for kind, values in durations.items()}
    rates = {rule: fmean(values) for rule, values in per_size.items()}

    def expected(job: JobStatus) -> float | None:
        if job.kind in durations:
            return means[job.kind]
        if job.rule in per_size:
            return job.size * rates[job.rule]
        return fmean(of_others) if of_others and job.rule != TRAIN else None

    return expected
