"""Read what the claims are judged on."""

from collections.abc import Sequence

from epochwise.activations.edit_tables import INTERVENTIONS
from epochwise.activations.measure_tables import MEASURES
from epochwise.analysis.large_activation import LARGE_ACTIVATION
from epochwise.analysis.outliers import OUTLIERS
from epochwise.analysis.separation import SEPARATION
from epochwise.findings.effects import Run
from epochwise.findings.summary import SCHEMAS
from epochwise.workflow import tables


def read_runs(
    runs: Sequence[Sequence],
    *,
    phases: str,
    separation: Sequence[str],
    outliers: Sequence[str],
    large_activation: Sequence[str],
    interventions: Sequence[str],
    measures: Sequence[str],
) -> dict[tuple[str, str, int], Run]:
    """What was measured on each run, by noise, model and seed.

    `runs` gives noise, model and seed in the order of the lists of files. `phases` is the file of `phases_by_seed`.
    `interventions` is empty if no neuron was edited, and `measures` if there are no further measures.
    """
    by_seed = tables.read(phases, SCHEMAS["phases_by_seed"]).set_index(["noise", "model", "seed"])
    measured = {}
    missing = [None] * len(runs)
    optional = zip(interventions or missing, measures or missing, strict=True)
    always = zip(separation, outliers, large_activation, strict=True)
    for (noise, model, seed), files, (edited, measured_on) in zip(runs, always, optional, strict=True):
        quantities = by_seed.loc[(noise, model, seed)].set_index(["metric", "quantity"])["value"]
        schemas = (SEPARATION, OUTLIERS, LARGE_ACTIVATION)
        measured[noise, model, seed] = Run(
            quantities.to_dict(),
            *(tables.read(file, schema) for file, schema in zip(files, schemas, strict=True)),
            edited and tables.read(edited, INTERVENTIONS),
            measured_on and tables.read(measured_on, MEASURES),
        )
    return measured


def weights_by_model(runs: str) -> dict[str, int]:
    """Number of weights of each model, from the file of the summary table `runs`."""
    table = tables.read(runs, SCHEMAS["runs"]).drop_duplicates("model")
    return dict(zip(table["model"], table["weights"], strict=True))
