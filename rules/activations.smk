"""Activations.

In:

- `results/{experiment}/{noise}/{model}/seed{seed}/snapshots/` of one run, and the images and labels

Out, under `results/{experiment}/{noise}/{model}/seed{seed}/activations/`:

- `class_means.parquet`: mean activation of clean and noisy samples of each class
- `neurons.parquet`: statistics of every neuron
- `samples.parquet`, `outputs.parquet`: the large neurons and the network's outputs, sample by sample
- `test_paths.parquet`: test data compared with clean and with noisy training data
"""


rule extract:
    """Read the statistics of all layers from the snapshots of one run."""
    input:
        train=data_file("train"),
        test=data_file("test"),
        labels=labels_of_run,
        snapshots=ancient(f"{RUN}/snapshots"),  # the manifest says whether they changed
        manifest=f"{RUN}/snapshots.sha256",
    output:
        class_means=ensure(f"{RUN}/activations/class_means.parquet", non_empty=True),
        neurons=ensure(f"{RUN}/activations/neurons.parquet", non_empty=True),
        samples=ensure(f"{RUN}/activations/samples.parquet", non_empty=True),
        outputs=ensure(f"{RUN}/activations/outputs.parquet", non_empty=True),
        test_paths=ensure(f"{RUN}/activations/test_paths.parquet", non_empty=True),
    log:
        "results/logs/extract/{experiment}/{noise}/{model}/seed{seed}.log",
    benchmark:
        "results/logs/extract/{experiment}/{noise}/{model}/seed{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: train_threads
    resources:
        mem_mb=extract_mb,
        runtime=extract_minutes,
    params:
        activations=setting("activations"),
        code=code_of("extract.py"),
    script:
        "../workflow_scripts/extract.py"
