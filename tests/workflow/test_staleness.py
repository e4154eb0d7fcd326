"""On a finished run one thing is changed at a time. A dry run must list exactly the jobs that the contract names."""

import copy
import os
import re
import shutil
from contextlib import contextmanager

import pytest
import yaml
from docs.references import read_rules

from epochwise import catalogue
from epochwise.data import noise_kinds
from epochwise.workflow import code, config
from epochwise.workflow.records import checksums
from tests.workflow import staleness
from tests.workflow.conftest import ROOT, SEEDS, TINY
from tests.workflow.staleness import (
    CHANGES,
    DATASET_CHANGES,
    DATASET_KEYS,
    EDITS,
    OVER_SEEDS,
    RULES,
    TRAIN,
    UNCHANGEABLE,
)

BLOCK = TINY["experiments"]["digits"]
MODELS = [name for name, model in BLOCK["models"].items() if model]
FIGURES = [figure.name for figure in catalogue.FIGURES if figure.part not in ("twins", "maps")]  # those of TINY
FROM_DATA = ["data_decomposition"]  # the only figure that does not depend on a summary
ALONE = ["similarity"]  # depends on summarize_measures, and on nothing else
OF_OPTIONAL_PART = {
    "summarize_interventions": ["interventions", "anatomy"],
    "summarize_measures": ["measures", "similarity"],
}
PER_RUN = ("publish", "extract", "separation", "outliers", "interventions", "measures")


def overlay(**changes):
    """The configuration of the finished run, with other values: nested, merged key by key."""
    block = copy.deepcopy(BLOCK)

    def merge(base, over):
        for key, value in over.items():
            if isinstance(value, dict) and isinstance(base.get(key), dict):
                merge(base[key], value)
            else:
                base[key] = value

    merge(block, changes)
    return {"experiments": {"digits": block}}


def nested(key, value):
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def planned(checkout, values=None, *arguments):
    """The jobs that a dry run of `all` lists: rule and wildcards, without the experiment."""
    messages = checkout.build("--dry-run", "all", *arguments, overlay=values or overlay())
    jobs = set()
    for rule, body in re.findall(r"^(?:local)?rule (\w+):\n(.*?)(?=^\[|\Z)", messages, re.M | re.S):
        found = re.search(r"^    wildcards: (.*)$", body, re.M)
        wildcards = dict(part.split("=", 1) for part in found[1].split(", ")) if found else {}
        wildcards.pop("experiment", None)
        jobs.add((rule, *wildcards.values()))
    return jobs - {("all",)}


def jobs(rules, figures=None, models=MODELS, seeds=SEEDS, noise="symmetric30"):
    """The jobs of these rules. Without `figures`, those figures that depend on the summaries among the rules."""
    drawn = [name for name in FIGURES if name not in FROM_DATA and (name not in ALONE or "summarize_measures" in rules)]
    for rule, figures_of_rule in OF_OPTIONAL_PART.items():
        if rule in rules and "summarize_runs" not in rules:
            drawn = figures_of_rule
    made = set()
    for rule in rules - {"summarize_twins"}:  # TINY has none; test_twins.py has
        if rule == "train":
            made |= {(rule, noise, model, f"seed{seed}") for model in models for seed in seeds}
        elif rule in PER_RUN:
            made |= {(rule, noise, model, str(seed)) for model in models for seed in seeds}
        elif rule == "figure":
            made |= {(rule, name) for name in figures or drawn}
        elif rule in ("dataset", "features"):
            made.add((rule, "digits"))
        elif rule == "corrupt":
            made.add((rule, noise, ""))
        else:
            made.add((rule,))
    return made


def stacks():
    """The training jobs when the seeds of every model are stacked."""
    return {("train", "symmetric30", model, "stack") for model in MODELS}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.key)
def test_a_changed_value_re_runs_what_the_contract_names(finished, change):
    found = planned(finished, overlay(**nested(change.key, change.value)))
    if change.key == "training.stack_seeds":
        assert found == stacks() | jobs(change.rules - {"train"})
    elif change.key.endswith("shared_draw"):
        draws = {("corrupt", "symmetric30", f"_seed{seed}") for seed in SEEDS}
        assert found == draws | jobs(change.rules - {"corrupt"}, FIGURES)
    elif "dpi" in change.key or "corrupt" in change.rules:
        assert found == jobs(change.rules, FIGURES)
    else:
        assert found == jobs(change.rules, change.figures, [change.chain] if change.chain else MODELS)


