"""Find the large neuron of each layer of one run, and what its activation follows."""

from epochwise.activations.tables import NEURONS, OUTPUTS, SAMPLES
from epochwise.analysis import large_activation, outliers
from epochwise.data.corruption import LABELS
from epochwise.data.features import FEATURES
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings:
    given, made, options = snakemake.input, snakemake.output, settings["outliers"]
    neurons, samples = tables.read(given.neurons, NEURONS), tables.read(given.samples, SAMPLES)
    labels = tables.read(given.labels, LABELS)
    found = outliers.outliers(neurons, options["massive_value"], options["massive_ratio"], options["large_ratio"])
    tables.write(found, outliers.OUTLIERS, made.outliers)
    by_class = large_activation.large_by_class(samples, labels)
    tables.write(by_class, large_activation.LARGE_BY_CLASS, made.large_by_class)
    followed = large_activation.input_output_association(
        samples,
        outputs=tables.read(given.outputs, OUTPUTS),
        labels=labels,
        features=tables.read(given.features, FEATURES),
        folds=options["folds"],
        ridge=options["ridge"],
    )
    tables.write(followed, large_activation.LARGE_ACTIVATION, made.large_activation)
