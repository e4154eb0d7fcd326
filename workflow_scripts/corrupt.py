"""Choose the training samples and corrupt their labels."""

import logging

import pandas as pd

from epochwise import datasets, label_noise, runtime, tables

with runtime.job(snakemake) as spec:
    labels = datasets.read_labels(snakemake.input.train)
    _, class_names = datasets.read_metadata(snakemake.input.train)
    index = label_noise.stratified_subset(labels, spec["subset"]["size"], spec["subset"]["seed"])
    true = labels[index]
    given = label_noise.corrupt(true, spec["kind"], spec["rate"], len(class_names), *spec["seeds"])
    noisy = given != true
    table = pd.DataFrame({"index": index, "true_label": true, "given_label": given, "is_noisy": noisy})
    tables.write(table, "labels", snakemake.output.labels)
    logging.info("%d samples, noise rate asked %.4f, achieved %.4f", len(index), spec["rate"], noisy.mean())
