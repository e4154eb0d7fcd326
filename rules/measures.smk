"""Measures of layers beyond the cosine. This rule runs only if `measures.stride` is a number.

In: snapshots, images and labels of each run.
Out: beside each run `measures.parquet` and, for similarities, `activations/grams.parquet`.
"""


rule measures:
    """Compute the chosen measures of every layer of one run, each with its null."""
    input:
        train=data_file("train"),
        labels=labels_of_run,
        snapshots=ancient(f"{RUN}/snapshots"),  # the manifest says whether they changed
        manifest=f"{RUN}/snapshots.sha256",
    output:
        measures=ensure(f"{RUN}/measures.parquet", non_empty=True),
        grams=ensure(f"{RUN}/activations/grams.parquet", non_empty=True),
    log:
        "results/logs/measures/{experiment}/{noise}/{model}/seed{seed}.log",
    benchmark:
        "results/logs/measures/{experiment}/{noise}/{model}/seed{seed}.tsv"
    conda:
        "../envs/measures.yaml"
    threads: 1
    resources:
        mem_mb=extract_mb,
        runtime=measures_minutes,
    params:
        measures=setting("measures"),
        code=measures_code,
    script:
        "../workflow_scripts/measures.py"
