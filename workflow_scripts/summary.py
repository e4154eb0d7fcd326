"""Bring all runs of one experiment together over seeds."""

from epochwise.activations.tables import NEURONS
from epochwise.analysis.large_activation import LARGE_ACTIVATION
from epochwise.analysis.outliers import OUTLIERS
from epochwise.analysis.separation import SEPARATION
from epochwise.data.corruption import LABELS
from epochwise.findings import summary
from epochwise.training.history import HISTORY
from epochwise.workflow.job import job
from epochwise.workflow.tables import read, read_runs, write

with job(snakemake) as spec:
    given, runs, level = snakemake.input, spec["runs"], spec["level"]
    history = read_runs(given.history, runs, HISTORY)
    by_seed = summary.phases_by_seed(history, spec["phases"])
    rates = [read(path, LABELS)["is_noisy"].mean() for path in given.labels]
    ends = [("epoch", "in", [0, int(history["epoch"].max())])]
    results = {
        "runs": summary.runs_table(runs, rates, spec["noises"], spec["models"]),
        "curves": summary.curves(history, level),
        "phases": summary.phases_over_seeds(by_seed, level),
        "phases_by_seed": by_seed,
        "separation": summary.separation(read_runs(given.separation, runs, SEPARATION), level),
        "outliers": summary.outliers(read_runs(given.outliers, runs, OUTLIERS), level),
        "peaks": summary.peaks(read_runs(given.neurons, runs, NEURONS, filters=ends), level),
        "large_activation": summary.large_activation(read_runs(given.large_activation, runs, LARGE_ACTIVATION), level),
    }
    for name, table in results.items():
        write(table, summary.SCHEMAS[name], snakemake.output[name])
