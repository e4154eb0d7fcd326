"""Open the results of an experiment in Python, for instance in a notebook: tables, images and networks."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from epochwise import catalogue
from epochwise.data import image_table
from epochwise.data.image_table import Images
from epochwise.figures.numbers import where
from epochwise.training import folders
from epochwise.workflow.errors import InputError

if TYPE_CHECKING:
    from epochwise.training.mlp import MLP
    from epochwise.training.scaling import Scaling

OVER_SEEDS = {table.name: f"summary/{table.path}" for table in catalogue.ALL_SUMMARY_TABLES}
OVER_SEEDS.update({table.name: table.path for table in catalogue.RESULT_TABLES})
OF_RUNS = {table.name: table.path for table in catalogue.RUN_TABLES}
KEYS = ["noise", "model", "seed"]


def open_run(folder: str | Path) -> "Results":
    """The results of an experiment.

    Args:
        folder: such as `results/mnist`.

    Raises InputError if the experiment is not finished.
    """
    path = Path(folder) / OVER_SEEDS["runs"]
    if not path.is_file():
        raise InputError(f"{folder} holds no finished experiment ({path} is missing). Run `snakemake all` first.")
    return Results(Path(folder), pd.read_parquet(path))


@dataclass(frozen=True, repr=False)
class Results:
    """Results of one experiment.

    `folder` is its folder. `runs` has one row per trained network: its noise, model and seed, the share of wrong
    labels, and its size. docs/tables.md describes the tables.
    """

    folder: Path
    runs: pd.DataFrame

    def __repr__(self) -> str:
        runs = "; ".join(f"{key}: {', '.join(map(str, self.runs[key].unique()))}" for key in KEYS)
        first = self._folder(self.runs.iloc[0])
        over_seeds = [name for name, path in OVER_SEEDS.items() if (self.folder / path).is_file()]
        of_runs = [name for name, path in OF_RUNS.items() if (first / path).is_file()]
        return (
            f"Results of {self.folder.name} ({runs})\n"
            f"table(name): {', '.join(over_seeds)}\nof_runs(name): {', '.join(of_runs)}"
        )

    def table(self, name: str, **values) -> pd.DataFrame:
        """A table over seeds, such as `claims` or `curves`.

        Args:
            name: one of those that `print(results)` lists.
            values: only rows with these values are returned, for instance `model="mlp7"`.

        Raises KeyError if there is no such table or column.
        """
        return where(pd.read_parquet(self.folder / _path(name, OVER_SEEDS)), **values).reset_index(drop=True)

    def of_runs(self, name: str, **run) -> pd.DataFrame:
        """A table that each run has, such as `history`, of several runs at once, with their noise, model and seed.

        Args:
            name: one of those that `print(results)` lists.
            run: noise, model and seed. Of what is left out, all are returned.

        Raises KeyError if there is no such table or run.
        """
        path, rows = _path(name, OF_RUNS), self._like(run)
        tables = [pd.read_parquet(self._folder(row) / path).assign(**row[KEYS]) for _, row in rows.iterrows()]
        joined = pd.concat(tables, ignore_index=True)
        return joined[[*KEYS, *joined.columns.drop(KEYS)]]

    def labels(self, noise: str, seed: int = 0) -> pd.DataFrame:
        """The training samples with true and given labels. The seed counts only if each seed has its own noise."""
        shared = self.folder / noise / "labels.parquet"
        return pd.read_parquet(shared if shared.is_file() else shared.with_name(f"labels_seed{seed}.parquet"))

    def images(self, split: str = "train") -> Images:
        """The images of the data set, with their true labels and the names of the classes.

        Args:
            split: `train` or `test`.

        The column `index` of the tables is the row of an image in `images().pixels`.
        """
        return image_table.read(self.folder.parent / "data" / self._dataset() / f"{split}.parquet")

    def epochs(self, noise: str, model: str, seed: int) -> list[int]:
        """Epochs whose weights are stored, ascending."""
        return folders.epochs_in(self._snapshots(noise, model, seed))

    def network(self, epoch: int, noise: str, model: str, seed: int) -> tuple["MLP", "Scaling"]:
        """A network at one stored epoch, and the scaling of its inputs. `network.state_dict()` has its tensors.

        Raises InputError naming the file if the epoch is not stored.
        """
        from epochwise.training import snapshots  # not above, because it starts torch, which takes seconds

        return snapshots.load(self._snapshots(noise, model, seed), epoch)

    def _like(self, run: dict) -> pd.DataFrame:
        rows = where(self.runs, **run)
        if rows.empty:
            raise KeyError(f"no run has {run}; the runs are {self.runs[KEYS].to_dict('records')}")
        return rows

    def _folder(self, row: pd.Series) -> Path:
        return self.folder / row["noise"] / row["model"] / f"seed{row['seed']}"

    def _snapshots(self, noise: str, model: str, seed: int) -> Path:
        return self._folder(self._like({"noise": noise, "model": model, "seed": seed}).iloc[0]) / "snapshots"

    def _dataset(self) -> str:
        """The data set, from the record of a job that read it."""
        run = self._folder(self.runs.iloc[0]).relative_to(self.folder.parent)
        record = json.loads((self.folder.parent / "provenance" / "extract" / f"{run}.json").read_text("utf-8"))
        found = [re.fullmatch(r"results/data/([^/]+)/train\.parquet", path) for path in record["inputs"]]
        return next(match[1] for match in found if match)


def _path(name: str, paths: dict[str, str]) -> str:
    if name not in paths:
        raise KeyError(f"no such table: {name!r}; there are {', '.join(paths)}")
    return paths[name]
