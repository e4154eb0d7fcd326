"""Pack figures, tables, claims, configuration and records of one experiment into one file."""

from pathlib import Path

from epochwise.workflow import archive, verify
from epochwise.workflow.job import job

with job(snakemake) as spec:
    results = Path(snakemake.output.archive).parents[1]
    records = verify.records_behind(snakemake.input, verify.read_records(results), results.parent)
    archive.pack([*snakemake.input, *records], spec, snakemake.output.archive)
