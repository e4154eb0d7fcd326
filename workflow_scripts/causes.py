"""Bring the interventions of all runs of an experiment together over seeds."""

from epochwise.activations.edit_tables import ANATOMY, INTERVENTIONS
from epochwise.analysis.outliers import OUTLIERS
from epochwise.findings import causes
from epochwise.findings.summary import SCHEMAS
from epochwise.workflow.job import job
from epochwise.workflow.tables import read, read_runs, write

with job(snakemake) as spec:
    given, runs = snakemake.input, spec["runs"]
    outliers, anatomy = read_runs(given.outliers, runs, OUTLIERS), read_runs(given.anatomy, runs, ANATOMY)
    phases = read(given.phases, SCHEMAS["phases_by_seed"])
    interventions = read_runs(given.interventions, runs, INTERVENTIONS)
    results = {
        "interventions": causes.interventions(interventions, spec["level"]),
        "anatomy": causes.anatomy(anatomy, outliers, phases),
    }
    for name, table in results.items():
        write(table, causes.SCHEMAS[name], snakemake.output[name])
