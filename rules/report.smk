"""What `snakemake --report` shows beside the figures.

In: the claims and the log of runs. Out: `results/{experiment}/claims.html` and one caption per figure,
`results/{experiment}/captions/*.rst`, that sets the paper's claim beside our number.
"""


rule captions:
    """Write the captions of the report, and the claims as a table for the browser."""
    input:
        claims="results/{experiment}/claims.parquet",
        code=code_of("captions.py"),
    output:
        captions=ensure(expand("results/{{experiment}}/captions/{name}.rst", name=CAPTIONS), non_empty=True),
        html=report(
            ensure("results/{experiment}/claims.html", non_empty=True),
            caption="../report/claims.rst",
            category="{experiment}",
            subcategory="Claims",
            labels={"figure": "claims"},
        ),
    log:
        "results/logs/captions/{experiment}.log",
    benchmark:
        "results/logs/captions/{experiment}.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=settings_spec("summary"),
    script:
        "../workflow_scripts/captions.py"
