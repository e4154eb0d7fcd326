"""Which jobs a change makes run again on finished results, as the tests expect it and docs/staleness.md lists it.

What follows a rule, and what a changed setting or an edit of one kind makes run again, is written down here by hand, so
that the tests compare two independent descriptions. Which rules run a module is read from the imports.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from epochwise import catalogue
from epochwise.workflow import code

# Each name is a stage together with every stage that depends on it.
NOTHING: frozenset[str] = frozenset()
FIGURES = frozenset({"figure"})
CAPTIONS = frozenset({"captions"})
EXPLORER = frozenset({"explorer"})
CLAIMS = frozenset({"claims"}) | CAPTIONS
SUMMARIZE_MEASURES = frozenset({"summarize_measures"}) | FIGURES
MEASURES = frozenset({"measures"}) | SUMMARIZE_MEASURES | CLAIMS
SUMMARIZE_INTERVENTIONS = frozenset({"summarize_interventions"}) | FIGURES
SUMMARIZE_TWINS = frozenset({"summarize_twins"}) | FIGURES
INTERVENTIONS = frozenset({"interventions"}) | SUMMARIZE_INTERVENTIONS | CLAIMS
SUMMARIZE_RUNS = frozenset({"summarize_runs"}) | SUMMARIZE_INTERVENTIONS | SUMMARIZE_TWINS | CLAIMS | FIGURES | EXPLORER
OVER_SEEDS = SUMMARIZE_RUNS | SUMMARIZE_MEASURES
SEPARATION = frozenset({"separation"}) | SUMMARIZE_RUNS
OUTLIERS = frozenset({"outliers"}) | INTERVENTIONS | SUMMARIZE_RUNS
FEATURES = frozenset({"features"}) | OUTLIERS
EXTRACT = frozenset({"extract"}) | SEPARATION | OUTLIERS
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

    In `file` (below workflow_scripts/) the text `old` is replaced by `new`. `figures` is that of a Change.
    """

    what: str
    file: str
    old: str
    new: str
    rules: frozenset[str]
    figures: tuple[str, ...] = ()


# One change per key of an experiment. Keys of a noise and a model include the name of that noise or model.
CHANGES = (
    Change("subset.size", 400, CORRUPT),
    Change("subset.seed", 1, CORRUPT),
    Change("training.epochs", 5, TRAIN),
    Change("training.learning_rate", 0.002, TRAIN),
    Change("training.batch_size", 32, TRAIN),
    Change("training.input_scaling", "unit", TRAIN),
    Change("training.loss", "cross_entropy_of_softmax", TRAIN),
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
    Change("activations.permutations", 5, EXTRACT),
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
    Change("outliers.large_ratio", 5, OUTLIERS),
    Change("outliers.folds", 4, OUTLIERS),
    Change("outliers.ridge", 2.0, OUTLIERS),
    Change("phases.fitted", 0.9, SUMMARIZE_RUNS),
    Change("phases.learned", 0.4, SUMMARIZE_RUNS),
    Change("phases.smoothing", 0, SUMMARIZE_RUNS),
    Change("phases.min_dip", 0.02, SUMMARIZE_RUNS),
    Change("summary.level", 0.9, OVER_SEEDS),
    Change("claims.accuracy", 0.02, CLAIMS),
    Change("claims.fit", 0.01, CLAIMS),
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
    Change("noises.symmetric30.independent", True, CORRUPT),
    Change("models.mlp3.width", 10, TRAIN, chain="mlp3"),
    Change("models.mlp3.hidden_layers", 3, TRAIN, chain="mlp3"),
    Change("models.mlp7.widths", [16, 12, 8], TRAIN, chain="mlp7"),
    Change("models.mlp3.training", {"learning_rate": 0.002}, TRAIN, chain="mlp3"),
    Change("models.mlp7.training", {"epochs": 5}, TRAIN, chain="mlp7"),
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
    "experiments.<name>.twins": "true adds the runs without noise, and summarize_twins",
    "experiments.<name>.maps": "true adds a figure",
    "experiments.<name>.training.momentum": "train and later",  # refused with the optimizer of that run
}
# Keys that other kinds of noise have; test_noise_kinds.py changes them.
UNCHANGEABLE |= {
    f"noises.<name>.{key}": "corrupt and later, for that noise"
    for key in ("kind", "matched_rate", "map", "matrix", "labels", "path")
}

