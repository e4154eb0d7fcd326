"""The paper's claims against the runs of one experiment."""

import logging

from epochwise import claims, runtime, tables
from epochwise.files import atomic

with runtime.job(snakemake) as spec:
    phases = tables.read(snakemake.input.phases, "phases_by_seed").set_index(["noise", "model", "seed"])
    runs = {}
    for (noise, model, seed), separation, outliers, large_activation in zip(
        spec["runs"],
        snakemake.input.separation,
        snakemake.input.outliers,
        snakemake.input.large_activation,
        strict=True,
    ):
        runs[noise, model, seed] = claims.Run(
            phases.loc[(noise, model, seed)].set_index(["metric", "quantity"])["value"].to_dict(),
            tables.read(separation, "separation"),
            tables.read(outliers, "outliers"),
            tables.read(large_activation, "large_activation"),
        )
    result = claims.judge(runs, spec["margins"], spec["level"])
    tables.write(result, "claims", snakemake.output.parquet)
    with atomic(snakemake.output.markdown) as temporary:
        temporary.write_text(claims.to_markdown(result, spec["level"]), encoding="utf-8")
    logging.info("verdicts: %s", result["verdict"].value_counts().to_dict())
