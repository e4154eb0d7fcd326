"""Captions of the report, and the claims as a page."""

from pathlib import Path

from epochwise import captions, runtime, tables
from epochwise.files import atomic

with runtime.job(snakemake) as spec:
    claims = tables.read(snakemake.input.claims, "claims")
    texts = {path: captions.caption(Path(path).stem, claims, spec["level"]) for path in snakemake.output.captions}
    texts[snakemake.output.html] = captions.html(claims, spec["level"])
    for path, text in texts.items():
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