# Each rule with the stages that run again after an edit of its script.
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
    "summarize_runs": SUMMARIZE_RUNS,
    "summarize_measures": SUMMARIZE_MEASURES,
    "summarize_interventions": SUMMARIZE_INTERVENTIONS,
    "summarize_twins": SUMMARIZE_TWINS,
    "claims": CLAIMS,
    "captions": CAPTIONS,
    "explorer": EXPLORER,
    "figure": FIGURES,
    "archive": NOTHING,  # the archive is made on request only
}
LIBRARY = code.SCRIPTS / "epochwise"
# Modules that a rule runs beside those that its script imports, by their folder in the library.
RUN_BY_NAME = {"figure": "figures", "corrupt": "data/noise", "measures": "activations/measures"}


def script_of(rule: str) -> str:
    """The script of a rule, which has its name; one script makes all summaries."""
    return "summarize.py" if rule.startswith("summarize_") else f"{rule}.py"


@cache
def modules_of(rule: str) -> frozenset[str]:
    """The modules that a rule runs, as paths in the library without an ending, found by reading the imports."""
    named = []
    if rule in RUN_BY_NAME:
        named = [
            f"epochwise/{RUN_BY_NAME[rule]}/{path.name}" for path in (LIBRARY / RUN_BY_NAME[rule]).glob("[!_]*.py")
        ]
    reached = [path for path in code.reached_by(script_of(rule), *named) if path.suffix == ".py"]
    return frozenset(str(path.relative_to(LIBRARY).with_suffix("")) for path in reached if path.is_relative_to(LIBRARY))


def rules_after_edit(module: str) -> frozenset[str]:
    """What runs again after an edit that changes what a module does."""
    return frozenset().union(*(stages for rule, stages in RULES.items() if module in modules_of(rule)))


