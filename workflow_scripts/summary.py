"""All runs of one experiment, over seeds."""

from epochwise import runtime, summary, tables

with runtime.job(snakemake) as spec:
    runs, level = spec["runs"], spec["level"]
    history = tables.read_runs(snakemake.input.history, runs, "history")
    by_seed = summary.phases_by_seed(history, spec["phases"])
    phase_keys = [*summary.RUN, "metric", "quantity"]
    ends = [("epoch", "in", [0, int(history["epoch"].max())])]
    results = {
        "curves": summary.curves(history, level),
        "phases": summary.over_seeds(by_seed, phase_keys, "value", level),
        "separation": summary.separation(tables.read_runs(snakemake.input.separation, runs, "separation"), level),
        "outliers": summary.outliers(tables.read_runs(snakemake.input.outliers, runs, "outliers"), level),
        "peaks": summary.peaks(tables.read_runs(snakemake.input.neurons, runs, "neurons", filters=ends), level),
        "large_activation": summary.large_activation(
            tables.read_runs(snakemake.input.large_activation, runs, "large_activation"), level
        ),
    }
    for name, table in results.items():
        tables.write(table, f"summary_{name}", snakemake.output[name])
    tables.write(by_seed, "phases_by_seed", snakemake.output.phases_by_seed)
