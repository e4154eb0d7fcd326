"""Pack figures, tables, claims, configuration and records of one experiment into one file."""

from pathlib import Path

from epochwise.workflow import archive, verify
from epochwise.workflow.job import job

with job(snakemake) as settings:
    results = Path(snakemake.output.archive).parents[1]
    records = verify.trace_records(snakemake.input, verify.read_records(results), results.parent)
    archive.pack([*snakemake.input, *records], settings["experiment"], snakemake.output.archive)
