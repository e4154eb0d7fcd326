"""Bring the documentation up to date: the configuration reference, and the README's pictures and claims table.

Usage: python docs/update.py results/digits
"""

import shutil
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from epochwise import config  # noqa: E402
from epochwise.claims import interval, number  # noqa: E402

BEGIN, END = "<!-- claims: begin (made by `make docs`) -->", "<!-- claims: end -->"


def claims_table(claims: pd.DataFrame) -> str:
    """Markdown: a row per claim, a column per model with effect, interval and verdict."""
    cells = [
        f"{number(row.effect)} {interval(row.low, row.high)} n={row.n} **{row.verdict}**" for row in claims.itertuples()
    ]
    wide = claims.assign(cell=cells).pivot(index=["claim", "measure", "margin"], columns="model", values="cell")
    wide = wide.reindex(claims[["claim", "measure", "margin"]].drop_duplicates()).reset_index()
    return wide.to_markdown(index=False)


def main(results: Path) -> None:
    """Rewrite docs/config.md, docs/figures/ and the marked part of README.md."""
    introduction = "# Configuration reference\n\nGenerated from `schemas/config.schema.yaml` by `make docs`.\n\n"
    (ROOT / "docs" / "config.md").write_text(introduction + config.reference(config.load_schema()), encoding="utf-8")
    figures = ROOT / "docs" / "figures"
    figures.mkdir(exist_ok=True)
    for picture in sorted((results / "figures").glob("*.png")):
        shutil.copyfile(picture, figures / picture.name)
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    table = claims_table(pd.read_parquet(results / "claims.parquet"))
    readme.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
