"""Figures, tables, claims, configuration and records of one experiment in one file."""

from pathlib import Path

from epochwise import archive, runtime

with runtime.job(snakemake) as spec:
    records = Path("results/provenance")
    own = records.rglob(f"{snakemake.wildcards.experiment}/**/[!.]*.json")
    whole = records.glob(f"*/{snakemake.wildcards.experiment}.json")
    data = records.glob(f"*/{spec['dataset']['name']}.json")
    made = {path for found in (own, whole, data) for path in found if path.parts[2] != "archive"}
    archive.pack([*set(snakemake.input), *made], spec, snakemake.output.archive)
