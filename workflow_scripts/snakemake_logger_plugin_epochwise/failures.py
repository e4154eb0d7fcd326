"""What a failed job says, and the command that runs it again."""

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from snakemake_logger_plugin_epochwise.jobs import JobStatus

_LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ")
# Options of Snakemake that decide what a job does or where it runs, and how many values each has.
_KEPT = {
    ("--snakefile", "-s"): None,
    ("--directory", "-d"): None,
    ("--profile",): None,
    ("--workflow-profile",): None,
    ("--configfile", "--configfiles"): "+",
    ("--config", "-C"): "*",
    ("--software-deployment-method", "--sdm"): "+",
}


def failure_lines(job: JobStatus, logs: Sequence[str], exit_status: str, argv: Sequence[str]) -> list[str]:
    """What a failed job says, where its logs are, and the command that runs it again.

    Args:
        job: the job.
        logs: its own log, and on a cluster that of the scheduler.
        exit_status: how its process ended, for instance "died with <Signals.SIGKILL: 9>."; empty if unknown.
        argv: how Snakemake was called, see `command_for`.
    """
    message = message_in(job.log.text()) if job.log is not None else ""
    lines = (message or f"Its log has no message. {exit_status}".strip()).splitlines()
    if logs:
        lines.append(f"Log: {', '.join(logs)}")
    if job.outputs:
        lines.append(f"Run it again: {command_for(job.outputs[0], int(job.uses['cores']), argv)}")
    return lines


def message_in(log: str) -> str:
    """The message with which a job ended: what its log holds after the last line with a time.

    Of a traceback this is the last line, for instance "ValueError: ...". Empty if the log has no message.
    """
    lines = log.rstrip().splitlines()
    starts = [number for number, line in enumerate(lines) if _LOG_LINE.match(line)]
    message = lines[starts[-1] + 1 :] if starts else lines
    if "Traceback (most recent call last):" in message:
        ends = [number for number, line in enumerate(message) if line and not line[0].isspace()]
        message = message[ends[-1] :]
    return "\n".join(message).strip()


def command_for(target: str, threads: int, argv: Sequence[str]) -> str:
    """The command that runs one job again.

    Args:
        target: a file that the job makes.
        threads: the number of cores that the job had, because another number can change the last digits.
        argv: how Snakemake was called, for instance [".venv/bin/snakemake", "--cores", "8", "all"]. Configuration,
            profiles and folders are taken from here.
    """
    parser = argparse.ArgumentParser(add_help=False)
    for names, values in _KEPT.items():
        parser.add_argument(*names, nargs=values, dest=names[0])
    given = vars(parser.parse_known_args(argv[1:])[0])
    program = ["python", "-m", "snakemake"] if Path(argv[0]).name == "__main__.py" else [argv[0]]
    words = [*program, "--cores", str(threads), target]
    for option, value in given.items():
        if value:
            words += [option, *([value] if isinstance(value, str) else value)]
    return shlex.join(words)
