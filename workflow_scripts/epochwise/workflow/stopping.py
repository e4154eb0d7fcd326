"""Ending the workflow with all its jobs."""

import contextlib
import signal


def stop_jobs_on_sigterm() -> None:
    """Let `kill` end the workflow as Ctrl-C does. Snakemake itself would wait until all running jobs have finished.

    Only the youngest processes get the signal. A shell between them and Snakemake would end without its job.
    """
    import psutil  # a dependency of Snakemake, which jobs of other environments lack

    def stop(number, frame):
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if not process.children():
                    process.terminate()
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
