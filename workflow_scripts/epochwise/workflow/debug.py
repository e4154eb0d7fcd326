"""Run the job that makes one file in this process, so that a debugger can step through its script.

From the folder that contains `results`:

    PYTHONPATH=workflow_scripts python -m pdb -m epochwise.workflow.debug results/digits/claims.md

In an editor, start the module `epochwise.workflow.debug` with the same argument and set break points. The inputs of the
job must exist. The job runs as in the workflow: it writes its results, its log and its record.
"""

import argparse
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from epochwise.workflow.code import SCRIPTS
from epochwise.workflow.config_text import check_file
from epochwise.workflow.cores import usable_cores
from epochwise.workflow.errors import InputError


def job_of(target: str, configfiles: Sequence[Path] = ()):
    """The job that makes a file: the name of its script, and the object `snakemake` that the script reads.

    Args:
        target: path of the file as in the rules, relative to the working directory.
        configfiles: configuration files, as for `--configfile`.

    Raises:
        InputError: no rule makes the file, or an input of the job is missing.
    """
    from snakemake.api import Workflow
    from snakemake.dag import DAG
    from snakemake.iocontainers import Snakemake
    from snakemake.jobs import Job
    from snakemake.logging import LoggerManager, logger
    from snakemake.settings import types as settings

    workflow = Workflow(
        config_settings=settings.ConfigSettings(configfiles=configfiles),
        resource_settings=settings.ResourceSettings(cores=usable_cores()),
        workflow_settings=settings.WorkflowSettings(),
        logger_manager=LoggerManager(logger, settings.OutputSettings()),
        dag_settings=settings.DAGSettings(),
        storage_settings=settings.StorageSettings(),
        storage_provider_settings={},
    )
    workflow.include(str(SCRIPTS.parent / "Snakefile"))
    rule = next((rule for rule in workflow.rules if rule.is_producer(target)), None)
    if rule is None:
        raise InputError(f"No rule makes {target}. Take one of the outputs that `snakemake --dry-run all` lists.")
    job = Job(rule, DAG(workflow, rules=workflow.rules), wildcards_dict=rule.get_wildcards(target))
    if missing := [path for path in job.input if not Path(path).exists()]:
        raise InputError(f"{missing[0]} is missing. Make it first: snakemake --cores 1 {missing[0]}")
    for path in [*job.output, *job.log]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(rule.script).name, Snakemake(
        job.input, job.output, job.params, job.wildcards, job.threads, job.resources, job.log, {}, rule.name, None,
        SCRIPTS,
    )  # fmt: skip


def main() -> None:
    """Run the script of the job that makes the file on the command line."""
    parser = argparse.ArgumentParser("epochwise.workflow.debug", description="Run one job in this process.")
    parser.add_argument("target", help="a file that the job makes, such as results/digits/claims.md")
    parser.add_argument("--configfile", type=Path, nargs="+", default=[])
    arguments = parser.parse_args()
    from snakemake.exceptions import WorkflowError

    try:
        for path in arguments.configfile:
            check_file(path)
        script, snakemake = job_of(arguments.target, arguments.configfile)
    except (InputError, OSError, WorkflowError) as error:
        sys.exit(str(error).partition("\nTraceback:")[0])  # Snakemake appends the lines of its rules
    runpy.run_path(str(SCRIPTS / script), {"snakemake": snakemake})


if __name__ == "__main__":
    main()
