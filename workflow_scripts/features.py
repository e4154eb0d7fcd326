"""Pixel statistics and principal components of the training images."""

from epochwise.data import image_table
from epochwise.data.features import FEATURES, input_features
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings:
    images = image_table.read(snakemake.input.train)
    tables.write(input_features(images.pixels, settings["components"]), FEATURES, snakemake.output.features)
