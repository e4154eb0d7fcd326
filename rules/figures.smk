"""Figures.

In: summary tables; for figures that show single samples also images, labels and activations of one run.
Out: `results/{experiment}/figures/{figure}.pdf`, `.png`, and `.csv` with exactly the numbers drawn.
"""


rule figure:
    """Draw one figure."""
    input:
        unpack(figure_inputs),
    output:
        pdf=ensure("results/{experiment}/figures/{figure}.pdf", non_empty=True),
        png=report(
            ensure("results/{experiment}/figures/{figure}.png", non_empty=True),
            caption="../report/figure.rst",
            category="{experiment}",
            subcategory=figure_topic,
            labels=figure_labels,
        ),
        csv=ensure("results/{experiment}/figures/{figure}.csv", non_empty=True),
    log:
        "results/logs/figure/{experiment}/{figure}.log",
    benchmark:
        "results/logs/figure/{experiment}/{figure}.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=per_attempt(5),
    params:
        dpi=setting("figures.dpi"),
        shown=setting("shown", shown_run),
        options=setting("options", figure_options),
        noises=setting("noises", labelled_noises),
        code=lambda wildcards: code_of("figure.py", f"epochwise/figures/{wildcards.figure}.py"),
    script:
        "../workflow_scripts/figure.py"
