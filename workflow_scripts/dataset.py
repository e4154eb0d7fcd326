"""Write a data set in the workflow's own table layout."""

import logging

from epochwise.data import image_table
from epochwise.data.loading import load
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings:
    train, test, digest = load(**{key: value for key, value in settings.items() if key != "sizes"})
    for images, path in ((train, snakemake.output.train), (test, snakemake.output.test)):
        tables.write_arrow(image_table.to_table(images, settings["source"], digest), path)
        logging.info("%s: %d images of shape %s", path, len(images.labels), images.shape)
    logging.info("sha256 of the content: %s", digest)
