"""Edit the large neuron of one run at several epochs, and describe its weights."""

import numpy as np

from epochwise.activations.edit_tables import ANATOMY, ANATOMY_IMAGES, INTERVENTIONS
from epochwise.activations.interventions import EditedSamples, examine
from epochwise.activations.tables import NEURONS
from epochwise.analysis.outliers import OUTLIERS, large_neuron
from epochwise.data import image_table
from epochwise.data.corruption import LABELS
from epochwise.data.features import FEATURES
from epochwise.training.device import choose_device
from epochwise.workflow import tables
from epochwise.workflow.job import job

SCHEMAS = {"interventions": INTERVENTIONS, "anatomy": ANATOMY, "anatomy_images": ANATOMY_IMAGES}

with job(snakemake) as settings:
    given = snakemake.input
    device = choose_device("auto" if snakemake.resources.get("gpu", 0) else "cpu", snakemake.threads)
    labels = tables.read(given.labels, LABELS)
    images = [image_table.read(path) for path in (given.train, given.test)]
    data = EditedSamples(given.snapshots, *images, labels, device)
    components = np.stack(tables.read(given.features, FEATURES)["components"])[labels["index"], 0]
    neurons, outliers = tables.read(given.neurons, NEURONS), tables.read(given.outliers, OUTLIERS)
    layer, large = large_neuron(outliers)
    settings = settings["interventions"]
    found = examine(given.snapshots, data, neurons, outliers, components, settings, layer=layer, large=large)
    for name, schema in SCHEMAS.items():
        tables.write(found[name], schema, snakemake.output[name])
