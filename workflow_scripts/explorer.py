"""The explorer: one page with the curves, layers, neurons and samples of an experiment at any epoch."""

from epochwise.data import image_table
from epochwise.findings.summarize import SCHEMAS
from epochwise.report import explorer, explorer_data
from epochwise.workflow import tables
from epochwise.workflow.files import atomic
from epochwise.workflow.job import job

OVER_SEEDS = ("curves", "phases", "phases_by_seed", "separation", "outliers", "runs")

with job(snakemake) as settings:
    given = snakemake.input
    names = explorer_data.RunFiles.__annotations__
    files = [
        explorer_data.RunFiles(*paths) for paths in zip(*[given[f"{name}_of_runs"] for name in names], strict=True)
    ]
    over_seeds = {name: tables.read(given[name], SCHEMAS[name]) for name in OVER_SEEDS}
    data = explorer_data.page_data(settings["runs"], files, over_seeds, image_table.read(given.train_images))
    page = explorer.page(snakemake.wildcards.experiment, settings["level"], data)
    with atomic(snakemake.output.html) as temporary:
        temporary.write_text(page, encoding="utf-8")
