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

from epochwise import config  # noqa: E402
from epochwise.claims import interval, number  # noqa: E402


def claims_table(claims: pd.DataFrame) -> str:
    """Markdown: a row per claim, a column per model with effect, interval and verdict."""
    cells = [
        f"{number(row.effect)} {interval(row.low, row.high)} n={row.n} **{row.verdict}**" for row in claims.itertuples()
    ]
    wide = claims.assign(cell=cells).pivot(index=["claim", "measure", "margin"], columns="model", values="cell")
    wide = wide.reindex(claims[["claim", "measure", "margin"]].drop_duplicates()).reset_index()
    return wide.to_markdown(index=False)


def bench_table(measured: pd.DataFrame) -> str:
    """Markdown: where and when it was measured, and a row per network, batch size and precision."""
    machine = measured["machine"].iloc[0]
    table = measured[(measured["precision"] == "float32") & measured["batch"].isin([32, 128])]
    table = table.drop(columns=["precision", "epoch", "evaluation", "snapshot", "machine"])
    return f"Seconds per epoch of so many samples; {machine}:\n\n{table.to_markdown(index=False, floatfmt='.3g')}"


def replaced(text: str, part: str, new: str) -> str:
    """`text` with what stands between the marks of a part exchanged."""
    begin, end = f"<!-- {part}: begin (made by `make docs`) -->", f"<!-- {part}: end -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{new}\n\n{end}{rest.partition(end)[2]}"


def main(results: Path) -> None:
    """Rewrite docs/config.md, docs/staleness.md, docs/figures/ and the marked parts of README.md."""
    introduction = "# Configuration reference\n\nGenerated from `schemas/config.schema.yaml` by `make docs`.\n\n"
    (ROOT / "docs" / "config.md").write_text(introduction + config.reference(config.load_schema()), encoding="utf-8")
    (ROOT / "docs" / "staleness.md").write_text(staleness.documentation(), encoding="utf-8")
    figures = ROOT / "docs" / "figures"
    figures.mkdir(exist_ok=True)
    for picture in sorted((results / "figures").glob("*.png")):
        shutil.copyfile(picture, figures / picture.name)
    readme = ROOT / "README.md"
    text = replaced(readme.read_text("utf-8"), "claims", claims_table(pd.read_parquet(results / "claims.parquet")))
    measured = results.parent / "benchmarks" / "training.csv"
    if measured.exists():  # made by `make bench`
        text = replaced(text, "bench", bench_table(pd.read_csv(measured)))
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
