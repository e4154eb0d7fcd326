"""Measures of layers beyond the cosine. These rules run only if `measures.stride` is a number.

In: snapshots, images and labels of each run.
Out: beside each run `measures.parquet` and, for similarities, `activations/grams.parquet`; over seeds
`results/{experiment}/summary/measures.parquet` and `similarity.parquet`.
"""


rule measures:
    """Compute the chosen measures of every layer of one run, each with its null."""
    input:
        train=data_file("train"),
        labels=labels,
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
        spec=settings_spec("measures"),
        code=measures_code,
    script:
        "../workflow_scripts/measures.py"


rule geometry:
    """Bring the measures of all runs of an experiment together over seeds."""
    input:
        measures=of_all_runs("measures.parquet"),
        grams=of_all_runs("activations/grams.parquet"),
    output:
        **{
            table.name: ensure(f"results/{{experiment}}/summary/{table.path}", non_empty=True)
            for table in catalogue.GEOMETRY_TABLES
        },
    log:
        "results/logs/geometry/{experiment}.log",
    benchmark:
        "results/logs/geometry/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=summary_mb,
        runtime=growing(20),
    params:
        spec=over_seeds_spec,
        code=code_of("geometry.py"),
    script:
        "../workflow_scripts/geometry.py"
