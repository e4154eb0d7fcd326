"""Bring the measures of all runs of an experiment together over seeds."""

from epochwise.activations.measure_tables import GRAMS, MEASURES
from epochwise.findings import geometry
from epochwise.workflow.job import job
from epochwise.workflow.tables import read_runs, write

with job(snakemake) as spec:
    given, runs, level = snakemake.input, spec["runs"], spec["level"]
    results = {
        "measures": geometry.measures(read_runs(given.measures, runs, MEASURES), level),
        "similarity": geometry.similarities(read_runs(given.grams, runs, GRAMS), level),
    }
    for name, table in results.items():
        write(table, geometry.SCHEMAS[name], snakemake.output[name])
