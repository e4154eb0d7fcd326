"""Durations and jobs in words."""

from collections.abc import Mapping

from snakemake_logger_plugin_epochwise.jobs import JobStatus

SUBSETS = {"clean": "clean", "noisy_given": "noisy (given label)", "noisy_true": "noisy (true label)", "test": "test"}


def duration(seconds: float) -> str:
    """A duration in two units, for instance "41 s", "3 min 05 s", "2 h 10 min" or "1 d 04 h"."""
    seconds = round(seconds)
    for size, unit, below, unit_below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // below:02d} {unit_below}"
    return f"{seconds} s"


def time_left(seconds: float | None) -> str:
    """The estimate for the whole run in words."""
    return "time left not known yet" if seconds is None else f"about {duration(seconds)} left"


def accuracies(values: Mapping[str, float]) -> str:
    """Accuracies of a training job, for instance "accuracy: clean 0.98, test 0.83"."""
    shown = ", ".join(f"{name} {values[subset]:.2f}" for subset, name in SUBSETS.items() if subset in values)
    return f"accuracy: {shown}" if shown else ""


def finished_line(job: JobStatus, done: int, total: int, left: float | None) -> str:
    """One line about a job that has finished."""
    parts = [f"{done} of {total}", f"{job.rule} {job.name}".strip(), duration(job.seconds)]
    if job.progress is not None:
        parts.append(accuracies(job.progress.accuracies))
    if done < total:
        parts.append(time_left(left))
    return "  ".join(filter(None, parts))
