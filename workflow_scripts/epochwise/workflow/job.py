"""What every job does around its work: it writes a log, holds a lock and leaves a record of its results."""

import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from epochwise.workflow import code, records
from epochwise.workflow.errors import InputError
from epochwise.workflow.files import atomic, lock

_BEGAN = time.perf_counter()
_WATCH_SECONDS = 1.0


@contextmanager
def job(snakemake) -> Iterator[dict]:
    """Run the body of a rule's script; yields the settings that the rule names.

    Log lines go to the rule's log, warnings to standard error too. An error ends the job: the message of an InputError,
    or the traceback of any other error, goes to the log, which Snakemake shows, or to standard error if the disk is
    full. After success a record of what the results were made from is written to `records.record_path`. The same job
    does not begin again until this one has ended, and it ends if Snakemake does. It does not begin if its code is not
    the code that was planned.
    """
    log = Path(snakemake.log[0])
    file = _log_to(log)
    held = None
    try:
        held = lock(log.with_name(f".{log.stem}.lock"))
        file.stream.truncate(0)  # only now, because until here another job may have written to this file
        _end_with_snakemake()
        code.require_library_of(snakemake.scriptdir)
        code.require_unchanged(snakemake.params.code)
        yield records.read_settings(snakemake.params)
        write_json(records.of_job(snakemake), records.record_path(log))
    except Exception as error:
        message = f"{error}\n" if isinstance(error, InputError) else traceback.format_exc()
        try:
            file.stream.write(message)
            file.stream.flush()
        except OSError:  # a full disk takes no log
            sys.stderr.write(message)
        raise SystemExit(1) from error
    finally:
        if held is not None:
            held.release()


def _log_to(path: Path) -> logging.FileHandler:
    """Send log lines to a file, and warnings to standard error too."""
    file = logging.FileHandler(path, mode="a", encoding="utf-8")
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S", handlers=[file, terminal]
    )
    logging.captureWarnings(True)
    return file


def _end_with_snakemake() -> None:
    """Send SIGTERM to this process when the Snakemake that started it has ended, even by SIGKILL.

    The number of Snakemake's process is in the variable EPOCHWISE_SNAKEMAKE, which rules/setup.smk sets. Training
    saves its state on SIGTERM. Other jobs just end, because nobody waits for their results. Nothing is watched if this
    process cannot see Snakemake's, for instance from inside a container.
    """
    snakemake = int(os.environ.get("EPOCHWISE_SNAKEMAKE", os.getppid()))
    if not _is_running(snakemake):
        return

    def watch() -> None:
        while _is_running(snakemake):
            time.sleep(_WATCH_SECONDS)
        logging.warning("Snakemake has ended, and so does this job.")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a process of another user: this number has been given to a new process
        return False
    return True


def write_json(value: Mapping, path: str | Path) -> None:
    """Write JSON atomically, indented."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def elapsed() -> dict:
    """Wall and CPU seconds of this job so far."""
    return {
        "wall_seconds": round(time.perf_counter() - _BEGAN, 3),
        "cpu_seconds": round(time.process_time(), 3),
    }
