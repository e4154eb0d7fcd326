"""Training.

In: images and labels. Out, under `results/{experiment}/{noise}/{model}/seed{seed}/`: the learning curves
`history.parquet`, the weights `snapshots/epoch_*.safetensors`, their sums `snapshots.sha256`, and `provenance.json`. A
job keeps its state beside its outputs, in `.training/` (of a stack: of its first seed): killed, it continues from there,
and so does a run that is made longer.
"""


rule train:
    """Train one network: one model, one seed."""
    input:
        train=data_file("train"),
        test=data_file("test"),
        labels=all_labels,
    output:
        history=[ensure(f"{RUN}/history.parquet", non_empty=True)],
        snapshots=[directory(f"{RUN}/snapshots")],
        manifest=[ensure(f"{RUN}/snapshots.sha256", non_empty=True)],
        provenance=[ensure(f"{RUN}/provenance.json", non_empty=True)],
    log:
        "results/logs/train/{experiment}/{noise}/{model}/seed{seed}.log",
    benchmark:
        "results/logs/train/{experiment}/{noise}/{model}/seed{seed}.tsv"
    wildcard_constraints:
        experiment=ALONE,
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
        spec=train_spec,
        code=code_of("train.py"),
    script:
        "../workflow_scripts/train.py"


for number, (experiment, models) in enumerate(STACKED.items()):

    rule:
        name:
            f"train_stack_{number}"
        input:
            train=data_file("train"),
            test=data_file("test"),
            labels=all_labels,
        output:
            history=ensure(of_all_seeds(experiment, "history.parquet"), non_empty=True),
            snapshots=directory(of_all_seeds(experiment, "snapshots")),
            manifest=ensure(of_all_seeds(experiment, "snapshots.sha256"), non_empty=True),
            provenance=ensure(of_all_seeds(experiment, "provenance.json"), non_empty=True),
        log:
            "results/logs/train/{experiment}/{noise}/{model}/stack.log",
        benchmark:
            "results/logs/train/{experiment}/{noise}/{model}/stack.tsv"
        wildcard_constraints:
            experiment=re.escape(experiment),
            model="|".join(map(re.escape, models)),
        conda:
            "../envs/training.yaml"
        params:
            spec=train_spec,
            code=code_of("train.py"),
        script:
            "../workflow_scripts/train.py"

    inherit_resources(f"train_stack_{number}", "train")
