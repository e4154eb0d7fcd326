"""Training.

In: images and labels.
Out, under `results/{experiment}/{noise}/{model}/`:

- `seed{seed}.sha256`, or `stack.sha256` if one job trains all seeds: the checksums of what was trained. Training works in
  `.training/seed{seed}/` or `.training/stack/`, where it keeps its state: a killed job continues from there, and so does
  a run that is made longer.
- `seed{seed}/`: the learning curves `history.parquet`, the weights `snapshots/epoch_*.safetensors`, their checksums
  `snapshots.sha256`, and `provenance.json`.
"""


rule train:
    """Train one network, or those of all seeds of a model side by side."""
    input:
        train=data_file("train"),
        test=data_file("test"),
        labels=labels_of_unit,
    output:
        manifest=ensure(f"{MODEL}/{{unit}}.sha256", non_empty=True),
    log:
        "results/logs/train/{experiment}/{noise}/{model}/{unit}.log",
    benchmark:
        "results/logs/train/{experiment}/{noise}/{model}/{unit}.tsv"
    conda:
        "../envs/training.yaml"
    threads: train_threads
    resources:
        mem_mb=train_mb,
        runtime=train_minutes,
        gpu=train_gpus,
        jobs_per_gpu=1,
        checkpoint_seconds=checkpoint_seconds,
    params:
        model=setting("model", trained_model),
        seeds=setting("seeds", seeds),
        code=code_of("train.py"),
    script:
        "../workflow_scripts/train.py"


rule publish:
    """Make the files of one trained network the results of its run, by links where possible.

    It depends on all that training depends on. Otherwise the old results would count as new ones after a training job
    has failed, because Snakemake does not miss a manifest that nothing stale needs.
    """
    input:
        manifest=manifest_of_unit,
        train=data_file("train"),
        test=data_file("test"),
        labels=labels_of_run,
    output:
        history=ensure(f"{RUN}/history.parquet", non_empty=True),
        snapshots=directory(f"{RUN}/snapshots"),
        manifest=ensure(f"{RUN}/snapshots.sha256", non_empty=True),
        provenance=ensure(f"{RUN}/provenance.json", non_empty=True),
    log:
        "results/logs/publish/{experiment}/{noise}/{model}/seed{seed}.log",
    benchmark:
        "results/logs/publish/{experiment}/{noise}/{model}/seed{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(500),
        runtime=per_attempt(5),
    params:
        model=setting("model", trained_model),
        code=code_of("publish.py", "train.py"),
    script:
        "../workflow_scripts/publish.py"
