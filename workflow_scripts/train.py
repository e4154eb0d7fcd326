"""Train the networks of one job: one seed of a model, or all of them side by side."""

from pathlib import Path

from epochwise.training import folders
from epochwise.training.run import Inputs, train_networks
from epochwise.workflow.files import lock
from epochwise.workflow.job import job

with job(snakemake) as settings:
    model = {**settings["model"], "seeds": settings["seeds"]}
    manifest = Path(snakemake.output.manifest)
    folder = folders.training_folder(manifest)
    held = lock(folder.with_suffix(".lock"))
    train_networks(
        folder,
        model,
        Inputs(**snakemake.input),
        code=snakemake.params.code,
        threads=snakemake.threads,
        resources=dict(snakemake.resources),
    )
    folders.write_manifest(manifest, folders.trained_files(folder, model["seeds"], model["training"]))
