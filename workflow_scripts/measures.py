"""Compute the chosen measures of every layer of one run."""

from contextlib import ExitStack

import torch

from epochwise.activations.measure_tables import GRAMS, LAYER_MEASURES
from epochwise.activations.measuring import measure_run
from epochwise.data import image_table
from epochwise.data.corruption import LABELS
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings, ExitStack() as files:
    torch.set_num_threads(snakemake.threads)
    given, made = snakemake.input, snakemake.output
    schemas = {"measures": LAYER_MEASURES, "grams": GRAMS}
    writers = {name: files.enter_context(tables.writer(schema, made[name])) for name, schema in schemas.items()}
    images, labels = image_table.read(given.train), tables.read(given.labels, LABELS)
    measure_run(given.snapshots, images, labels, settings["measures"], lambda name, rows: writers[name](rows))
