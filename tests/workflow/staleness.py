"""The staleness contract: which jobs a change makes run again on finished results.

The tests and docs/staleness.md are both made from this file. Nothing here is computed from the workflow, so that the
tests compare two independent descriptions.
"""

from dataclasses import dataclass
from typing import Any

# Each name is a stage together with every stage that depends on it.
NOTHING: frozenset[str] = frozenset()
FIGURES = frozenset({"figure"})
CAPTIONS = frozenset({"captions"})
EXPLORER = frozenset({"explorer"})
CLAIMS = frozenset({"claims"}) | CAPTIONS
GEOMETRY = frozenset({"geometry"}) | FIGURES
MEASURES = frozenset({"measures"}) | GEOMETRY | CLAIMS
CAUSES = frozenset({"causes"}) | FIGURES
TWINS = frozenset({"twins"}) | FIGURES
INTERVENTIONS = frozenset({"interventions"}) | CAUSES | CLAIMS
SUMMARY = frozenset({"summary"}) | CAUSES | TWINS | CLAIMS | FIGURES | EXPLORER
OVER_SEEDS = SUMMARY | GEOMETRY
SEPARATION = frozenset({"separation"}) | SUMMARY
OUTLIERS = frozenset({"outliers"}) | INTERVENTIONS | SUMMARY
FEATURES = frozenset({"features"}) | OUTLIERS
ANALYSIS = SEPARATION | OUTLIERS
EXTRACT = frozenset({"extract"}) | ANALYSIS
PUBLISH = frozenset({"publish"}) | EXTRACT | MEASURES
TRAIN = frozenset({"train"}) | PUBLISH
CORRUPT = frozenset({"corrupt"}) | TRAIN
EVERYTHING = frozenset({"dataset"}) | FEATURES | CORRUPT


@dataclass(frozen=True)
class Change:
    """Another value of a configuration key, and the rules that run again.

    `figures` names the only figures that run again; empty: all that depend on what changed. `chain` names the only
    model whose runs are made again.
    """

    key: str
    value: Any
    rules: frozenset[str]
    figures: tuple[str, ...] = ()
    chain: str | None = None


@dataclass(frozen=True)
class Edit:
    """An edit of the code, and the rules that run again.

    In `file` (below workflow_scripts/) the text `old` is replaced by `new`.
    """

    what: str
    file: str
    old: str
    new: str
    rules: frozenset[str]


