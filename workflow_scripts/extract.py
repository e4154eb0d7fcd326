"""Read the statistics of all layers from the snapshots of one run."""

from epochwise.activations.extraction import SCHEMAS, extract_run
from epochwise.data import image_table
from epochwise.data.corruption import LABELS
from epochwise.training.device import choose_device
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as spec:
    choose_device("cpu", snakemake.threads)
    labels = tables.read(snakemake.input.labels, LABELS)
    extract_run(
        snakemake.input.snapshots,
        image_table.read(snakemake.input.train),
        image_table.read(snakemake.input.test),
        {name: labels[name].to_numpy() for name in labels},
        spec,
        {name: snakemake.output[name] for name in SCHEMAS},
    )
