"""The large activation of one run, and what it follows."""

from epochwise import outliers, runtime, tables

with runtime.job(snakemake) as spec:
    neurons = tables.read(snakemake.input.neurons, "neurons")
    found = outliers.outliers(neurons, spec["massive_value"], spec["massive_ratio"])
    tables.write(found, "outliers", snakemake.output.outliers)
    followed = outliers.what_it_follows(
        tables.read(snakemake.input.samples, "samples"),
        tables.read(snakemake.input.outputs, "outputs"),
        tables.read(snakemake.input.labels, "labels"),
        tables.read(snakemake.input.features, "features"),
        spec["folds"],
        spec["ridge"],
    )
    tables.write(followed, "large_activation", snakemake.output.large_activation)
