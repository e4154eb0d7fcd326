"""Bring the documentation up to date: references of configuration and staleness, the README's pictures and tables.

Usage: python docs/update.py results/digits
"""

import shutil
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))
sys.path.insert(0, str(ROOT))

from tests.workflow import staleness  # noqa: E402

from epochwise.data.corruption import noise_kinds  # noqa: E402
from epochwise.findings.claims import interval, number  # noqa: E402
from epochwise.workflow import config  # noqa: E402


def claims_table(claims: pd.DataFrame) -> str:
    """Markdown: a row per claim, a column per model with effect, interval and verdict."""
    cells = [
        f"{number(row.effect)} {interval(row.low, row.high)} n={row.n} **{row.verdict}**" for row in claims.itertuples()
    ]
    wide = claims.assign(cell=cells).pivot(index=["claim", "measure", "margin"], columns="model", values="cell")
    wide = wide.reindex(claims[["claim", "measure", "margin"]].drop_duplicates()).reset_index()
    return wide.to_markdown(index=False)


def bench_table(measured: pd.DataFrame) -> str:
    """Markdown: where and when it was measured, and a row per network and batch size."""
    machine = measured["machine"].iloc[0]
    columns = ["network", "batch", "samples"]
    faster = measured[measured["precision"] == "bfloat16"].set_index(columns)["float32/train"]
    table = measured[measured["precision"] == "float32"]
    table = table.drop(columns=["precision", "epoch", "evaluation", "snapshot", "float32/train", "machine"])
    if len(faster) > 1:  # the device is made for it
        table = table.join(faster.rename("float32/bfloat16"), columns)
    return f"Seconds per epoch of so many samples; {machine}:\n\n{table.to_markdown(index=False, floatfmt='.3g')}"


def extraction_table(measured: pd.DataFrame) -> str:
    """Markdown: a row per network."""
    return measured.drop(columns="machine").to_markdown(index=False, floatfmt=".3g")


def scale_table(measured: pd.DataFrame) -> str:
    """Markdown: a row per number of models."""
    formats = [".0f" if column in ("models", "jobs") else ".3g" for column in measured]
    known = measured.astype(object).where(measured.notna(), None)
    return known.to_markdown(index=False, floatfmt=formats, missingval="–")


def rewrite(document: Path, part: str, new: str) -> None:
    """Exchange what stands between the marks of a part of a document."""
    begin, end = f"<!-- {part}: begin (made by `make docs`) -->", f"<!-- {part}: end -->"
    text = document.read_text("utf-8")
    before, after = text[: text.index(begin)], text[text.index(end) :]
    document.write_text(f"{before}{begin}\n\n{new}\n\n{after}", encoding="utf-8")


def main(results: Path) -> None:
    """Rewrite the references of docs/, docs/figures/, and the marked parts of README.md and docs/cluster.md."""
    schema = config.load_schema()
    introduction = (
        "# Configuration reference\n\nGenerated from `schemas/config.schema.yaml` by `make docs`. What stands under "
        "`defaults` may stand under\n`experiments.<name>` too, for that experiment alone. A `<name>`: "
        f"{schema['$defs']['name']['description']}\n\n"
    )
    (ROOT / "docs" / "config.md").write_text(introduction + config.reference(schema, noise_kinds()), encoding="utf-8")
    (ROOT / "docs" / "staleness.md").write_text(staleness.documentation(), encoding="utf-8")
    figures = ROOT / "docs" / "figures"
    figures.mkdir(exist_ok=True)
    for picture in sorted((results / "figures").glob("*.png")):
        shutil.copyfile(picture, figures / picture.name)
    rewrite(ROOT / "README.md", "claims", claims_table(pd.read_parquet(results / "claims.parquet")))
    benchmarks = results.parent / "benchmarks"
    if (measured := benchmarks / "training.csv").exists():  # made by `make bench`
        rewrite(ROOT / "README.md", "bench", bench_table(pd.read_csv(measured)))
    if (measured := benchmarks / "extraction.csv").exists():
        rewrite(ROOT / "README.md", "extraction", extraction_table(pd.read_csv(measured)))
    if (measured := benchmarks / "scale.csv").exists():  # made by benchmarks/scale.py
        rewrite(ROOT / "docs" / "cluster.md", "scale", scale_table(pd.read_csv(measured)))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
