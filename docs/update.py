"""Bring the documentation up to date.

Usage: python docs/update.py results/digits

Rewrites the generated pages (config, tables, rules, staleness), the pictures in docs/figures, and the marked parts of
README.md and docs/. A marked part begins with an HTML comment that names it. Numbers come from the results that the
argument names, and from `benchmarks` beside it if that folder exists.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))
sys.path.insert(0, str(ROOT))

from tests.workflow import staleness  # noqa: E402

from docs import references  # noqa: E402
from epochwise.data.corruption import noise_kinds  # noqa: E402
from epochwise.findings.findings import FINDINGS  # noqa: E402
from epochwise.findings.verdicts import REPRODUCED, interval, number  # noqa: E402
from epochwise.workflow import config  # noqa: E402


def config_page() -> str:
    """The text of docs/config.md, from the schema of the configuration."""
    schema = config.load_schema()
    return (
        "# Configuration\n\n"
        "All keys of `config.yaml`, with their legal values and defaults. `make docs` generates this page from\n"
        "`schemas/config.schema.yaml`. Every key under `defaults` can also be set under `experiments.<name>`, for\n"
        f"that experiment alone.\n\nRules for a `<name>`: {schema['$defs']['name']['description']}\n\n"
        f"{config.reference(schema, noise_kinds())}"
    )


PAGES: dict[str, Callable[[], str]] = {
    "config.md": config_page,
    "rules.md": references.rules_page,
    "staleness.md": staleness.documentation,
    "tables.md": references.tables_page,
}


def findings_table(findings: pd.DataFrame, claims: pd.DataFrame) -> str:
    """Markdown: a row per finding with its verdict, and the effects of its primary claims for each model in scope."""
    primary = {finding.number: finding.primary for finding in FINDINGS}
    rows = []
    for found in findings.itertuples():
        judged = claims[claims["claim"].isin(primary[found.finding]) & claims["in_scope"]]
        judged = judged[judged["noise"] == found.noise]
        effects = [f"`{name}`: {_effects(group)}" for name, group in judged.groupby("claim", sort=False)]
        reproduced = (judged["verdict"] == REPRODUCED).sum()
        rows.append(
            {
                "finding": f"**{found.finding}. {found.title}.** {found.statement}",
                "verdict": f"**{found.verdict}** ({reproduced} of {len(judged)} effects reproduced)",
                "primary claims: effect [95 % interval]": "<br>".join(effects),
            }
        )
    return pd.DataFrame(rows).to_markdown(index=False)


def _effects(rows: pd.DataFrame) -> str:
    """The effect of one claim on each model, in words."""
    return ", ".join(f"{row.model} {number(row.effect)} {interval(row.low, row.high)}" for row in rows.itertuples())


def claims_table(claims: pd.DataFrame) -> str:
    """Markdown: a row per claim, a column per model. A verdict outside the scope of its claim is in brackets."""
    verdicts = ("**" + claims["verdict"] + "**").where(claims["in_scope"], "(" + claims["verdict"] + ")")
    cells = [
        f"{number(row.effect)} {interval(row.low, row.high)} n={row.n} {verdict}"
        for row, verdict in zip(claims.itertuples(), verdicts, strict=True)
    ]
    keys = ["finding", "claim", "measure", "source", "margin"]
    wide = claims.assign(cell=cells).pivot(index=keys, columns="model", values="cell")
    wide = wide.reindex(pd.MultiIndex.from_frame(claims[keys].drop_duplicates())).reset_index()
    return wide.to_markdown(index=False)


def bench_table(measured: pd.DataFrame) -> str:
    """Markdown: when and where it was measured, and a row per network and batch size."""
    machine = measured["machine"].iloc[0]
    columns = ["network", "batch", "samples"]
    faster = measured[measured["precision"] == "bfloat16"].set_index(columns)["float32/train"]
    table = measured[measured["precision"] == "float32"]
    table = table.drop(columns=["precision", "epoch", "evaluation", "snapshot", "float32/train", "machine"])
    if len(faster) > 1:  # the bench measures bfloat16 in all rows only on devices that are made for it
        table = table.join(faster.rename("float32/bfloat16"), columns)
    return f"Measured {machine}:\n\n{table.to_markdown(index=False, floatfmt='.3g')}"


def extraction_table(measured: pd.DataFrame) -> str:
    """Markdown: a row per network."""
    return measured.drop(columns="machine").to_markdown(index=False, floatfmt=".3g")


def scale_table(measured: pd.DataFrame) -> str:
    """Markdown: a row per number of models."""
    formats = [".0f" if column in ("models", "jobs") else ".3g" for column in measured]
    known = measured.astype(object).where(measured.notna(), None)
    return known.to_markdown(index=False, floatfmt=formats, missingval="–")


# Tables of `make bench` and benchmarks/scale.py: file, document, marked part, and the function that writes the part.
BENCHMARKS = (
    ("training.csv", "docs/performance.md", "bench", bench_table),
    ("extraction.csv", "docs/performance.md", "extraction", extraction_table),
    ("scale.csv", "docs/cluster.md", "scale", scale_table),
)


def rewrite(document: str, part: str, new: str) -> None:
    """Replace the text between the two marks of a part. Raises ValueError if the document lacks a mark."""
    path = ROOT / document
    begin, end = f"<!-- {part}: begin (made by `make docs`) -->", f"<!-- {part}: end -->"
    text = path.read_text("utf-8")
    before, after = text[: text.index(begin)], text[text.index(end) :]
    path.write_text(f"{before}{begin}\n\n{new}\n\n{after}", encoding="utf-8")


def update_pages() -> None:
    """Rewrite the pages that are made from the code alone."""
    for name, text in PAGES.items():
        (ROOT / "docs" / name).write_text(text(), encoding="utf-8")


def update_results(results: Path) -> None:
    """Copy the figures of an experiment, and rewrite its findings and claims."""
    for picture in sorted((results / "figures").glob("*.png")):
        shutil.copyfile(picture, ROOT / "docs" / "figures" / picture.name)
    claims, findings = (pd.read_parquet(results / f"{name}.parquet") for name in ("claims", "findings"))
    rewrite("README.md", "findings", findings_table(findings, claims))
    rewrite("docs/results-digits.md", "findings", findings_table(findings, claims))
    rewrite("docs/results-digits.md", "claims", claims_table(claims))


def update_benchmarks(folder: Path) -> None:
    """Rewrite the tables of speed for which there are measurements."""
    for name, document, part, table in BENCHMARKS:
        if (measured := folder / name).exists():
            rewrite(document, part, table(pd.read_csv(measured)))


def main(results: Path) -> None:
    """Rewrite everything that is generated."""
    update_pages()
    update_results(results)
    update_benchmarks(results.parent / "benchmarks")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
