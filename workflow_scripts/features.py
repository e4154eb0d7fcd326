"""Pixel statistics and principal components of the training images."""

from epochwise import datasets, features, runtime, tables

with runtime.job(snakemake) as spec:
    images = datasets.read(snakemake.input.train)
    tables.write(features.input_features(images.pixels, spec["components"]), "features", snakemake.output.features)
