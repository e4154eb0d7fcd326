"""The staleness contract: what a change makes run again on finished results. Tests and documentation are made from it.

Rules are named by groups: a stage and all that is below it. Nothing here is read off the workflow.
"""

from dataclasses import dataclass
from typing import Any

NOTHING: frozenset[str] = frozenset()
FIGURES = frozenset({"figure"})
CAPTIONS = frozenset({"captions"})
CLAIMS = frozenset({"claims"}) | CAPTIONS
SUMMARY = frozenset({"summary"}) | CLAIMS | FIGURES
SEPARATION = frozenset({"separation"}) | SUMMARY
OUTLIERS = frozenset({"outliers"}) | SUMMARY
FEATURES = frozenset({"features"}) | OUTLIERS
EXTRACT = frozenset({"extract"}) | SEPARATION | OUTLIERS
TRAIN = frozenset({"train"}) | EXTRACT
CORRUPT = frozenset({"corrupt"}) | TRAIN
EVERYTHING = frozenset({"dataset"}) | FEATURES | CORRUPT


@dataclass(frozen=True)
class Change:
    """Another value of a configuration key, the rules that re-run, and of them only those of one model (`chain`)."""

    key: str
    value: Any
    rules: frozenset[str]
    figures: tuple[str, ...] = ()  # only these; () stands for all that draw what changed
    chain: str | None = None


# One change per key of an experiment's block; keys of a noise, a model and a data set stand with their parent's name.
CHANGES = (
    Change("subset.size", 400, CORRUPT),
    Change("subset.seed", 1, CORRUPT),
    Change("training.epochs", 5, TRAIN),
    Change("training.learning_rate", 0.002, TRAIN),
    Change("training.batch_size", 32, TRAIN),
    Change("training.input_scaling", "unit", TRAIN),
    Change("training.initialization", "he", TRAIN),
    Change("training.evaluations_per_decade", 3, TRAIN),
    Change("training.snapshots_per_decade", 3, TRAIN),
    Change("training.device", "cpu", TRAIN),
    Change("training.precision", "bfloat16", TRAIN),
    Change("training.threads", 2, NOTHING),
    Change("training.checkpoint_seconds", 5, NOTHING),
    Change("training.stack_seeds", True, TRAIN),
    Change("activations.batch_size", 512, EXTRACT),
    Change("activations.snapshot_stride", 2, EXTRACT),
    Change("activations.split_seed", 1, EXTRACT),
    Change("separation.min_samples", 3, SEPARATION),
    Change("outliers.massive_value", 50, OUTLIERS),
    Change("outliers.massive_ratio", 500, OUTLIERS),
    Change("outliers.folds", 4, OUTLIERS),
    Change("outliers.ridge", 2.0, OUTLIERS),
    Change("phases.fitted", 0.9, SUMMARY),
    Change("phases.learned", 0.4, SUMMARY),
    Change("phases.smoothing", 0, SUMMARY),
    Change("phases.min_dip", 0.02, SUMMARY),
    Change("summary.level", 0.9, SUMMARY),
    Change("claims.accuracy", 0.02, CLAIMS),
    Change("claims.loss", 0.02, CLAIMS),
    Change("claims.octaves", 0.2, CLAIMS),
    Change("claims.single", 2.0, CLAIMS),
    Change("claims.cosine", 0.02, CLAIMS),
    Change("claims.explained", 0.1, CLAIMS),
    Change("figures.dpi", 90, FIGURES),
    Change("figures.data_decomposition.images", 6, FIGURES, figures=("data_decomposition",)),
    Change("figures.large_activation_inputs.images", 4, FIGURES, figures=("large_activation_inputs",)),
    Change("noises.symmetric30.rate", 0.2, CORRUPT),
    Change("noises.symmetric30.seed", 1, CORRUPT),
    Change("noises.symmetric30.shared_draw", False, CORRUPT),
    Change("models.mlp3.width", 10, TRAIN, chain="mlp3"),
    Change("models.mlp3.hidden_layers", 3, TRAIN, chain="mlp3"),
)
# Keys of a data set: those that a finished run of `digits` can be given another value of, and the others.
DATASET_CHANGES = (
    Change("sha256", "0" * 64, EVERYTHING),
    Change("components", 20, FEATURES),
)
DATASET_KEYS = {"source": EVERYTHING, "path": EVERYTHING} | {change.key: change.rules for change in DATASET_CHANGES}
UNCHANGEABLE = {"noises.<name>.kind": "has one legal value", "experiment": "chooses what is built"}

# A stage and all that is below it, by the rule's and script's name.
RULES = {
    "dataset": EVERYTHING,
    "features": FEATURES,
    "corrupt": CORRUPT,
    "train": TRAIN,
    "extract": EXTRACT,
    "separation": SEPARATION,
    "outliers": OUTLIERS,
    "summary": SUMMARY,
    "claims": CLAIMS,
    "captions": CAPTIONS,
    "figure": FIGURES,
    "archive": NOTHING,  # made on request only
}

