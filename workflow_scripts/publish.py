"""Publish the files of one trained network as the results of its run."""

from pathlib import Path

from epochwise.training import folders
from epochwise.workflow.files import lock
from epochwise.workflow.job import job

with job(snakemake) as settings:
    trained = Path(snakemake.input.manifest)
    folder = folders.training_folder(trained)
    held = lock(folder.with_suffix(".lock"))
    results = {name: Path(path) for name, path in snakemake.output.items()}
    folders.publish(trained, folder / f"seed{snakemake.wildcards.seed}", settings["model"]["training"], **results)
