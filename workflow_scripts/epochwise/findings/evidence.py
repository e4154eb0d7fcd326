"""Read what the claims are judged on."""

from collections.abc import Sequence

from epochwise.analysis.runs import RUN
from epochwise.findings.effects import RunEvidence
from epochwise.findings.run_tables import RUN_TABLES
from epochwise.findings.summarize import SCHEMAS
from epochwise.workflow import tables


def read_runs(
    runs: Sequence[Sequence],
    *,
    phases: str,
    separation: Sequence[str],
    outliers: Sequence[str],
    large_activation: Sequence[str],
    test_paths: Sequence[str],
    interventions: Sequence[str],
    measures: Sequence[str],
) -> dict[tuple[str, str, int], RunEvidence]:
    """What the claims are judged on, by noise, model and seed.

    `runs` gives noise, model and seed in the order of the lists of files. `phases` is the file of `phases_by_seed`.
    `interventions` is empty if no neuron was edited, and `measures` if there are no further measures.
    """
    by_seed = tables.read(phases, SCHEMAS["phases_by_seed"]).set_index(RUN)
    files = {"separation": separation, "outliers": outliers, "large_activation": large_activation}
    files |= {"test_paths": test_paths}
    files |= {"interventions": interventions or [None] * len(runs), "measures": measures or [None] * len(runs)}
    evidence = {}
    for run, *paths in zip(runs, *files.values(), strict=True):
        of_run = dict(zip(files, paths, strict=True))
        evidence[tuple(run)] = RunEvidence(
            phases=by_seed.loc[tuple(run)].set_index(["curve", "measure"])["value"].to_dict(),
            **{name: path and tables.read(path, RUN_TABLES[name]) for name, path in of_run.items()},
        )
    return evidence


def weights_by_model(runs: str) -> dict[str, int]:
    """Number of weights of each model, from the file of the summary table `runs`."""
    table = tables.read(runs, SCHEMAS["runs"]).drop_duplicates("model")
    return dict(zip(table["model"], table["weights"], strict=True))