# What an edit of a module of the library makes run again; a figure's own module redraws that figure.
MODULES = {
    "__init__": EVERYTHING,
    "errors": EVERYTHING,
    "files": EVERYTHING,
    "provenance": EVERYTHING,
    "runtime": EVERYTHING,
    "tables": EVERYTHING,
    "datasets": EVERYTHING,
    "sources": EVERYTHING,
    "features": FEATURES,
    "label_noise": CORRUPT,
    "seeding": CORRUPT,
    "training": TRAIN,
    "gpus": TRAIN,
    "checkpoints": TRAIN,
    "stack": TRAIN,
    "schedule": TRAIN,
    "mlp": TRAIN,
    "scaling": TRAIN,
    "snapshots": TRAIN,
    "activations": EXTRACT,
    "separation": SEPARATION,
    "outliers": OUTLIERS,
    "summary": SUMMARY,
    "phases": SUMMARY,
    "statistics": SUMMARY,
    "claims": CLAIMS,
    "captions": CAPTIONS,
    "archive": NOTHING,
    "code": EVERYTHING,
    "config": NOTHING,
    "figures/__init__": FIGURES,
    "figures/theme": FIGURES,
    "figures/panels": FIGURES,
}

# Edits of a finished run's folder, or other ways to call the workflow, after which nothing is to be done.
HARMLESS = (
    "keys of the configuration in another order (but of models and noises, whose order the figures keep), comments",
    "the time of any file: data, code, tables, snapshots",
    "data sets that are gone, once they were read",
    "a fresh copy of the project with results and `.snakemake` put back; another folder",
    "`--cores`, memory and runtime of jobs",
    "two runs in a row",
)


def documentation() -> str:
    """docs/staleness.md."""

    def named(rules: frozenset[str]) -> str:
        for name, group in RULES.items():
            if rules == group and len(group) > 1:
                return f"{name} and below" if name != "dataset" else "everything"
        return ", ".join(sorted(rules)) or "nothing"

    keys = {}
    for change in CHANGES:
        kind, *rest = change.key.split(".")
        name = ".".join([kind, "<name>", *rest[1:]]) if kind in ("noises", "models") else change.key
        what = named(change.rules)
        if change.figures:
            what = "that figure"
        if change.chain:
            what = f"{what}, of that model; then what is drawn from all"
        keys[f"experiments.<name>.{name}"] = what
    keys |= {f"datasets.<name>.{key}": named(rules) for key, rules in DATASET_KEYS.items()}
    keys["experiments.<name>.seeds, models, noises: one more"] = (
        "the new runs (a seed of a stack: the stack); then what is drawn from all"
    )
    keys["experiments.<name>.seeds, models, noises: one less"] = (
        "summary and below (a seed of a stack: the stack); its files stay"
    )
    keys["experiments.<name>.dataset"] = "everything"
    keys |= {key.replace("noises", "experiments.<name>.noises"): why for key, why in UNCHANGEABLE.items()}
    modules = {f"epochwise/{name}.py": named(rules) for name, rules in MODULES.items()}
    modules["epochwise/figures/<figure>.py"] = "that figure"
    modules |= {f"{name}.py": named(rules) for name, rules in RULES.items()}

    def table(head: str, rows: dict[str, str]) -> str:
        return "\n".join([f"| {head} | runs again |", "| --- | --- |", *(f"| `{k}` | {v} |" for k, v in rows.items())])

    harmless = "\n".join(f"- {line}" for line in HARMLESS)
    return f"""# What runs again

Generated from `tests/workflow/staleness.py` by `make docs`; the tests hold the workflow to the same list. The line of
stages: dataset → features, corrupt → train → extract → separation, outliers → summary → claims → captions; summary →
figure.

## Configuration

{table("key", keys)}

A key under `defaults` does what the same key does in the experiments that do not override it.

## Code

{table("module", modules)}

## Nothing

{harmless}

## How

Each rule has two parameters: `spec`, canonical JSON of just those values that its results depend on, and `code`, the
hash of its script and of every library module that the script imports, directly or not. (Modules as inputs, a dozen
per job, would take longer to plan, and hide an edit that has an older time.) Inputs whose checksum is what it was do
not count as changed, whatever their time (`max-checksum-file-size` in `profiles/default`). For the snapshots stands
`snapshots.sha256`, since a folder has no checksum.

## What is left

- A stage that runs again makes all that is below it run again in the same call, even if it writes the same bytes: the
  engine decides before it runs. To spare that, run the stage alone first, for instance with `--until train` (where
  seeds are stacked, also `train_stack_0`, …: a dry run names the rules); if its results are the same bytes, a second
  call finds nothing to do.
- What results were made from is known to Snakemake by its folder `.snakemake`. Without it changes go unseen, and times
  alone decide: copy results with their times (`cp -a`), or jobs run again for no reason. The workflow warns.
- Versions of packages are not compared. After an upgrade what is there stays; only training, when it runs again, starts
  from the initial weights where torch's version is another. `provenance.json` and the records name the versions.
- A job whose code was edited after the workflow had planned it refuses to begin. On a cluster each submitted job plans
  for itself and cannot tell: edit no code while jobs wait there.
- Another list of seeds for a model whose seeds are stacked (`training.stack_seeds`) trains the whole stack again: how a
  batched product rounds depends on its size.
- Of the files below `datasets.<name>.path`, train.parquet and test.parquet are inputs; files in torchvision's layout
  are not. torchvision holds CIFAR's against their MD5 sums, of MNIST's only what it downloads; `sha256` of the data set
  in the configuration covers all.
- A result or data file is compared by its content if its time is newer than that of what was made from it. One put in
  its place with an older time (by `cp -p`, `rsync -t`) goes unseen: `touch` it. Code is compared by its content always.
- An edit of a module that training reaches trains again, from the initial weights, even if it was a comment.
"""
