"""Twins without noise. This rule runs only for experiments with `twins: true`.

In: learning curves of all runs, and the summary tables `runs` and `phases_by_seed`.
Out: `results/{experiment}/summary/twins.parquet` and `variance.parquet`.
"""


rule twins:
    """Compare each run with its twin without noise."""
    input:
        history=of_all_runs("history.parquet"),
        about_runs="results/{experiment}/summary/runs.parquet",
        phases="results/{experiment}/summary/phases_by_seed.parquet",
    output:
        **{
            table.name: ensure(f"results/{{experiment}}/summary/{table.path}", non_empty=True)
            for table in catalogue.TWINS_TABLES
        },
    log:
        "results/logs/twins/{experiment}.log",
    benchmark:
        "results/logs/twins/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=summary_mb,
        runtime=growing(5),
    params:
        spec=twins_spec,
        code=code_of("twins.py"),
    script:
        "../workflow_scripts/twins.py"
