"""Copy the evidence of a finished experiment into docs/evidence/<experiment>, small enough for the repository.

- `claims.csv`, `findings.csv`, `phases_by_seed.csv`: the tables of these names.
- `runs.csv`: one row per run: its noise and model, its settings of training, and where and how long it was trained.
- `large_neurons.csv`: one row per run and layer: the large neuron at the last epoch.
- `records.csv`: one row per job: code, commit, versions, and the values of the configuration that it used.
- `figures/<figure>.csv`: the numbers that each figure draws.
- `twins.csv`: the table of this name, if the experiment has twins.

For an experiment beyond the paper, only the figures that the documentation shows are copied.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from epochwise import catalogue
from epochwise.report.results import KEYS, open_run

ROOT = Path(__file__).resolve().parents[1]
EVIDENCE = ROOT / "docs" / "evidence"
PICTURES = ROOT / "docs" / "figures"
# The figures that the documentation shows: the paper's, and three of ours. No others are copied, because images would
# make a clone slow.
SHOWN = (
    *(figure.name for figure in catalogue.FIGURES if figure.group == "paper"),
    "phases", "separation_by_layer", "large_activation",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """An experiment beyond the paper.

    Attributes:
        figures: names of its figures that the documentation shows.
        compares: `model` or `noise` if all others are compared with the first one, else None.
    """

    figures: tuple[str, ...]
    compares: str | None = None


BEYOND = {
    "cifar10_human": Question(("phases", "large_activation"), compares="noise"),
    "cifar10_scaling": Question(("phases", "separation_by_layer", "large_activation"), compares="model"),
    "mnist_ablations": Question(("phases", "twins"), compares="model"),
    "width_map": Question(("maps", "twins")),
}
# Keys of provenance.json of a run that are copied.
FROM_PROVENANCE = ("cpu_seconds", "wall_seconds", "resumed_from_epoch", "precision", "machine", "git_commit")
# Columns of the table `outliers` of a run that are copied.
FROM_OUTLIERS = [
    "layer", "neuron", "largest_activation", "second_largest_activation", "largest_over_median_active", "argmax_share",
    "stands_out", "followed_neuron", "followed_rms_ratio", "ratio_over_threshold",
]  # fmt: skip
# Keys of a job's record that are copied. The others list files, and are long.
FROM_RECORD = ("rule", "git_commit", "git_dirty", "code_sha256", "machine", "python", "versions", "settings")


def collect(results: Path) -> None:
    """Copy the evidence and the pictures from the folder `results/<experiment>`.

    Raises FileNotFoundError if the experiment is not finished.
    """
    tables = {
        "claims": pd.read_parquet(results / "claims.parquet"),
        "findings": pd.read_parquet(results / "findings.parquet"),
        "phases_by_seed": pd.read_parquet(results / "summary" / "phases_by_seed.parquet"),
        "runs": read_runs(results),
        "large_neurons": read_large_neurons(results),
        "records": read_records(results),
    }
    if (twins := results / "summary" / "twins.parquet").exists():
        tables["twins"] = pd.read_parquet(twins)
    figures = sorted((results / "figures").glob("*.csv"))
    shown = SHOWN
    if results.name in BEYOND:
        shown = BEYOND[results.name].figures
        figures = [path for path in figures if path.stem in shown]
    folder, pictures = EVIDENCE / results.name, PICTURES / results.name
    for old in (folder, pictures):
        shutil.rmtree(old, ignore_errors=True)
    (folder / "figures").mkdir(parents=True)
    pictures.mkdir(parents=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    for numbers in figures:
        pd.read_csv(numbers).to_csv(folder / "figures" / numbers.name, index=False, float_format="%.6g")
    for name in shown:
        shutil.copyfile(results / "figures" / f"{name}.png", pictures / f"{name}.png")


def read_runs(results: Path) -> pd.DataFrame:
    """The summary table `runs`, with FROM_PROVENANCE of each run and its settings of training."""
    rows = []
    for run in pd.read_parquet(results / "summary" / "runs.parquet").to_dict("records"):
        path = results / run["noise"] / run["model"] / f"seed{run['seed']}" / "provenance.json"
        provenance = json.loads(path.read_text("utf-8"))
        rows.append(run | {key: provenance[key] for key in FROM_PROVENANCE} | provenance["settings"]["training"])
    return pd.DataFrame(rows).drop(columns="device")


def read_large_neurons(results: Path) -> pd.DataFrame:
    """FROM_OUTLIERS of each run and layer at the last epoch of the run."""
    table = open_run(results).of_runs("outliers")
    last = table.groupby(KEYS)["epoch"].transform("max")
    return table.loc[table["epoch"] == last, [*KEYS, *FROM_OUTLIERS]]


def read_records(results: Path) -> pd.DataFrame:
    """FROM_RECORD of every job of the experiment and of all data sets, in the order of their paths."""
    provenance = results.parent / "provenance"
    rows = []
    for path in sorted(provenance.rglob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        if not next(iter(record["outputs"])).startswith((f"results/{results.name}/", "results/data/")):
            continue
        row = {key: record[key] for key in FROM_RECORD}
        row |= {key: json.dumps(row[key], sort_keys=True) for key in ("versions", "settings")}
        rows.append({"job": str(path.relative_to(provenance).with_suffix(""))} | row)
    return pd.DataFrame(rows)
