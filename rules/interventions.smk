"""Does the large activation cause anything? This rule runs only if `interventions.stride` is a number.

In: snapshots, images and labels; of each run `activations/neurons.parquet`, `outliers.parquet`.
Out: beside each run `interventions.parquet`, `anatomy.parquet` and `anatomy_images.parquet`.
"""


rule interventions:
    """Edit the large neuron of one run and its controls, and describe its weights."""
    input:
        train=data_file("train"),
        test=data_file("test"),
        features=data_file("features"),
        labels=labels_of_run,
        snapshots=ancient(f"{RUN}/snapshots"),  # the manifest says whether they changed
        manifest=f"{RUN}/snapshots.sha256",
        neurons=f"{RUN}/activations/neurons.parquet",
        outliers=f"{RUN}/outliers.parquet",
    output:
        interventions=ensure(f"{RUN}/interventions.parquet", non_empty=True),
        anatomy=ensure(f"{RUN}/anatomy.parquet", non_empty=True),
        anatomy_images=ensure(f"{RUN}/anatomy_images.parquet", non_empty=True),
    log:
        "results/logs/interventions/{experiment}/{noise}/{model}/seed{seed}.log",
    benchmark:
        "results/logs/interventions/{experiment}/{noise}/{model}/seed{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: train_threads
    resources:
        mem_mb=extract_mb,
        runtime=interventions_minutes,
    params:
        interventions=setting("interventions"),
        code=code_of("interventions.py"),
    script:
        "../workflow_scripts/interventions.py"
