"""What every job does around its work: it writes a log, holds a lock and leaves a record of its results."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from epochwise.workflow import code, records
from epochwise.workflow.errors import InputError
from epochwise.workflow.files import atomic, hold

_BEGAN = time.perf_counter()


@contextmanager
def job(snakemake) -> Iterator[dict]:
    """Run the body of a rule's script, unless its code is no longer what was planned; yields the rule's spec.

    Log lines go to the rule's log, warnings to standard error too. An error ends the job: the message of an InputError,
    the traceback of any other, goes to the log, which Snakemake shows. After success, what the results were made from
    is written to where `records.record_path` says. Until its end no other run of the same job begins.
    """
    log = Path(snakemake.log[0])
    lock = hold(log.with_name(f".{log.stem}.lock"))
    file = logging.FileHandler(log, mode="w", encoding="utf-8")
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S", handlers=[file, terminal]
    )
    logging.captureWarnings(True)
    try:
        code.require_unchanged(snakemake.params.code)
        yield json.loads(snakemake.params.spec)
        write_json(records.of_job(snakemake), records.record_path(log))
    except Exception as error:
        file.stream.write(f"{error}\n" if isinstance(error, InputError) else traceback.format_exc())
        raise SystemExit(1) from error
    finally:
        lock.release()


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
