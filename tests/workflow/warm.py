"""Snakemake in a process of its own, forked off one that has imported it already.

Two of the three seconds of a start are imports, and the tests start it two hundred times.
"""

import os
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["snakemake.cli", "snakemake.report", "pandas", "jsonschema"])
HANGS = 3600  # seconds after which a process hangs, however slow the machine is


def snakemake(folder: Path, *arguments: str, seconds: float = HANGS) -> tuple[int, str]:
    """Exit status and messages of `snakemake <arguments>` in a folder, its jobs with one thread for matrix products."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as messages:
        process = PROCESSES.Process(target=_main, args=(folder, arguments, messages.name))
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"snakemake {' '.join(arguments)} did not end within {seconds:g} s")
        return process.exitcode, messages.read()


def _main(folder, arguments, messages):
    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = "1"
    written = os.open(messages, os.O_WRONLY | os.O_APPEND)
    os.dup2(written, sys.stdout.fileno())
    os.dup2(written, sys.stderr.fileno())
    from snakemake.cli import main

    sys.argv = ["snakemake", *arguments]
    main(sys.argv[1:])
