"""The library behind the workflow: plain functions over arrays and tables, unaware of Snakemake."""
