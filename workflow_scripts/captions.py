"""Write the captions of the report, and the page of findings and claims."""

from pathlib import Path

from epochwise.findings.findings import FINDINGS_TABLE
from epochwise.findings.judging import CLAIMS_TABLE
from epochwise.report import captions
from epochwise.report.opening import opening
from epochwise.workflow import tables
from epochwise.workflow.files import atomic
from epochwise.workflow.job import job

with job(snakemake) as settings:
    claims = tables.read(snakemake.input.claims, CLAIMS_TABLE)
    findings = tables.read(snakemake.input.findings, FINDINGS_TABLE)
    texts = {path: captions.caption(Path(path).stem, claims, settings["level"]) for path in snakemake.output.captions}
    start = next(path for path in texts if Path(path).stem == "findings")
    texts[start] = opening(snakemake.wildcards.experiment, claims, findings, settings["level"])
    texts[snakemake.output.html] = captions.claims_page(
        snakemake.wildcards.experiment, claims, findings, settings["level"]
    )
    for path, text in texts.items():
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
