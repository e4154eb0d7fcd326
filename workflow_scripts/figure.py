"""One figure, and exactly the numbers drawn in it."""

import importlib

from epochwise.data import image_table
from epochwise.data.corruption import LABELS
from epochwise.figures import theme
from epochwise.findings.drawn import SCHEMAS
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings, theme.use_theme():
    inputs = {
        name: image_table.read(path) if name == "train_images" else tables.read(path, SCHEMAS[name])
        for name, path in snakemake.input.items()
        if name != "labels"
    }
    if settings["noises"]:
        paths = zip(settings["noises"], snakemake.input.labels, strict=True)
        inputs["labels"] = {noise: tables.read(path, LABELS) for noise, path in paths}
    # Imported by name, because an import of all figures would redraw all of them after an edit of one.
    module = importlib.import_module(f"epochwise.figures.{snakemake.wildcards.figure}")
    figure, numbers = module.draw(inputs, settings["shown"], settings["options"])
    output = snakemake.output
    theme.save(figure, numbers, output.pdf, output.png, output.csv, settings["dpi"])
