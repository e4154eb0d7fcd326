"""Clean against noisy mean signals of one run."""

from epochwise import runtime, separation, tables

with runtime.job(snakemake) as spec:
    class_means = tables.read(snakemake.input.class_means, "class_means")
    neurons = tables.read(snakemake.input.neurons, "neurons", ["epoch", "layer", "neuron", "max", "mean"])
    result = separation.separation(class_means, neurons, spec["min_samples"])
    tables.write(result, "separation", snakemake.output.separation)
