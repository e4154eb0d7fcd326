"""The last five lines: the paper's three findings with their verdicts, where the report is, and the next command."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

_LISTED = 4  # A finding has a verdict per experiment and noise. If there are more, they are counted.


def closing_lines(experiments: Sequence[str], results: Path) -> list[str]:
    """Five lines about finished experiments; none if findings of one of them are missing.

    Args:
        experiments: names of the experiments.
        results: the folder `results`.
    """
    tables = {name: results / name / "findings.parquet" for name in experiments}
    if not tables or not all(path.exists() for path in tables.values()):
        return []
    pages = {name: _pages(results / name) for name in experiments}
    without = next((name for name in experiments if results / name / "report.html" not in pages[name]), None)
    following = "make report" if without else "make archive"
    return [
        *_findings(tables),
        f"Report: {', '.join(str(page) for found in pages.values() for page in found)}",
        f"Next: {following} EXPERIMENT={without or experiments[0]}",
    ]


def _pages(folder: Path) -> list[Path]:
    """The pages of an experiment that people open. A report that is older than the findings is not one of them."""
    findings, report, explorer = (folder / name for name in ("findings.md", "report.html", "explorer.html"))
    is_new = report.exists() and report.stat().st_mtime >= findings.stat().st_mtime
    pages = [report] if is_new else [findings, folder / "claims.html"]
    return [*pages, explorer] if explorer.exists() else pages


def _findings(tables: dict[str, Path]) -> list[str]:
    """One line per finding, with the verdict of each experiment and noise."""
    import pyarrow.parquet  # here, because it takes a quarter of a second

    rows = defaultdict(list)
    for experiment, path in tables.items():
        for row in pyarrow.parquet.read_table(path).to_pylist():
            rows[f"{row['finding']}. {row['title']}"].append({"experiment": experiment, **row})
    width = max(map(len, rows))
    return [f"{title:{width}}  {_verdicts(of_finding)}" for title, of_finding in sorted(rows.items())]


def _verdicts(rows: Sequence[dict]) -> str:
    """The verdicts in few words, for instance "reproduced (mnist/symmetric30: 9 of 9 verdicts reproduced)"."""
    if len(rows) > _LISTED:
        counts = Counter(row["verdict"] for row in rows)
        return ", ".join(f"{verdict} {count} times" for verdict, count in counts.most_common())
    return ", ".join(
        f"{row['verdict']} ({row['experiment']}/{row['noise']}: {row['because'].partition(';')[0]})" for row in rows
    )
