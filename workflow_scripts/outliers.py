"""Find the large neuron of each layer of one run, and what its activation follows."""

from epochwise.activations.tables import NEURONS, OUTPUTS, SAMPLES
from epochwise.analysis import large_activation, outliers
from epochwise.data.corruption import LABELS
from epochwise.data.features import FEATURES
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as spec:
    given, made = snakemake.input, snakemake.output
    found = outliers.outliers(tables.read(given.neurons, NEURONS), spec["massive_value"], spec["massive_ratio"])
    tables.write(found, outliers.OUTLIERS, made.outliers)
    followed = large_activation.what_it_follows(
        tables.read(given.samples, SAMPLES),
        outputs=tables.read(given.outputs, OUTPUTS),
        labels=tables.read(given.labels, LABELS),
        features=tables.read(given.features, FEATURES),
        folds=spec["folds"],
        ridge=spec["ridge"],
    )
    tables.write(followed, large_activation.LARGE_ACTIVATION, made.large_activation)
