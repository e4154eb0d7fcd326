"""Summaries: the tables of all runs of an experiment, brought together over seeds.

In: tables of every run, its labels, and summary tables that an earlier rule has made.
Out: `results/{experiment}/summary/*.parquet`. The last three rules run only for experiments with `measures.stride`,
`interventions.stride` or `twins: true`. One script makes all of them, and the setting `group` says which tables.
"""


rule summarize_runs:
    """Bring learning curves, phases, separation and the large activation of all runs together over seeds."""
    input:
        history=of_all_runs("history.parquet"),
        labels=labels_by_run,
        separation=of_all_runs("separation.parquet"),
        outliers=of_all_runs("outliers.parquet"),
        neurons=of_all_runs("activations/neurons.parquet"),
        large_activation=of_all_runs("large_activation.parquet"),
        large_by_class=of_all_runs("large_by_class.parquet"),
        test_paths=of_all_runs("activations/test_paths.parquet"),
    output:
        **{
            table.name: ensure(f"results/{{experiment}}/summary/{table.path}", non_empty=True)
            for table in catalogue.SUMMARY_GROUPS["runs"]
        },
    log:
        "results/logs/summarize_runs/{experiment}.log",
    benchmark:
        "results/logs/summarize_runs/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=summary_mb,
        runtime=per_attempt(20),
    params:
        group=setting("group", lambda wildcards: "runs"),
        runs=setting("runs", runs),
        level=setting("summary.level"),
        phases=setting("phases"),
        noises=setting("noises", described_noises),
        models=setting("models", described_models),
        code=code_of("summarize.py"),
    script:
        "../workflow_scripts/summarize.py"


rule summarize_measures:
    """Bring the further measures of all runs together over seeds."""
    input:
        measures=of_all_runs("measures.parquet"),
        grams=of_all_runs("activations/grams.parquet"),
    output:
        **{
            table.name: ensure(f"results/{{experiment}}/summary/{table.path}", non_empty=True)
            for table in catalogue.SUMMARY_GROUPS["measures"]
        },
    log:
        "results/logs/summarize_measures/{experiment}.log",
    benchmark:
        "results/logs/summarize_measures/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=summary_mb,
        runtime=per_attempt(20),
    params:
        group=setting("group", lambda wildcards: "measures"),
        runs=setting("runs", runs),
        level=setting("summary.level"),
        code=code_of("summarize.py"),
    script:
        "../workflow_scripts/summarize.py"


rule summarize_interventions:
    """Bring the interventions of all runs together over seeds."""
    input:
        phases_by_seed="results/{experiment}/summary/phases_by_seed.parquet",
        outliers=of_all_runs("outliers.parquet"),
        interventions=of_all_runs("interventions.parquet"),
        anatomy=of_all_runs("anatomy.parquet"),
    output:
        **{
            table.name: ensure(f"results/{{experiment}}/summary/{table.path}", non_empty=True)
            for table in catalogue.SUMMARY_GROUPS["interventions"]
        },
    log:
        "results/logs/summarize_interventions/{experiment}.log",
    benchmark:
        "results/logs/summarize_interventions/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=summary_mb,
        runtime=per_attempt(5),
    params:
        group=setting("group", lambda wildcards: "interventions"),
        runs=setting("runs", runs),
        level=setting("summary.level"),
        code=code_of("summarize.py"),
    script:
        "../workflow_scripts/summarize.py"


rule summarize_twins:
    """Compare each run with its twin without noise, and find where the differences between runs come from."""
    input:
        history=of_all_runs("history.parquet"),
        runs="results/{experiment}/summary/runs.parquet",
        phases_by_seed="results/{experiment}/summary/phases_by_seed.parquet",
    output:
        **{
            table.name: ensure(f"results/{{experiment}}/summary/{table.path}", non_empty=True)
            for table in catalogue.SUMMARY_GROUPS["twins"]
        },
    log:
        "results/logs/summarize_twins/{experiment}.log",
    benchmark:
        "results/logs/summarize_twins/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=summary_mb,
        runtime=per_attempt(5),
    params:
        group=setting("group", lambda wildcards: "twins"),
        runs=setting("runs", runs),
        level=setting("summary.level"),
        classes=setting("classes", classes_by_noise),
        draws=setting("draws", draws),
        twin=setting("twin", lambda wildcards: TWIN),
        margin=setting("margin", lambda wildcards: block(wildcards)["claims"]["accuracy"]),
        code=code_of("summarize.py"),
    script:
        "../workflow_scripts/summarize.py"
