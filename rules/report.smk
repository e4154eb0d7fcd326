"""Captions of the figures, the page of findings and claims, and the archive.

In: claims and findings; for the archive also figures, tables and records.
Out: `results/{experiment}/captions/*.rst`, one per figure and page; `results/{experiment}/claims.html`, the findings and
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
            subcategory="Findings and claims",
            labels={"figure": "findings and claims"},
        ),
    log:
        "results/logs/captions/{experiment}.log",
    benchmark:
        "results/logs/captions/{experiment}.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        spec=settings_spec("summary"),
        code=code_of("captions.py"),
    script:
        "../workflow_scripts/captions.py"


rule archive:
    """Pack figures, tables, claims, configuration and records of an experiment into one file."""
    input:
        rules.captions.output,
        rules.claims.output,
        lambda wildcards: summary_files(wildcards.experiment) + figure_files(wildcards.experiment),
        labels_of_all_runs,
        archived_files_of_all_runs,
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
        mem_mb=growing(1000),
        runtime=growing(15),
    params:
        spec=lambda wildcards: spec(block(wildcards)),
        code=code_of("archive.py"),
    script:
        "../workflow_scripts/archive.py"
