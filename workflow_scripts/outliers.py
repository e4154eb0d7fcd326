"""Find the large neuron of each layer of one run, and what its activation follows."""

from epochwise.activations.tables import NEURONS, OUTPUTS, SAMPLES
from epochwise.analysis import large_activation, outliers
from epochwise.data.corruption import LABELS
from epochwise.data.features import FEATURES
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings:
    given, made, options = snakemake.input, snakemake.output, settings["outliers"]
    found = outliers.outliers(tables.read(given.neurons, NEURONS), options["massive_value"], options["massive_ratio"])
    tables.write(found, outliers.OUTLIERS, made.outliers)
    followed = large_activation.input_output_association(
        tables.read(given.samples, SAMPLES),
        outputs=tables.read(given.outputs, OUTPUTS),
        labels=tables.read(given.labels, LABELS),
        features=tables.read(given.features, FEATURES),
        folds=options["folds"],
        ridge=options["ridge"],
    )
    tables.write(followed, large_activation.LARGE_ACTIVATION, made.large_activation)
