"""Training.

In: images and labels. Out, under `results/{experiment}/{noise}/{model}/seed{seed}/`: the learning curves
`history.parquet`, the weights `snapshots/epoch_*.safetensors`, and `provenance.json`. A job that was killed continues from
the state that it keeps beside its outputs.
"""


rule train:
    """Train one network: one model, one seed."""
    input:
        train=data_file("train"),
        test=data_file("test"),
        labels=labels,
        code=code_of("train.py"),
    output:
        history=ensure(f"{RUN}/history.parquet", non_empty=True),
        snapshots=directory(f"{RUN}/snapshots"),
        provenance=ensure(f"{RUN}/provenance.json", non_empty=True),
    log:
        "results/logs/train/{experiment}/{noise}/{model}/seed{seed}.log",
    benchmark:
        "results/logs/train/{experiment}/{noise}/{model}/seed{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: train_threads
    resources:
        mem_mb=train_mb,
        runtime=train_minutes,
        checkpoint_seconds=lambda wildcards: block(wildcards)["training"]["checkpoint_seconds"],
    params:
        spec=train_spec,
    script:
        "../workflow_scripts/train.py"
