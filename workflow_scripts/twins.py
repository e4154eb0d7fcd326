"""Compare each run with its twin without noise, and find where the differences between runs come from."""

from epochwise.findings import twins
from epochwise.findings.summary import SCHEMAS
from epochwise.training.history import HISTORY
from epochwise.workflow.job import job
from epochwise.workflow.tables import read, read_runs, write

with job(snakemake) as spec:
    given = snakemake.input
    history = read_runs(given.history, spec["runs"], HISTORY)
    table = twins.gaps(history, read(given.about_runs, SCHEMAS["runs"]), spec["twin"])
    phases = read(given.phases, SCHEMAS["phases_by_seed"])
    recovery = phases[(phases["metric"] == "accuracy") & (phases["quantity"] == "recovery")]
    keys = ["noise", "model", "seed"]
    by_run = table[[*keys, "test_error"]].merge(recovery.rename(columns={"value": "recovery"})[[*keys, "recovery"]])
    results = {
        "twins": twins.twins(table, spec["classes"], spec["margin"], spec["level"]),
        "variance": twins.variance(by_run, spec["draws"]),
    }
    for name, found in results.items():
        write(found, twins.SCHEMAS[name], snakemake.output[name])
