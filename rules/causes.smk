"""Does the large activation cause anything? These rules run only if `interventions.stride` is a number.

In: snapshots, images and labels; of each run `activations/neurons.parquet`, `outliers.parquet`.
Out: beside each run `interventions.parquet`, `anatomy.parquet` and `anatomy_images.parquet`; over seeds
`results/{experiment}/summary/interventions.parquet` and `anatomy.parquet`.
"""


rule interventions:
    """Edit the large neuron of one run and its controls, and describe its weights."""
    input:
        train=data_file("train"),
        test=data_file("test"),
        features=data_file("features"),
        labels=labels,
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
        spec=settings_spec("interventions"),
        code=code_of("interventions.py"),
    script:
        "../workflow_scripts/interventions.py"


rule causes:
    """Bring the interventions of all runs of an experiment together over seeds."""
    input:
        phases="results/{experiment}/summary/phases_by_seed.parquet",
        outliers=of_all_runs("outliers.parquet"),
        interventions=of_all_runs("interventions.parquet"),
        anatomy=of_all_runs("anatomy.parquet"),
    output:
        **{
            table.name: ensure(f"results/{{experiment}}/summary/{table.path}", non_empty=True)
            for table in catalogue.CAUSES_TABLES
        },
    log:
        "results/logs/causes/{experiment}.log",
    benchmark:
        "results/logs/causes/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=summary_mb,
        runtime=growing(5),
    params:
        spec=over_seeds_spec,
        code=code_of("causes.py"),
    script:
        "../workflow_scripts/causes.py"
