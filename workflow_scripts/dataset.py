"""Bring one data set into the workflow's own table layout."""

import logging

from epochwise import datasets, runtime, tables

with runtime.job(snakemake) as spec:
    train, test, digest = datasets.load(spec["source"], spec["path"], spec["sha256"])
    for images, path in ((train, snakemake.output.train), (test, snakemake.output.test)):
        tables.write_arrow(datasets.to_table(images, spec["source"], digest), path)
        logging.info("%s: %d images of shape %s", path, len(images.labels), images.shape)
    logging.info("sha256 of the content: %s", digest)