# One change per key of an experiment. Keys of a noise and a model include the name of that noise or model.
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
    Change("training.weight_decay", 0.1, TRAIN),
    Change("training.adam_epsilon", 1e-4, TRAIN),
    Change("training.adam_beta2", 0.99, TRAIN),
    Change("training.activation_cap", 2.0, TRAIN),
    Change("training.optimizer", "sgd", TRAIN),
    Change("training.threads", 2, NOTHING),
    Change("training.checkpoint_seconds", 5, NOTHING),
    Change("training.stack_seeds", True, TRAIN),
    Change("activations.batch_size", 512, EXTRACT),
    Change("activations.snapshot_stride", 2, EXTRACT),
    Change("activations.split_seed", 1, EXTRACT),
    Change("measures.stride", 2, MEASURES),
    Change("measures.names", ["rank", "cka"], MEASURES),
    Change("measures.samples", 128, MEASURES),
    Change("measures.permutations", 30, MEASURES),
    Change("measures.neighbours", 5, MEASURES),
    Change("measures.folds", 3, MEASURES),
    Change("measures.ridge", 1.0, MEASURES),
    Change("measures.seed", 1, MEASURES),
    Change("interventions.stride", 2, INTERVENTIONS),
    Change("interventions.batch_size", 512, INTERVENTIONS),
    Change("separation.min_samples", 3, SEPARATION),
    Change("outliers.massive_value", 50, OUTLIERS),
    Change("outliers.massive_ratio", 500, OUTLIERS),
    Change("outliers.folds", 4, OUTLIERS),
    Change("outliers.ridge", 2.0, OUTLIERS),
    Change("phases.fitted", 0.9, SUMMARY),
    Change("phases.learned", 0.4, SUMMARY),
    Change("phases.smoothing", 0, SUMMARY),
    Change("phases.min_dip", 0.02, SUMMARY),
    Change("summary.level", 0.9, OVER_SEEDS),
    Change("claims.accuracy", 0.02, CLAIMS),
    Change("claims.loss", 0.02, CLAIMS),
    Change("claims.octaves", 0.2, CLAIMS),
    Change("claims.single", 2.0, CLAIMS),
    Change("claims.share", 0.2, CLAIMS),
    Change("claims.depth", 0.1, CLAIMS),
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
    Change("models.mlp3.training", {"learning_rate": 0.002}, TRAIN, chain="mlp3"),
)
# The keys of a data set that a test can change on a finished run of `digits`, and then all keys.
DATASET_CHANGES = (
    Change("sha256", "0" * 64, EVERYTHING),
    Change("components", 20, FEATURES),
)
DATASET_KEYS = dict.fromkeys(("source", "path", "image_size", "channels"), EVERYTHING) | {
    change.key: change.rules for change in DATASET_CHANGES
}
# Keys that the tests do not change on the finished run.
UNCHANGEABLE = {
    "experiment": "chooses what is built",
    "experiments.<name>.twins": "true adds the runs without noise, and twins",
    "experiments.<name>.maps": "true adds a figure",
    "experiments.<name>.training.momentum": "train and later",  # refused with the optimizer of that run
}
# Keys that other kinds of noise have; test_noise_kinds.py changes them.
UNCHANGEABLE |= {
    f"noises.<name>.{key}": "corrupt and later, for that noise"
    for key in ("kind", "matched_rate", "map", "matrix", "labels", "path")
}

# Each rule, which is also the name of its script, with the stages that run again after an edit of the script.
RULES = {
    "dataset": EVERYTHING,
    "features": FEATURES,
    "corrupt": CORRUPT,
    "train": TRAIN,
    "publish": PUBLISH,
    "extract": EXTRACT,
    "separation": SEPARATION,
    "outliers": OUTLIERS,
    "measures": MEASURES,
    "interventions": INTERVENTIONS,
    "summary": SUMMARY,
    "geometry": GEOMETRY,
    "causes": CAUSES,
    "twins": TWINS,
    "claims": CLAIMS,
    "captions": CAPTIONS,
    "explorer": EXPLORER,
    "figure": FIGURES,
    "archive": NOTHING,  # the archive is made on request only
}

