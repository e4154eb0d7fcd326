"""Compare the mean signals of clean and noisy data of one run."""

from epochwise.activations.tables import CLASS_MEANS, NEURONS
from epochwise.analysis.separation import SEPARATION, separation
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings:
    class_means = tables.read(snakemake.input.class_means, CLASS_MEANS)
    neurons = tables.read(snakemake.input.neurons, NEURONS, ["epoch", "layer", "neuron", "max", "mean"])
    result = separation(class_means, neurons, settings["separation"]["min_samples"])
    tables.write(result, SEPARATION, snakemake.output.separation)
