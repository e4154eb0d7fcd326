"""Bring the documentation up to date.

Usage: python docs/update.py [results/mnist …]

Copies the evidence of the finished experiments that the arguments name, and their pictures. Then it rewrites the
generated pages, and the marked parts of README.md and docs/. A marked part begins with an HTML comment that names it.
Its numbers come from docs/evidence, and those of speed from results/benchmarks if that folder exists.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))
sys.path.insert(0, str(ROOT))

from tests.workflow import staleness  # noqa: E402

from docs import evidence, references, reproduction  # noqa: E402
from epochwise.data import noise_kinds  # noqa: E402
from epochwise.workflow import config, config_types  # noqa: E402


def config_page() -> str:
    """The text of docs/config.md, from the models of the configuration."""
    return (
        "# Configuration\n\n"
        "All keys of `config.yaml`, with their legal values and defaults. `make docs` generates this page from\n"
        "`config_settings.py` and `config_models.py` in `workflow_scripts/epochwise/workflow`. Every key under\n"
        "`defaults` can also be set under `experiments.<name>`, for that experiment alone.\n\n"
        f"Rules for a `<name>`: {config_types.NAME_RULE}\n\n{config.reference(noise_kinds.load())}"
    )


PAGES: dict[str, Callable[[], str]] = {
    "claims.md": references.claims_page,
    "config.md": config_page,
    "reproduction.md": reproduction.page,
    "rules.md": references.rules_page,
    "staleness.md": staleness.documentation,
    "tables.md": references.tables_page,
}


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
    """Rewrite the pages that are made from the code and the evidence."""
    for name, text in PAGES.items():
        (ROOT / "docs" / name).write_text(text(), encoding="utf-8")
    for document, base in (("README.md", "docs/"), ("docs/index.md", "")):
        rewrite(document, "findings", reproduction.overview(reproduction.list_experiments(), base))


def update_benchmarks(folder: Path) -> None:
    """Rewrite the tables of speed for which there are measurements."""
    for name, document, part, table in BENCHMARKS:
        if (measured := folder / name).exists():
            rewrite(document, part, table(pd.read_csv(measured)))


def main(results: list[Path]) -> None:
    """Rewrite everything that is generated."""
    for experiment in results:
        evidence.collect(experiment)
    update_pages()
    update_benchmarks(ROOT / "results" / "benchmarks")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