# Each module of the library with what runs again after an edit that changes what it does. The module of a figure
# redraws that figure alone.
MODULES = {
    "__init__": EVERYTHING,
    "catalogue": CAPTIONS,
    "workflow/__init__": EVERYTHING,
    "workflow/archive": NOTHING,
    "workflow/code": EVERYTHING,
    "workflow/config": NOTHING,  # rules depend on the values in the configuration, not on the code that reads them
    "workflow/config_checks": NOTHING,
    "workflow/config_text": NOTHING,
    "workflow/cores": NOTHING,
    "workflow/debug": NOTHING,
    "workflow/errors": EVERYTHING,
    "workflow/files": EVERYTHING,
    "workflow/gpus": TRAIN,
    "workflow/job": EVERYTHING,
    "workflow/records": EVERYTHING,
    "workflow/schedule": TRAIN,
    "workflow/seeding": CORRUPT,
    "workflow/tables": EVERYTHING,
    "workflow/verify": NOTHING,
    "data/__init__": EVERYTHING,
    "data/class_folders": EVERYTHING,
    "data/corruption": CORRUPT,
    "data/embedded": EVERYTHING,
    "data/features": FEATURES,
    "data/folder": EVERYTHING,
    "data/image_table": EVERYTHING,
    "data/layouts": EVERYTHING,
    "data/loading": EVERYTHING,
    "data/noise/__init__": NOTHING,  # it holds only a docstring
    "data/noise/asymmetric": CORRUPT,
    "data/noise/human": CORRUPT,
    "data/noise/instance": CORRUPT,
    "data/noise/matrix": CORRUPT,
    "data/noise/pair": CORRUPT,
    "data/noise/symmetric": CORRUPT,
    "data/noise/symmetric_inclusive": CORRUPT,
    "data/noise_kinds": NOTHING,
    "data/parquet": EVERYTHING,
    "data/pickled_arrays": CORRUPT,
    "data/pictures": EVERYTHING,
    "data/samples": CORRUPT,
    "data/sources": EVERYTHING,
    "data/subset": CORRUPT,
    "data/torchvision_files": EVERYTHING,
    "training/__init__": TRAIN,
    "training/checkpoints": TRAIN,
    "training/device": TRAIN,
    "training/evaluation": TRAIN,
    "training/folders": TRAIN,
    "training/graph": TRAIN,
    "training/history": TRAIN,
    "training/loop": TRAIN,
    "training/mlp": TRAIN,
    "training/optimizer": TRAIN,
    "training/pace": TRAIN,
    "training/rates": NOTHING,
    "training/run": TRAIN,
    "training/scaling": TRAIN,
    "training/snapshots": TRAIN,
    "training/stopping": TRAIN,
    "training/stack": TRAIN,
    "activations/__init__": EXTRACT | MEASURES,
    "activations/anatomy": INTERVENTIONS,
    "activations/edit_tables": INTERVENTIONS,
    "activations/edits": INTERVENTIONS,
    "activations/interventions": INTERVENTIONS,
    "activations/layer": MEASURES,
    "activations/measure_tables": MEASURES,
    "activations/measures/__init__": NOTHING,
    "activations/measures/collapse": MEASURES,
    "activations/measures/neighbours": MEASURES,
    "activations/measures/probes": MEASURES,
    "activations/measures/rank": MEASURES,
    "activations/measuring": MEASURES,
    "activations/extraction": EXTRACT,
    "activations/forward": EXTRACT,
    "activations/groups": EXTRACT,
    "activations/statistics": EXTRACT,
    "activations/tables": EXTRACT,
    "analysis/__init__": ANALYSIS | GEOMETRY,
    "analysis/association": OUTLIERS,
    "analysis/large_activation": OUTLIERS,
    "analysis/outliers": OUTLIERS,
    "analysis/phases": SUMMARY,
    "analysis/similarity": GEOMETRY,
    "analysis/separation": SEPARATION,
    "findings/__init__": OVER_SEEDS,
    "findings/causes": CAUSES,
    "findings/geometry": GEOMETRY,
    "findings/claims": CLAIMS,
    "findings/drawn": FIGURES,
    "findings/effects": CLAIMS,
    "findings/evidence": CLAIMS,
    "findings/findings": CLAIMS,
    "findings/intervals": OVER_SEEDS,
    "findings/judging": CLAIMS,
    "findings/statistics": CLAIMS,
    "findings/twins": TWINS,
    "findings/summary": SUMMARY,
    "findings/verdicts": CLAIMS,
    "figures/__init__": FIGURES | EXPLORER,
    "figures/legends": FIGURES,
    "figures/matplotlib_import": FIGURES | EXPLORER,
    "figures/numbers": FIGURES | EXPLORER,
    "figures/panels": FIGURES,
    "figures/phase_marks": FIGURES,
    "figures/scales": FIGURES,
    "figures/theme": FIGURES | EXPLORER,
    "report/__init__": CAPTIONS | EXPLORER,
    "report/captions": CAPTIONS,
    "report/doctor": NOTHING,
    "report/explorer": EXPLORER,
    "report/explorer_charts": EXPLORER,
    "report/explorer_data": EXPLORER,
    "report/explorer_samples": EXPLORER,
    "report/needs": NOTHING,
    "report/opening": CAPTIONS,
    "report/results": NOTHING,
}

