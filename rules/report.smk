"""Captions of the figures, the page of findings and claims, the explorer, and the archive.

In: claims and findings; for the explorer tables of all runs and images; for the archive also figures and records.
Out: `results/{experiment}/explorer.html`, one page that shows every run at any epoch;
`results/{experiment}/captions/*.rst`, one per figure and page; `results/{experiment}/claims.html`, the findings and
claims as a page; on request `results/{experiment}/archive.zip`, everything except weights and activations in one file.
"""


rule captions:
    """Write the captions of the report, and the page of findings and claims."""
    input:
        claims="results/{experiment}/claims.parquet",
        findings="results/{experiment}/findings.parquet",
    output:
        captions=ensure(expand("results/{{experiment}}/captions/{name}.rst", name=CAPTIONS), non_empty=True),
        html=report(
            ensure("results/{experiment}/claims.html", non_empty=True),
            caption="../report/claims.rst",
            category="{experiment}",
            subcategory="1 Findings and claims",
            labels={"page": "all claims, with reasons"},
        ),
    log:
        "results/logs/captions/{experiment}.log",
    benchmark:
        "results/logs/captions/{experiment}.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(5),
    params:
        level=setting("summary.level"),
        code=code_of("captions.py"),
    script:
        "../workflow_scripts/captions.py"


rule explorer:
    """Make the page on which readers look at curves, layers, neurons and samples at any epoch."""
    input:
        curves="results/{experiment}/summary/curves.parquet",
        phases="results/{experiment}/summary/phases.parquet",
        phases_by_seed="results/{experiment}/summary/phases_by_seed.parquet",
        separation="results/{experiment}/summary/separation.parquet",
        outliers="results/{experiment}/summary/outliers.parquet",
        runs="results/{experiment}/summary/runs.parquet",
        history_of_runs=of_all_runs("history.parquet"),
        separation_of_runs=of_all_runs("separation.parquet"),
        outliers_of_runs=of_all_runs("outliers.parquet"),
        neurons_of_runs=of_all_runs("activations/neurons.parquet"),
        samples_of_runs=of_all_runs("activations/samples.parquet"),
        outputs_of_runs=of_all_runs("activations/outputs.parquet"),
        labels_of_runs=labels_by_run,
        train_images=data_file("train"),
    output:
        html=ensure("results/{experiment}/explorer.html", non_empty=True),
    log:
        "results/logs/explorer/{experiment}.log",
    benchmark:
        "results/logs/explorer/{experiment}.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(3000),
        runtime=per_attempt(10),
    params:
        runs=setting("runs", runs),
        level=setting("summary.level"),
        code=code_of("explorer.py"),
    script:
        "../workflow_scripts/explorer.py"


rule archive:
    """Pack figures, tables, claims, configuration and records of an experiment into one file."""
    input:
        rules.captions.output,
        rules.explorer.output,
        rules.claims.output,
        archived_files,
    output:
        archive=ensure("results/{experiment}/archive.zip", non_empty=True),
    log:
        "results/logs/archive/{experiment}.log",
    benchmark:
        "results/logs/archive/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(15),
    params:
        experiment=setting("experiment", block),
        code=code_of("archive.py"),
    script:
        "../workflow_scripts/archive.py"
