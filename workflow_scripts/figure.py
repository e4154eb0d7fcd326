"""One figure, and exactly the numbers drawn in it."""

import importlib

from epochwise import datasets, runtime, tables
from epochwise.figures import theme

NOT_SUMMARIES = ("phases_by_seed", "labels", "samples")

with runtime.job(snakemake) as spec:
    inputs = {}
    for name, path in snakemake.input.items():
        if name == "train_images":
            inputs[name] = datasets.read(path)
        else:
            inputs[name] = tables.read(path, name if name in NOT_SUMMARIES else f"summary_{name}")
    # Imported by name, so that this script does not reach the other figures and an edit redraws only its own.
    module = importlib.import_module(f"epochwise.figures.{snakemake.wildcards.figure}")
    figure, numbers = module.draw(inputs, spec["shown"], spec["options"])
    output = snakemake.output
    theme.save(figure, numbers, output.pdf, output.png, output.csv, spec["dpi"])