# Edits of one kind each, with what runs again.
EDITS = (
    Edit(
        what="a comment",
        file="epochwise/workflow/files.py",
        old="\nimport ",
        new="\n# A new comment.\nimport ",
        rules=NOTHING,
    ),
    Edit(
        what="a docstring",
        file="epochwise/training/mlp.py",
        old='"""',
        new='"""Reworded. ',
        rules=NOTHING,
    ),
    Edit(
        what="line breaks and spaces",
        file="epochwise/analysis/separation.py",
        old="def _cosine(signals: Signals) -> np.ndarray:",
        new="def _cosine(\n    signals:  Signals\n)  ->  np.ndarray:",
        rules=NOTHING,
    ),
    Edit(
        what="what `make verify` reports",
        file="epochwise/workflow/verify.py",
        old='"altered since it was written"',
        new='"changed since it was written"',
        rules=NOTHING,
    ),
    Edit(
        what="the caption of a figure",
        file="epochwise/catalogue.py",
        old="Training images with a wrong label",
        new="Images with a wrong label",
        rules=CAPTIONS,
    ),
    Edit(
        what="an asset, here the HTML template of the claims page",
        file="epochwise/report/captions.html.jinja",
        old="<h2>How to read a verdict</h2>",
        new="<h2>What a verdict means</h2>",
        rules=CAPTIONS,
    ),
    Edit(
        what="the statement of a claim",
        file="epochwise/findings/claims.py",
        old='statement="Noisy data are learned after clean data."',
        new='statement="Noisy data are learned later than clean data."',
        rules=CLAIMS,
    ),
    Edit(
        what="a new column in the table `outliers`",
        file="epochwise/analysis/outliers.py",
        old='        ("massive", pa.bool_()),\n',
        new='        ("massive", pa.bool_()),\n        ("new_column", pa.float64()),\n',
        rules=OUTLIERS,
    ),
    Edit(
        what="a new column in the table `neurons`",
        file="epochwise/activations/tables.py",
        old='        ("std", pa.float32()),\n',
        new='        ("std", pa.float32()),\n        ("new_column", pa.float32()),\n',
        rules=EXTRACT,
    ),
)

# Other changes after which nothing runs again.
HARMLESS = (
    "comments in config.yaml, and another order of its keys. The order of models and of noises does count, because the "
    "figures follow it.",
    "another time of any file: data, code, tables, snapshots.",
    "a data set that is deleted after it was read.",
    "moving the project with `results` and `.snakemake` to another folder, or putting both into a fresh copy.",
    "another value of `--cores`, or other memory and time limits.",
    "running the same command twice.",
)


