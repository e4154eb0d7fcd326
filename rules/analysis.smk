"""Analysis.

In:

- `results/{experiment}/{noise}/{model}/seed{seed}/activations/*.parquet` and `history.parquet` of every run
- the summary tables, `results/{experiment}/{noise}/labels.parquet` and `results/data/{dataset}/features.parquet`

Out:

- beside each run `separation.parquet`, `outliers.parquet`, `large_activation.parquet` and `large_by_class.parquet`
- `results/{experiment}/claims.{parquet,md}` and `findings.{parquet,md}`
"""


rule separation:
    """Compare the mean signals of clean and noisy data, per layer and class."""
    input:
        class_means=f"{RUN}/activations/class_means.parquet",
        neurons=f"{RUN}/activations/neurons.parquet",
    output:
        separation=ensure(f"{RUN}/separation.parquet", non_empty=True),
    log:
        "results/logs/separation/{experiment}/{noise}/{model}/seed{seed}.log",
    benchmark:
        "results/logs/separation/{experiment}/{noise}/{model}/seed{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(5),
    params:
        separation=setting("separation"),
        code=code_of("separation.py"),
    script:
        "../workflow_scripts/separation.py"


rule outliers:
    """Find the large neuron of each layer, and what its activation follows."""
    input:
        neurons=f"{RUN}/activations/neurons.parquet",
        samples=f"{RUN}/activations/samples.parquet",
        outputs=f"{RUN}/activations/outputs.parquet",
        labels=labels_of_run,
        features=data_file("features"),
    output:
        outliers=ensure(f"{RUN}/outliers.parquet", non_empty=True),
        large_activation=ensure(f"{RUN}/large_activation.parquet", non_empty=True),
        large_by_class=ensure(f"{RUN}/large_by_class.parquet", non_empty=True),
    log:
        "results/logs/outliers/{experiment}/{noise}/{model}/seed{seed}.log",
    benchmark:
        "results/logs/outliers/{experiment}/{noise}/{model}/seed{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(1500),
        runtime=per_attempt(10),
    params:
        outliers=setting("outliers"),
        code=code_of("outliers.py"),
    script:
        "../workflow_scripts/outliers.py"


rule claims:
    """Test every claim over seeds, and judge the paper's three findings."""
    input:
        runs="results/{experiment}/summary/runs.parquet",
        phases="results/{experiment}/summary/phases_by_seed.parquet",
        separation=of_all_runs("separation.parquet", noisy_runs),
        outliers=of_all_runs("outliers.parquet", noisy_runs),
        large_activation=of_all_runs("large_activation.parquet", noisy_runs),
        test_paths=of_all_runs("activations/test_paths.parquet", noisy_runs),
        interventions=if_enabled("interventions", of_all_runs("interventions.parquet", noisy_runs)),
        measures=if_enabled("measures", of_all_runs("measures.parquet", noisy_runs)),
    output:
        claims=ensure("results/{experiment}/claims.parquet", non_empty=True),
        claims_text=ensure("results/{experiment}/claims.md", non_empty=True),
        findings=ensure("results/{experiment}/findings.parquet", non_empty=True),
        findings_text=ensure("results/{experiment}/findings.md", non_empty=True),
    log:
        "results/logs/claims/{experiment}.log",
    benchmark:
        "results/logs/claims/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=summary_mb,
        runtime=per_attempt(5),
    params:
        runs=setting("runs", noisy_runs),
        claims=setting("claims"),
        level=setting("summary.level"),
        code=code_of("claims.py"),
    script:
        "../workflow_scripts/claims.py"
