"""Read the statistics of all layers from the snapshots of one run."""

from epochwise.activations.extraction import SCHEMAS, extract_run
from epochwise.data import image_table
from epochwise.data.corruption import LABELS
from epochwise.training.device import choose_device
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings:
    # A GPU is used only if the rule was given one, because another job may be using it.
    wanted = "auto" if snakemake.resources.get("gpu", 0) else "cpu"
    labels = tables.read(snakemake.input.labels, LABELS)
    extract_run(
        snakemake.input.snapshots,
        images=image_table.read(snakemake.input.train),
        test=image_table.read(snakemake.input.test),
        labels={name: labels[name].to_numpy() for name in labels},
        settings=settings["activations"],
        outputs={name: snakemake.output[name] for name in SCHEMAS},
        device=choose_device(wanted, snakemake.threads),
    )
