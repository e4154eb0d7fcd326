"""Shows Snakemake's messages: in a terminal as a live view, elsewhere as plain lines."""

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_epochwise import text
from snakemake_logger_plugin_epochwise.closing import closing_lines
from snakemake_logger_plugin_epochwise.failures import failure_lines, message_in
from snakemake_logger_plugin_epochwise.jobs import FAILED, FINISHED, LIMITED, JobStatus, RunStatus, chosen_experiments
from snakemake_logger_plugin_epochwise.time_left import seconds_left

JOBS_LISTED = "epochwise_jobs"  # the message of `list_jobs` in rules/targets.smk
# How messages begin that say nothing about this run, or what is shown in another form. All others are shown.
_NOT_SHOWN = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Using shell",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Group jobs: inactive",
    "Select jobs to execute",
    "Complete log",
    "Elapsed time",
    "Exiting because a job execution failed",
    "Job rate limit reached",
)
_LISTED = 10  # failed jobs in the closing lines
_STYLES = {logging.WARNING: "yellow", logging.ERROR: "red"}
Format = Callable[[logging.LogRecord], str]


def snakemakes_own_output(settings) -> logging.Handler:
    """The handler that Snakemake uses without a plugin."""
    from snakemake.logging import ColorizingTextHandler

    return ColorizingTextHandler(nocolor=settings.nocolor, stream=sys.stdout if settings.stdout else sys.stderr)


class Display:
    """Keeps account of a run and shows it on standard error."""

    def __init__(self, colors: bool):
        self.run = RunStatus(began=time.monotonic())
        self.colors = colors
        self.view = None  # the live view, once jobs begin, if this is a terminal
        self.changing = threading.Lock()  # because a thread of its own draws the view
        self.failures: dict[tuple[str, str], JobStatus] = {}
        self.exit_status = ""  # of the job that has failed last, as Snakemake describes it
        self.nothing_to_do = self.stopped = False

    def show(self, record: logging.LogRecord, format: Format) -> None:
        """Take account of a message, and show it if it is of interest."""
        handle = {
            LogEvent.RUN_INFO: self._planned,
            LogEvent.RESOURCES_INFO: self._resources,
            LogEvent.JOB_INFO: self._started,
            LogEvent.JOB_FINISHED: self._finished,
            LogEvent.JOB_ERROR: self._failed,
            LogEvent.GROUP_ERROR: self._group_failed,
            LogEvent.ERROR: self._error,
            JOBS_LISTED: self._listed,
            None: self._message,
        }.get(getattr(record, "event", None))
        if handle is not None:
            handle(record, format)

    def _planned(self, record, format: Format) -> None:
        counts = {rule: count for rule, count in record.stats.items() if rule != "total"}
        with self.changing:
            self.run.counts = counts
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from snakemake_logger_plugin_epochwise.view import LiveView

            self.view = LiveView(self.run, chosen_experiments(), self.changing, self.colors)
            atexit.register(self.close)  # so that an error of Snakemake itself is seen
            return
        rules = ", ".join(f"{rule} {count}" for rule, count in counts.items())
        cores = f" on {self.run.totals['cores']} cores" if "cores" in self.run.totals else ""
        self._print(f"{self.run.total} jobs{cores}: {rules}")

    def _listed(self, record, format: Format) -> None:
        with self.changing:
            self.run.plan(record.jobs)

    def _resources(self, record, format: Format) -> None:
        found = {**getattr(record, "provided_resources", {}), "cores": getattr(record, "cores", None)}
        with self.changing:
            self.run.totals.update({name: found[name] for name in LIMITED if found.get(name)})

    def _started(self, record, format: Format) -> None:
        with self.changing:
            self.run.start(vars(record), time.monotonic())

    def _finished(self, record, format: Format) -> None:
        with self.changing:
            job = self.run.end(record.job_id, FINISHED, time.monotonic())
            done = len(self.run.in_state(FINISHED))
        if job is None:
            return
        self.failures.pop((job.rule, job.name), None)  # It may have failed before this attempt.
        if self.view is None and job.rule != "all":
            self._print(text.finished_line(job, done, self.run.total, self._seconds_left()))

    def _seconds_left(self) -> float | None:
        with self.changing:
            now = time.monotonic()
            self.run.read_all_progress(now)
            return seconds_left([*self.run.jobs.values(), *self.run.unlisted()], self.run.totals, now)

    def _failed(self, record, format: Format) -> None:
        with self.changing:
            job = self.run.end(record.jobid, FAILED, time.monotonic())
        if job is None:
            return
        message = message_in(job.log.text()) if job.log else ""
        if message.startswith("Stopped by"):
            self._stop()  # Ctrl-C reaches a training job too, and it may end before Snakemake says so.
        if self.stopped:
            return
        self.failures[job.rule, job.name] = job
        if record.indent and not message:
            return  # Snakemake names all jobs of a group, also those that have not failed.
        self._print(f"FAILED  {job.rule} {job.name}  after {text.duration(job.seconds)}", style="bold red")
        for line in failure_lines(job, record.log, self.exit_status, sys.argv):
            self._print(f"  {line}")

    def _group_failed(self, record, format: Format) -> None:
        logs = f"  Log: {', '.join(record.aux_logs)}" if record.aux_logs else ""
        self._print(f"FAILED  a group of {len(record.job_error_info)} jobs{logs}", style="bold red")

    def _error(self, record, format: Format) -> None:
        message = format(record)
        if "CalledProcessError" in message:  # The message about the failed job follows.
            self.exit_status = message.strip().splitlines()[-1].rpartition("' ")[2]
        elif not ((self.failures or self.stopped) and "At least one job did not complete successfully" in message):
            self._print(message, style="red")

    def _message(self, record, format: Format) -> None:
        message = format(record)
        self.nothing_to_do |= message.startswith("Nothing to be done")
        if message.startswith("Terminating processes on user request"):
            self._stop()
        if message and not message.startswith(_NOT_SHOWN):
            self._print(message, style=_STYLES.get(record.levelno, ""))

    def _stop(self) -> None:
        """The user ends the run: from now on, jobs only report where they were stopped."""
        self.stopped = True
        if self.view is not None:
            self.view.stopped = True

    def _print(self, line: str, style: str = "") -> None:
        """Write a line, above the view if there is one."""
        if self.view is not None:
            self.view.print(line, style)
        else:
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the view and say how the run has ended. Only the first call does."""
        if self.view is not None:
            self.view.close()
            self.view = None
        for line in self._closing():
            self._print(line)
        self.run, self.nothing_to_do = RunStatus(began=0), False

    def _closing(self) -> list[str]:
        run, done = self.run, len(self.run.in_state(FINISHED))
        if self.nothing_to_do:
            return closing_lines(chosen_experiments(), Path("results")) if "all" in sys.argv else []
        if not run.counts:
            return []
        ran = f"{done} of {run.total} jobs finished in {text.duration(time.monotonic() - run.began)}"
        if self.stopped or (done < run.total and not self.failures):
            return [f"Stopped: {ran}. The same command continues."]
        if self.failures:
            failed = [f"FAILED  {rule} {name}" for rule, name in self.failures][:_LISTED]
            return [f"{ran}, {len(self.failures)} failed:", *failed, "The messages are above."]
        return [f"{ran}.", *(closing_lines(chosen_experiments(), Path("results")) if "all" in run.counts else [])]
