"""Compare the memory and time that the jobs of finished runs used with what their rules asked for.

The requests are computed in rules/resources.smk and should be upper bounds of what this table shows.

Usage: python benchmarks/resources.py results [other/results ...]
"""

import ast
import sys
from pathlib import Path

import pandas as pd


def jobs(results: Path) -> pd.DataFrame:
    """One row per job: its rule and wildcards, and the memory (MB) and time (minutes) used and asked for."""
    rows = []
    for path in sorted((results / "logs").rglob("*.tsv")):
        for row in pd.read_csv(path, sep="\t").itertuples():
            asked = ast.literal_eval(row.resources)
            wildcards = ast.literal_eval(row.wildcards)
            rows.append(
                {
                    "rule": row.rule_name,
                    "of": " ".join(wildcards.values()),
                    "MB": row.max_rss,
                    "MB asked": asked["mem_mb"],
                    "minutes": row.s / 60,
                    "minutes asked": asked["runtime"],
                }
            )
    return pd.DataFrame(rows)


def table(measured: pd.DataFrame) -> pd.DataFrame:
    """For each rule, the jobs with the largest share of the memory, and of the time, that they asked for."""
    measured = measured.assign(
        memory=measured["MB"] / measured["MB asked"], time=measured["minutes"] / measured["minutes asked"]
    )
    worst = [group.nlargest(1, key) for _, group in measured.groupby("rule") for key in ("memory", "time")]
    return pd.concat(worst).drop_duplicates()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    measured = pd.concat([jobs(Path(folder)) for folder in sys.argv[1:]])
    print(table(measured).to_markdown(index=False, floatfmt=".3g"))