def documentation() -> str:
    """The text of docs/staleness.md."""
    edits = {edit.what: _named(edit.rules) for edit in EDITS}
    modules = {f"`epochwise/{name}.py`": _named(rules) for name, rules in MODULES.items()}
    modules["`epochwise/figures/<figure>.py`"] = "that figure"
    modules |= {f"`{name}.py`": _named(rules) for name, rules in RULES.items()}
    harmless = "\n".join(f"- {line}" for line in HARMLESS)
    return f"""# What runs again

After a change, Snakemake runs only the jobs whose results can differ. This page lists what each change makes run again.
`make docs` generates it from `tests/workflow/staleness.py`, and the tests check the workflow against the same list.

The stages, in the order of the data:

- dataset → features, corrupt
- corrupt → train → publish → extract → separation, outliers → interventions
- separation, outliers → summary → claims → captions
- summary → figure

"train and later" means train and every stage that depends on it. To see what a command would run, add `--dry-run`.

## Configuration

{_table("key", _configuration())}

A key under `defaults` has the same effect on every experiment that does not set it itself.

## Code

{_table("edit", edits)}

After an edit that changes what a module does:

{_table("module", modules)}

## Changes that make nothing run again

{harmless}

## How it works

Each rule has two parameters. `spec` is canonical JSON of exactly the configuration values that its results depend on.
`code` is a hash of the rule's script and of every library module that the script imports, directly or not. The hash
covers what runs: comments, docstrings, line breaks and spaces do not count. Files with the name of a module, such as an
HTML template, count byte by byte. Snakemake runs a job again if one of the two parameters changed.

Snakemake also compares the inputs of a job by their checksums (`max-checksum-file-size` in `profiles/default`). If an
input has a new time but the same content, it does not count as changed. A folder has no checksum, so the later stages
depend on the manifests `seed<seed>.sha256`, `stack.sha256` and `snapshots.sha256`, which list checksums of snapshots.

## Limits

- Snakemake decides what to run before it starts. If a stage runs again and writes the same bytes, the later stages run
  again too. To avoid that, run the stage alone first, for instance with `--until train`. If its results have the same
  bytes, the next call finds nothing to do.
- Snakemake remembers in the folder `.snakemake` what results were made from. Without this folder it cannot see changes
  of configuration or code, and compares only file times. The workflow warns about this. If you copy results, copy
  `.snakemake` too. If you must copy them without it, keep the times (`cp -a`).
- Package versions are not compared. After an upgrade, existing results stay. `provenance.json` and the records list the
  versions that made each result. A saved training state is continued only with the same version of torch.
- An edit that changes what training does starts it from the initial weights. Saved states of other code are not
  continued.
- A job refuses to start if its code was edited after the workflow planned it. On a cluster each submitted job plans for
  itself and cannot notice this. Do not edit code while jobs wait in the queue.
- A stack of seeds (`training.stack_seeds`) is trained as a whole, because the rounding of a batched product depends on
  its size. If you change the list of seeds, the whole stack is trained again.
- Snakemake checks the content of an input only if its time is newer than the result. If a file was replaced by one with
  an older time (`cp -p`, `rsync -t`), it does not notice: `touch` the file. Code is always compared by content. Of the
  files of a data set the size is compared too. To check their content, set `datasets.<name>.sha256`.
"""


def _configuration() -> dict[str, str]:
    """What runs again for each key of the configuration."""
    keys = {}
    for change in CHANGES:
        kind, *rest = change.key.split(".")
        name = ".".join([kind, "<name>", *rest[1:]]) if kind in ("noises", "models") else change.key
        what = "that figure" if change.figures else _named(change.rules)
        if change.chain:
            what = "train and later, for that model"
        keys[f"`experiments.<name>.{name}`"] = what
    keys |= {f"`datasets.<name>.{key}`": _named(rules) for key, rules in DATASET_KEYS.items()}
    keys |= {
        "one more seed, model or noise": "the new runs, then summary and later",
        "one seed, model or noise less": "summary and later; the files of the removed runs stay",
        "another list of seeds, if they are stacked": "train and later, for all seeds",
        "`experiments.<name>.dataset`": "everything",
    }
    keys |= {f"`{key.replace('noises', 'experiments.<name>.noises')}`": why for key, why in UNCHANGEABLE.items()}
    return keys


def _named(rules: frozenset[str]) -> str:
    """A set of rules in words."""
    if rules == ANALYSIS:
        return "separation, outliers and later"
    if rules == OVER_SEEDS:
        return "summary, geometry and later"
    for name, group in RULES.items():
        if rules == group and len(group) > 1:
            return "everything" if name == "dataset" else f"{name} and later"
    return ", ".join(sorted(rules)) or "nothing"


def _table(head: str, rows: dict[str, str]) -> str:
    return "\n".join(
        [f"| {head} | runs again |", "| --- | --- |", *(f"| {key} | {what} |" for key, what in rows.items())]
    )
