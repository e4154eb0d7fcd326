"""Test every claim over seeds, and judge the paper's findings."""

import logging

from epochwise.findings import evidence, findings, judging
from epochwise.workflow import tables
from epochwise.workflow.files import atomic
from epochwise.workflow.job import job

with job(snakemake) as settings:
    given, made = snakemake.input, snakemake.output
    names = ("phases", "separation", "outliers", "large_activation", "test_paths", "interventions", "measures")
    runs = evidence.read_runs(settings["runs"], **{name: given[name] for name in names})
    judged = judging.judge(runs, evidence.weights_by_model(given.runs), settings["claims"], settings["level"])
    found = findings.judge_findings(judged)
    tables.write(judged, judging.CLAIMS_TABLE, made.claims)
    tables.write(found, findings.FINDINGS_TABLE, made.findings)
    texts = {
        made.claims_text: judging.to_markdown(judged, settings["level"]),
        made.findings_text: findings.to_markdown(found, judged, settings["level"]),
    }
    for path, text in texts.items():
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    logging.info("findings: %s", dict(zip(found["title"], found["verdict"], strict=True)))
