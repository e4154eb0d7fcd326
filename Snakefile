"""Epoch-wise double descent in noisy data: the whole paper as one workflow.

    snakemake --cores 8 all                                  the embedded experiment, mnist
    snakemake --cores 8 all --config experiment=paper        the paper

The flow of data: dataset → corrupt → train → publish → extract → separation, outliers → summarize → claims → report;
summarize → figures.
"""

from snakemake.utils import min_version

min_version("9.27")


report: "report/workflow.rst"


include: "rules/setup.smk"
include: "rules/paths.smk"
include: "rules/settings.smk"
include: "rules/targets.smk"
include: "rules/resources.smk"
include: "rules/dataset.smk"
include: "rules/training.smk"
include: "rules/activations.smk"
include: "rules/analysis.smk"
include: "rules/measures.smk"
include: "rules/interventions.smk"
include: "rules/summaries.smk"
include: "rules/figures.smk"
include: "rules/report.smk"


wildcard_constraints:
    dataset=NAME,
    experiment=NAME,
    noise=NAME,
    model=NAME,
    seed=r"\d+",
    draw=r"(_seed\d+)?",
    figure="|".join(FIGURES),
    unit=r"stack|seed\d+",


localrules:
    all,


rule all:
    """Everything of the chosen experiments: runs, claims, figures and what the report is made of."""
    default_target: True
    input:
        everything,


onstart:
    stop_jobs_on_sigterm()
    list_jobs()
