"""Figures, tables, claims, configuration and records of one experiment in one file."""

from pathlib import Path

from epochwise import archive, provenance, runtime

with runtime.job(snakemake) as spec:
    records = provenance.behind(snakemake.input, provenance.records(Path("results")))
    archive.pack([*snakemake.input, *records], spec, snakemake.output.archive)