# Edits of one kind each, with what runs again. One script makes all summaries, so what it reaches runs all of them. The
# last edits change what a module does.
BEFORE, EDITED = "\n\n\n", "\n\nEDITED = True\n\n\n"
EDITS = (
    Edit("a comment", "epochwise/workflow/files.py", "\nimport ", "\n# A new comment.\nimport ", NOTHING),
    Edit("a docstring", "epochwise/training/mlp.py", '"""', '"""Reworded. ', NOTHING),
    Edit(
        "line breaks and spaces",
        "epochwise/analysis/separation.py",
        "def _cosine(signals: Signals) -> np.ndarray:",
        "def _cosine(\n    signals:  Signals\n)  ->  np.ndarray:",
        NOTHING,
    ),
    Edit("what `make verify` reports", "epochwise/workflow/verify.py", BEFORE, EDITED, NOTHING),
    Edit("the caption of a figure", "epochwise/catalogue.py", '"Training images', '"Images', CAPTIONS),
    Edit(
        "an asset, here the HTML template of the claims page",
        "epochwise/report/captions.html.jinja",
        "<h2>How to read a verdict</h2>",
        "<h2>What a verdict means</h2>",
        CAPTIONS,
    ),
    Edit("the statement of a claim", "epochwise/findings/claims_paper.py", '="Noisy data', '="The noisy data', CLAIMS),
    Edit(
        "a new column in the table `outliers`",
        "epochwise/analysis/outliers.py",
        '        ("massive", pa.bool_()),\n',
        '        ("massive", pa.bool_()),\n        ("new_column", pa.float64()),\n',
        OUTLIERS | SUMMARIZE_MEASURES,
    ),
    Edit(
        "a new column in the table `neurons`",
        "epochwise/activations/tables.py",
        '        ("std", pa.float32()),\n',
        '        ("std", pa.float32()),\n        ("new_column", pa.float32()),\n',
        EXTRACT | SUMMARIZE_MEASURES,
    ),
    Edit("the script of the summaries", "summarize.py", "\n\n", "\n\nEDITED = True\n", OVER_SEEDS),
    Edit("the effect of a claim", "epochwise/findings/effects.py", BEFORE, EDITED, CLAIMS),
    Edit("a module that every job uses", "epochwise/workflow/files.py", BEFORE, EDITED, EVERYTHING),
    Edit("the noise kind of the experiment", "epochwise/data/noise/symmetric.py", BEFORE, EDITED, CORRUPT),
    Edit("another noise kind", "epochwise/data/noise/pair.py", BEFORE, EDITED, NOTHING),
    Edit("a further measure", "epochwise/activations/measures/rank.py", BEFORE, EDITED, MEASURES),
    Edit("a figure", "epochwise/figures/phases.py", BEFORE, EDITED, FIGURES, figures=("phases",)),
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
    edits = {edit.what: "that figure" if edit.figures else _name_stages(edit.rules) for edit in EDITS}
    harmless = "\n".join(f"- {line}" for line in HARMLESS)
    return f"""# What runs again

After a change, Snakemake runs only the jobs whose results can differ. This page lists what each change makes run again.
`make docs` generates it from `tests/workflow/staleness.py`, and the tests check the workflow against the same list.

"train and later" means rule `train` and every rule that depends on it. [rules.md](rules.md) lists all rules, and
[design.md](design.md) shows how they depend on each other. To see what a command would run, add `--dry-run`.

## Configuration

{_table("key", _configuration())}

A key under `defaults` has the same effect on every experiment that does not set it itself.

## Code

{_table("edit", edits)}

After an edit that changes what a module does, these rules run again. A figure, a noise kind or a measure counts only
where the configuration chooses it, and each figure redraws only itself:

{_table("runs again", _modules_by_stage(), "modules of `epochwise/`")}

## Changes that make nothing run again

{harmless}

## How it works

Each rule has a parameter for every setting that its results depend on, and a parameter `code`: a hash of the rule's
script and of every library module that the script imports, directly or not. The hash covers what runs: comments,
docstrings, line breaks and spaces do not count. Other files with the name of a module, such as an HTML template, count
byte by byte. Snakemake runs a job again if one of its parameters changed.

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
  an older time (`cp -p`, `rsync -t`), it does not notice: `touch` the file. Code is always compared by content. For the
  files of a data set, the size is compared too. To check their content, set `datasets.<name>.sha256`.
"""


def _configuration() -> dict[str, str]:
    """What runs again for each key of the configuration."""
    keys = {}
    for change in CHANGES:
        kind, *rest = change.key.split(".")
        name = ".".join([kind, "<name>", *rest[1:]]) if kind in ("noises", "models") else change.key
        what = "that figure" if change.figures else _name_stages(change.rules)
        if change.chain:
            what = "train and later, for that model"
        keys[f"`experiments.<name>.{name}`"] = what
    keys |= {f"`datasets.<name>.{key}`": _name_stages(rules) for key, rules in DATASET_KEYS.items()}
    keys |= {
        "one more seed, model or noise": "the new runs, then the summaries and later",
        "one seed, model or noise less": "the summaries and later; the files of the removed runs stay",
        "another list of seeds, if they are stacked": "train and later, for all seeds",
        "`experiments.<name>.dataset`": "everything",
    }
    keys |= {f"`{key.replace('noises', 'experiments.<name>.noises')}`": why for key, why in UNCHANGEABLE.items()}
    return keys


def _modules_by_stage() -> dict[str, str]:
    """The modules of the library by what runs again after an edit."""
    figures = {f"figures/{figure.name}" for figure in catalogue.FIGURES}
    names = [str(path.relative_to(LIBRARY).with_suffix("")) for path in sorted(LIBRARY.rglob("*.py"))]
    modules: dict[str, list[str]] = {}
    for name in names:
        what = "that figure" if name in figures else _name_stages(rules_after_edit(name))
        modules.setdefault(what, []).append(f"`{name}`")
    return {what: ", ".join(found) for what, found in sorted(modules.items())}


def _name_stages(rules: frozenset[str]) -> str:
    """A set of rules in words: the rules that no other rule of the set makes run, "and later"."""
    if rules == EVERYTHING:
        return "everything"
    first = [name for name in RULES if name in rules and not any(name in RULES[r] - {r} for r in rules)]
    later = " and later" if rules - set(first) else ""
    return (", ".join(first) or "nothing") + later


def _table(head: str, rows: dict[str, str], what: str = "runs again") -> str:
    return "\n".join(
        [f"| {head} | {what} |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in rows.items())]
    )