@pytest.mark.parametrize("change", DATASET_CHANGES, ids=lambda change: change.key)
def test_a_changed_value_of_the_data_set_re_runs_what_the_contract_names(finished, change):
    values = {**overlay(), "datasets": {"digits": {"source": "digits", change.key: change.value}}}
    assert planned(finished, values) == jobs(change.rules, FIGURES if "corrupt" in change.rules else change.figures)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seeds": [0, 1, 2]}, jobs(TRAIN, seeds=[2])),
        ({"seeds": [0]}, jobs(OVER_SEEDS)),
        ({"models": {"mlp5": {"hidden_layers": 2, "width": 8}}}, jobs(TRAIN, models=["mlp5"])),
        ({"models": {"mlp3": None}}, jobs(OVER_SEEDS)),
        ({"noises": {"other": {"rate": 0.1}}}, jobs(TRAIN | {"corrupt"}, FIGURES, noise="other")),
    ],
    ids=["added seed", "removed seed", "added model", "removed model", "added noise"],
)
def test_runs_come_and_go_alone(finished, changes, expected):
    assert planned(finished, overlay(**changes)) == expected


def test_files_of_a_removed_seed_and_model_stay(finished, tmp_path):
    smaller = finished.copy(tmp_path / "smaller")
    runs = smaller.results / "digits" / "symmetric30"
    before = checksums([runs])
    smaller.build("all", overlay=overlay(seeds=[0], models={"mlp3": None}))
    assert checksums([runs]) == before
    assert planned(smaller) == jobs(OVER_SEEDS), "and serve when they are asked for again"


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"outliers": {"massive_value": 1000, "massive_ratio": 100}}, RULES["outliers"]),
        ({"training": {"evaluations_per_decade": 5, "snapshots_per_decade": 20}}, TRAIN),
        ({"claims": {"accuracy": 0.1, "octaves": 0.01}}, RULES["claims"]),
    ],
)
def test_values_exchanged_between_two_keys_are_seen(finished, changes, rules):
    defaults = yaml.safe_load((ROOT / "config.yaml").read_text())["defaults"]
    [(group, values)] = changes.items()
    assert sorted(values.values()) == sorted(defaults[group][key] for key in values), "an exchange"
    assert planned(finished, overlay(**changes)) == jobs(rules)


def test_an_added_largest_model_redraws_what_shows_models(finished):
    models = {"mlp9": {"hidden_layers": 4, "width": 20}}
    assert planned(finished, overlay(models=models)) == jobs(TRAIN, models=["mlp9"])


def test_the_order_of_models_is_that_of_the_figures(finished):
    path = finished.folder / "config.yaml"
    before = path.read_text()
    values = yaml.safe_load(before)
    values["experiments"]["digits"]["models"] = {}
    path.write_text(yaml.safe_dump(values))
    turned = overlay()
    turned["experiments"]["digits"]["models"] = dict(reversed(BLOCK["models"].items()))
    try:
        assert planned(finished, turned) == jobs(OVER_SEEDS)
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("data/digits/train.parquet", "dataset"),
        ("data/digits/test.parquet", "dataset"),
        ("data/digits/features.parquet", "features"),
        ("digits/symmetric30/labels.parquet", "corrupt"),
        *((f"digits/symmetric30/mlp3/seed1/{name}", "publish") for name in ("history.parquet", "snapshots.sha256")),
        *((f"digits/symmetric30/mlp3/seed1/{name}", "publish") for name in ("provenance.json", "snapshots")),
        *(
            (f"digits/symmetric30/mlp7/seed0/activations/{name}.parquet", "extract")
            for name in ("class_means", "neurons", "samples", "outputs", "test_paths")
        ),
        ("digits/symmetric30/mlp7/seed0/separation.parquet", "separation"),
        ("digits/symmetric30/mlp7/seed0/outliers.parquet", "outliers"),
        ("digits/symmetric30/mlp7/seed0/large_activation.parquet", "outliers"),
        ("digits/symmetric30/mlp7/seed0/large_by_class.parquet", "outliers"),
        ("digits/summary/ranked_activations.parquet", "summarize_runs"),
        ("digits/claims.md", "claims"),
        ("digits/findings.parquet", "claims"),
        ("digits/captions/phases.rst", "captions"),
        ("digits/figures/phases.csv", "figure"),
    ],
)
def test_what_is_missing_is_made_again(finished, path, rule):
    file = finished.results / path
    aside = finished.folder / "aside"
    file.rename(aside)
    try:
        assert rule in {job[0] for job in planned(finished)}
    finally:
        aside.rename(file)


def test_one_stage_can_be_run_alone(finished):
    """The documentation advises this, so that a stage that writes the same bytes does not re-run the later stages."""
    edited = {"training": {"learning_rate": 0.002}}
    assert planned(finished, overlay(**edited), "--until", "train") == jobs({"train"})
    stacked = overlay(training={"stack_seeds": True, "learning_rate": 0.002})
    assert planned(finished, stacked, "--until", "train") == stacks()


