"""Choose the training samples and corrupt their labels."""

import logging

import pandas as pd

from epochwise.data import image_table
from epochwise.data.corruption import LABELS, corrupt
from epochwise.data.subset import stratified_subset
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as spec:
    labels = image_table.read_labels(snakemake.input.train)
    _, class_names = image_table.read_metadata(snakemake.input.train)
    index = stratified_subset(labels, spec["subset"]["size"], spec["subset"]["seed"])
    true = labels[index]
    given = corrupt(true, len(class_names), spec["noise"], *spec["seeds"])
    noisy = given != true
    table = pd.DataFrame({"index": index, "true_label": true, "given_label": given, "is_noisy": noisy})
    tables.write(table, LABELS, snakemake.output.labels)
    rate = spec["noise"]["rate"]
    logging.info("%d samples, requested noise rate %.4f, achieved %.4f", len(index), rate, noisy.mean())
