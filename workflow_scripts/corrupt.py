"""Choose the training samples and corrupt their labels."""

import logging

import pandas as pd

from epochwise.data import image_table
from epochwise.data.corruption import LABELS, corrupt
from epochwise.data.samples import NoiseInputs
from epochwise.data.subset import stratified_subset
from epochwise.workflow import tables
from epochwise.workflow.job import job

with job(snakemake) as settings:
    files, noise = snakemake.input, settings["noise"]
    labels = image_table.read_labels(files.train)
    _, class_names = image_table.read_metadata(files.train)
    index = stratified_subset(labels, settings["subset"]["size"], settings["subset"]["seed"])
    true = labels[index]
    if "matched_rate" in noise:
        noise["rate"] = float(tables.read(files.matched[0], LABELS)["is_noisy"].mean())
    samples = NoiseInputs(index, class_names, files.train, files.noise)
    given = corrupt(true, len(class_names), {**noise, "samples": samples}, *settings["draw_seeds"])
    noisy = given != true
    table = pd.DataFrame({"index": index, "true_label": true, "given_label": given, "is_noisy": noisy})
    tables.write(table, LABELS, snakemake.output.labels)
    rate = f"requested {noise['rate']:.4f}, achieved" if "rate" in noise else "achieved"
    logging.info("%d samples; share of wrong labels: %s %.4f", len(index), rate, noisy.mean())