def test_another_time_re_runs_nothing(finished):
    for path in [
        *finished.folder.rglob("*.py"),
        *finished.results.rglob("*.parquet"),
        *finished.results.rglob("*.sha256"),
    ]:
        path.touch()
    for folder in finished.results.rglob("snapshots"):
        os.utime(folder)
        for path in folder.iterdir():
            path.touch()
    assert planned(finished) == set()


def test_order_comments_and_resources_re_run_nothing(finished):
    path = finished.folder / "config.yaml"
    before = path.read_text()
    values = yaml.safe_load(before)
    path.write_text("# Another comment\n" + yaml.safe_dump(values, sort_keys=True))
    try:
        assert planned(finished, None, "--set-resources", "train:mem_mb=99", "--cores", "1") == set()
    finally:
        path.write_text(before)


def test_a_fresh_copy_with_results_put_back_re_runs_nothing(finished, tmp_path):
    copied = type(finished)(tmp_path / "elsewhere")
    shutil.copytree(finished.folder, copied.folder, copy_function=shutil.copyfile)  # times are not kept
    assert planned(copied) == set()


@contextmanager
def edited(path, old, new):
    """Replace a text in a file for a while. The file gets an old time, because the time must hide nothing."""
    before = path.read_text()
    assert old in before, f"{path} does not contain {old!r}"
    path.write_text(before.replace(old, new, 1))
    os.utime(path, (0, 0))
    try:
        yield
    finally:
        path.write_text(before)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.what)
def test_an_edit_re_runs_what_the_contract_names(finished, edit):
    """What the script of the figures reaches redraws all of them, else those that depend on a summary."""
    path = ROOT / "workflow_scripts" / edit.file
    every = "corrupt" in edit.rules or path in code.reached_by("figure.py")
    with edited(finished.folder / path.relative_to(ROOT), edit.old, edit.new):
        assert planned(finished) == jobs(edit.rules, edit.figures or (FIGURES if every else None))


def test_a_stage_run_again_to_the_same_bytes_makes_nothing_stale(finished):
    model = "results/digits/symmetric30/mlp3"
    shutil.rmtree(finished.folder / model / ".training" / "seed0")
    again = [
        f"{model}/seed0.sha256",
        f"{model}/seed0/history.parquet",
        f"{model}/seed0/activations/neurons.parquet",
        "results/digits/symmetric30/labels.parquet",
    ]
    for target in again:
        finished.build("--force", target, overlay=overlay())
        assert planned(finished) == set(), target


def test_the_contract_names_every_key_and_every_rule():
    def leaves(node, path=""):
        for key, child in node.get("properties", {}).items():
            if "properties" in child:
                yield from leaves(child, f"{path}{key}.")
            else:
                yield f"{path}{key}"

    schema = config.full_schema(noise_kinds.load())["properties"]
    experiment = schema["experiments"]["additionalProperties"]["properties"]
    known = {change.key for change in CHANGES}
    of_parent = {
        parent: {key.rpartition(".")[2] for key in known if key.startswith(parent)} for parent in ("noises", "models")
    }
    of_experiment = {key for key in known if not key.startswith(("noises", "models"))}
    elsewhere = {"twins", "maps", "training.momentum"}  # test_twins.py and test_optimizer.py change them
    assert of_experiment | elsewhere == set(leaves(schema["defaults"]))
    of_kinds = {key.rpartition(".")[2] for key in UNCHANGEABLE if key.startswith("noises")}
    assert of_parent["noises"] | of_kinds == set(experiment["noises"]["additionalProperties"]["properties"])
    assert of_parent["models"] == set(experiment["models"]["additionalProperties"]["properties"])
    assert set(DATASET_KEYS) == set(schema["datasets"]["additionalProperties"]["properties"])
    assert RULES.keys() == read_rules().keys()


@pytest.mark.parametrize("edit", [edit for edit in EDITS if edit.new == staleness.EDITED], ids=lambda edit: edit.what)
def test_what_runs_a_module_is_read_from_the_imports(edit):
    module = edit.file.removeprefix("epochwise/").removesuffix(".py")
    chosen = edit.rules or RULES["corrupt"] if "data/noise/" in edit.file else edit.rules
    assert staleness.rules_after_edit(module) == chosen


def test_figures_do_not_reach_each_other():
    for name in FIGURES:
        reached = code.reached_by("figure.py", f"epochwise/figures/{name}.py")
        assert {path.stem for path in reached if path.parent.name == "figures"} & set(FIGURES) == {name}
