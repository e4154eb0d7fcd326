"""The configuration: what is refused and how that is told, and what is completed by defaults."""

import copy
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import create_model

from epochwise import catalogue
from epochwise.data import noise, noise_kinds
from epochwise.data.corruption import corrupt
from epochwise.data.sources import SOURCES
from epochwise.training.mlp import MLP
from epochwise.workflow import config
from epochwise.workflow.config import ConfigError, canonical, reference, weights_of
from epochwise.workflow.config_models import Dataset, Model
from epochwise.workflow.config_settings import ModelTraining, Settings
from epochwise.workflow.errors import InputError

ROOT = Path(__file__).parents[2]
MODEL = {"hidden_layers": 2, "width": 8}
EXPERIMENT = {
    "dataset": "ten_digits",
    "noises": {"some": {"rate": 0.2}},
    "models": {"small": MODEL, "large": {"hidden_layers": 3, "width": 16}},
    "seeds": [0, 1, 2],
}
MINIMAL = {
    "experiment": "first",
    "datasets": {"ten_digits": {"source": "digits"}},
    "experiments": {"first": EXPERIMENT},
}
DELETE = "(left out)"


def resolve(configuration):
    """The chosen experiments, with the project's own sources and kinds of noise."""
    return config.resolve(configuration, SOURCES, noise_kinds.load())


def changed(path, value, base=MINIMAL):
    """A copy of `base` with the value at `path` (keys in a tuple) set or deleted."""
    copied = copy.deepcopy(base)
    node = copied
    for key in path[:-1]:
        node = node.setdefault(key, {})
    if value is DELETE:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return copied


def message_of(configuration):
    with pytest.raises(ConfigError) as raised:
        resolve(configuration)
    message = str(raised.value)
    assert len(message) < 700 and "pydantic" not in message and "Traceback" not in message
    return message


FIRST = ("experiments", "first")
RATE = "noises.some.rate"
TRAINING = "models.small.training"
SMALL = (*FIRST, "models", "small")


@pytest.mark.parametrize(("text", "number"), [("1e-4", "0.0001"), ("1e-05", "1.0e-05"), ("5", "5.0")])
def test_a_number_that_is_text_to_yaml_is_refused_with_what_to_write(text, number):
    assert f"write {number}, with a point" in message_of(changed((*FIRST, "training", "learning_rate"), text))
    assert yaml.safe_load(number) == float(text)


@pytest.mark.parametrize("written", ["2024_11", "2024-11-05", "007", "1.5", "yes"])
def test_text_that_yaml_reads_as_something_else_is_refused_with_what_to_write(written):
    message = message_of(changed(("datasets", "ten_digits", "path"), yaml.safe_load(written)))
    assert "datasets.ten_digits.path" in message and "put it into quotes" in message


@pytest.mark.parametrize("value", ["", [], {}])
def test_quotes_are_not_the_remedy_for_other_mistakes(value):
    assert "quotes" not in message_of(changed(("datasets", "ten_digits", "path"), value))


@pytest.mark.parametrize("key", [("outliers", "massive_value"), ("training", "activation_cap")])
def test_equal_numbers_are_one_value(key):
    whole, point = (changed((*FIRST, *key), value) for value in (100, 100.0))
    assert canonical(resolve(whole)) == canonical(resolve(point))


# (key of the experiment, or of the whole configuration after a slash; value; what the message contains beside the key)
REFUSED = [
    # wrong type
    ("training.epochs", "many", '"many"', "integer, ≥ 1"),
    ("subset.size", 20.5, "20.5", "integer or null"),
    ("training", None, "null", "object"),
    ("seeds", 3, "3", "array"),
    ("seeds", [0, True], ".seeds.1", "true", "integer"),
    ("seeds", [1.0], ".seeds.0", "1.0", "integer"),
    ("models.small.width", 8.0, "8.0", "integer"),
    ("training.stack_seeds", 1, "1 ", "`true`, `false`, `auto`"),
    ("/datasets.ten_digits.channels", True, "true", "`1`, `3`, `null`"),
    ("/defaults", [], "[]", "object"),
    ("/experiment", 5, "5", "string or array"),
    (RATE, "0.3", '"0.3"', "number"),
    # unknown key, misspelt name
    ("training.epoch", 9, "'epoch'", "did you mean 'epochs'", "learning_rate"),
    ("models.small.Width", 9, "'Width'", "did you mean 'width'", "hidden_layers"),
    ("/experimets", {}, "'experimets'", "did you mean 'experiments'"),
    ("/defaults.lr", 1, "'lr'", "Known keys", "training"),
    ("/experiment", "frist", "'frist'", "did you mean 'first'", "There are: first"),
    ("/experiment", ["first", "zzz"], "'zzz'", "There are: first"),
    ("dataset", "ten_digit", "'ten_digit'", "did you mean 'ten_digits'"),
    ("/datasets.ten_digits.source", "cifar", '"cifar"', "`cifar10`", "`mnist`"),
    ("training.input_scaling", "standardise", '"standardise"', "`standardize`"),
    ("noises.some.kind", "symetric", "'symetric'", "did you mean 'symmetric'", "There are: asymmetric, human"),
    ("noises.some.kind", "../subset", "'../subset'", "There are: asymmetric, human"),
    # out of range
    (RATE, -0.1, "-0.1", "≥ 0, < 1"),
    (RATE, 1, "1 ", "≥ 0, < 1"),
    (RATE, 1.0001, "1.0001", "≥ 0, < 1"),
    (RATE, float("nan"), "nan", "finite"),
    ("training.learning_rate", float("inf"), "inf", "finite"),
    ("training.learning_rate", 0, "0 ", "> 0"),
    ("models.small.width", 0, "0 ", "≥ 1"),
    ("models.small.width", -1, "-1", "≥ 1"),
    ("models.small.hidden_layers", 0, "0 ", "≥ 1"),
    ("seeds", [-1], ".seeds.0", "-1", "≥ 0"),
    # lists
    ("seeds", [], "[]", "at least 1"),
    ("seeds", [1, 2, 1], "[1, 2, 1]", "name each once"),
    ("/experiment", [], "[]", "string or array", "at least 1"),
    ("/experiment", ["first", "first"], "name each once"),
    # missing
    ("/experiment", DELETE, "'experiment' is missing", "add it"),
    ("seeds", DELETE, "'seeds' is missing", "add it"),
    (RATE, DELETE, "'rate' is missing", "add it", "share of training samples"),
    ("models.small", {"hidden_layers": 2}, "'width' is missing", "add it, or give `widths`", "Units per hidden layer"),
    ("models.small", {"width": 2}, "'hidden_layers' is missing", "add it, or give `widths`", "Number of hidden layers"),
    ("models.small", {}, "missing", "add `widths`, or `hidden_layers` and `width`"),
    ("models.small", {"widths": [9], **MODEL}, "'widths' and 'hidden_layers' and 'width' exclude", "keep", "to null"),
    ("models.small", {"widths": [9], "width": 8}, "'widths' and 'width' exclude", "keep `widths`", "to null"),
    ("noises", {}, "{}", "at least 1"),
    ("models", {"small": None}, "every entry is null", "keep at least one"),
    ("noises", {"some": None}, "every entry is null", "keep at least one"),
    # widths
    ("models.small", {"widths": []}, "models.small.widths: []", "at least 1"),
    ("models.small", {"widths": [1] * 101}, "models.small.widths: [1, 1", "at most 100"),
    ("models.small", {"widths": [8, 0]}, "models.small.widths.1: 0 ", "≥ 1, ≤ 65536"),
    ("models.small", {"widths": 8}, "models.small.widths: 8 ", "array or null", "first to last"),
    ("models.small", {"widths": [8, "4"]}, 'models.small.widths.1: "4"', "integer"),
    # grids
    ("models.small.width", [], "[]", "at least 1"),
    ("models.small.width", [8, 8], "[8, 8]", "name each once"),
    ("models.small.width", [8, 0], ".width.1", "0 ", "≥ 1"),
    ("models.small.hidden_layers", [2, "3"], ".hidden_layers.1", '"3"', "integer"),
    ("models", {"a": {"hidden_layers": 1, "width": [8]}, "a_d1_w8": MODEL}, "'a_d1_w8'", "rename one"),
    ("models", {"x" * 60: {"hidden_layers": 1, "width": [8]}}, "longer than 64 characters", "shorter name"),
    # against the data
    ("subset.size", 1258, "1258", "1257", "digits", "give at most"),
    ("subset.size", 9, "9 ", "10 classes", "digits", "give at least"),
    ("outliers.folds", 100, "100 is more than the 20 samples", "smaller"),
    ("/datasets.ten_digits.path", "my/folder", "'my/folder'", "leave it out"),
    # what the optimizer of a model does not use
    (TRAINING, {"momentum": 0.9}, f"{TRAINING}.momentum", "0.9 has no effect", "is adam", "to 0,", "optimizer: sgd"),
    (TRAINING, {"optimizer": "sgd", "adam_epsilon": 0.1}, f"{TRAINING}.adam_epsilon", "0.1", "is sgd", "1e-08", "adam"),
    (TRAINING, {"optimizer": "sgd", "adam_beta2": 0.9}, f"{TRAINING}.adam_beta2", "0.9", "is sgd", "0.999", "adam"),
    (TRAINING, {"weight_decay": 1000}, f"{TRAINING}.weight_decay", "1000", "learning rate 0.001", "smaller"),
    (TRAINING, {"optimizer": "sgdm"}, f"{TRAINING}.optimizer", '"sgdm"', "`adam`, `sgd`"),
    (TRAINING, {"momentum": 1}, f"{TRAINING}.momentum", "1 ", "< 1"),
    (TRAINING, {"activation_cap": 0}, f"{TRAINING}.activation_cap", "0 ", "> 0"),
    (TRAINING, {"threads": 3}, f"{TRAINING}: unknown key 'threads'"),  # it belongs to the whole experiment
    (TRAINING, {"epochs": 0}, f"{TRAINING}.epochs: 0 ", "≥ 1, ≤ 1000000"),
    ("training.loss", "mse", '"mse"', "`cross_entropy`, `cross_entropy_of_softmax`", "softmax applied twice"),
    ("noises.some.independent", 1, "1 ", "boolean", "independently"),
    ("activations.permutations", 0, "0 ", "≥ 1"),
    ("outliers.large_ratio", 0, "0 ", "> 0", "root mean square"),
    ("claims.fit", -0.1, "-0.1", "≥ 0"),
]


@pytest.mark.parametrize(("key", "value", "told"), [(key, value, told) for key, value, *told in REFUSED], ids=str)
def test_bad_input_is_refused_with_key_value_and_remedy(key, value, told):
    path = tuple(key[1:].split(".")) if key.startswith("/") else (*FIRST, *key.split("."))
    base = changed((*FIRST, "subset", "size"), 20) if key == "outliers.folds" else MINIMAL
    message = message_of(changed(path, value, base))
    where = path[:-1] if value is DELETE or "unknown key" in message else path
    assert message.startswith(".".join(where) or "the configuration")
    for part in told:
        assert part in message


@pytest.mark.parametrize("whole", [None, [], "config.yaml"])
def test_what_is_no_mapping_at_all_is_refused(whole):
    assert "the configuration" in message_of(whole)


NAMED = [("datasets",), ("experiments",), (*FIRST, "noises"), (*FIRST, "models")]
PATH_LIKE = ["../../x", "/abs", "a/b", "a\\b", "", ".", "..", ".hidden", "-x", "ünï", "a b", "a\n b", "x" * 65, "{a}"]
FILES = ["a.parquet", "claims.md", "report.html", "all.zip"]


@pytest.mark.parametrize("parent", NAMED, ids=".".join)
@pytest.mark.parametrize("name", PATH_LIKE + FILES + list(catalogue.RESERVED))
def test_reserved_and_path_like_names_are_refused(parent, name):
    values = {"datasets": {"source": "digits"}, "experiments": EXPERIMENT, "noises": {"rate": 0}, "models": MODEL}
    message = message_of(changed((*parent, name), values[parent[-1]]))
    assert f"{'.'.join(parent)}: {name!r} is no legal name. Letters, digits, dots, dashes and underscores" in message
    assert "`data`" in message and "reserved" in message


@pytest.mark.parametrize("name", ["a", "A.b-c_9", "0", "data2", "x" * 64])
def test_other_names_are_legal(name):
    assert name in resolve(changed((*FIRST, "models", name), MODEL))["first"]["models"]


def test_errors_of_the_configuration_are_errors_of_input():
    assert issubclass(ConfigError, InputError)


# -- what comes out ----------------------------------------------------------------------------------------------------


def settings_keys():
    """{path: default} of every settings key."""

    def walk(node, path):
        for key, child in node.items():
            yield from walk(child, (*path, key)) if isinstance(child, dict) else [((*path, key), child)]

    return dict(walk(Settings().model_dump(), ()))


def value_at(block, path):
    for key in path:
        block = block[key]
    return block


def test_every_setting_that_is_left_out_takes_the_default_of_the_schema():
    block = resolve(MINIMAL)["first"]
    assert {path: value_at(block, path) for path in settings_keys()} == settings_keys()
    assert block["dataset"] == {
        "name": "ten_digits",
        "source": "digits",
        "path": None,
        "sha256": None,
        "components": 50,
        "image_size": None,
        "channels": None,
    }
    assert block["noises"] == {
        "some": {"rate": 0.2, "kind": "symmetric", "seed": 0, "shared_draw": True, "independent": False}
    }
    widths = {"small": [8, 8], "large": [16, 16, 16]}
    trained = {name: {"widths": widths[name], "training": block["training"]} for name in EXPERIMENT["models"]}
    assert block["models"] == trained and block["seeds"] == [0, 1, 2]
    assert block.keys() == {"dataset", "noises", "models", "seeds", *config.SETTINGS_GROUPS}


def test_an_experiment_overrides_defaults_which_override_the_schema():
    defaults = {"training": {"epochs": 7, "batch_size": 5}, "figures": {"data_decomposition": {"images": 3}}}
    own = {"training": {"epochs": 9}, "figures": {"dpi": 99}}
    configuration = MINIMAL | {"defaults": defaults, "experiments": {"first": EXPERIMENT | own}}
    before = copy.deepcopy(configuration)
    block = resolve(configuration)["first"]
    assert (block["training"]["epochs"], block["training"]["batch_size"]) == (9, 5)
    assert block["training"]["learning_rate"] == 0.001
    assert block["figures"] == {
        "dpi": 99, "data_decomposition": {"images": 3}, "large_activation_inputs": {"images": 8},
    }  # fmt: skip
    assert configuration == before


def test_a_model_or_a_noise_set_to_null_is_left_out():
    assert list(resolve(changed(SMALL, None))["first"]["models"]) == ["large"]
    overlay = changed((*FIRST, "noises", "some"), None, changed((*FIRST, "noises", "other"), {"rate": 0.1}))
    assert list(resolve(overlay)["first"]["noises"]) == ["other"]


def test_lists_of_depths_and_widths_make_a_grid_of_models():
    grid = {"hidden_layers": [2, 4], "width": [8, 16]}
    models = resolve(changed((*FIRST, "models"), {"mlp": grid, "deep": {"hidden_layers": [9], "width": 3}}))["first"][
        "models"
    ]
    assert {name: model["widths"] for name, model in models.items()} == {
        "mlp_d2_w8": [8, 8],
        "mlp_d2_w16": [16, 16],
        "mlp_d4_w8": [8, 8, 8, 8],
        "mlp_d4_w16": [16, 16, 16, 16],
        "deep_d9_w3": [3] * 9,
    }
    assert all(model.keys() == {"widths", "training"} for model in models.values())


def test_a_model_has_the_widths_that_are_given_whatever_their_form():
    given = {
        "tapering": {"widths": [9, 5, 5]},
        "short": {"hidden_layers": 3, "width": 5},
        "same": {"widths": [5, 5, 5]},
    }
    models = resolve(changed((*FIRST, "models"), given))["first"]["models"]
    assert [model["widths"] for model in models.values()] == [[9, 5, 5], [5, 5, 5], [5, 5, 5]]
    assert models["short"] == models["same"]


def test_an_overlay_changes_the_form_of_a_model_by_setting_keys_to_null():
    overlay = {"widths": [9, 5], "hidden_layers": None, "width": None}
    assert resolve(changed((*FIRST, "models", "small"), overlay))["first"]["models"]["small"]["widths"] == [9, 5]
    back = {"widths": None, "hidden_layers": 1, "width": 3}
    assert resolve(changed((*FIRST, "models", "small"), back))["first"]["models"]["small"]["widths"] == [3]


def test_models_of_one_experiment_are_trained_for_epochs_and_on_losses_of_their_own():
    given = {"long": {"widths": [4], "training": {"epochs": 1_000_000}}, "short": {"widths": [4]}}
    given["other"] = {"widths": [4], "training": {"loss": "cross_entropy_of_softmax"}}
    block = resolve(changed((*FIRST, "models"), given, changed((*FIRST, "training", "epochs"), 30)))["first"]
    trained = {
        name: (model["training"]["epochs"], model["training"]["loss"]) for name, model in block["models"].items()
    }
    assert trained == {
        "long": (1_000_000, "cross_entropy"), "short": (30, "cross_entropy"), "other": (30, "cross_entropy_of_softmax")
    }  # fmt: skip


def test_a_model_is_trained_with_values_of_its_own_and_otherwise_with_those_of_its_experiment():
    own = {"hidden_layers": 2, "width": 8, "training": {"input_scaling": "unit", "learning_rate": 1}}
    plain = {"hidden_layers": 2, "width": 8}
    block = resolve(changed((*FIRST, "models"), {"plain": plain, "own": own}))["first"]
    assert block["models"]["plain"]["training"] == block["training"]
    assert block["models"]["own"]["training"] == {**block["training"], "input_scaling": "unit", "learning_rate": 1.0}
    assert isinstance(block["models"]["own"]["training"]["learning_rate"], float), "1 and 1.0 are one value"


def test_a_model_that_inherits_a_momentum_cannot_change_to_adam_alone():
    sgd = changed((*FIRST, "training"), {"optimizer": "sgd", "momentum": 0.9})
    own = {"hidden_layers": 2, "width": 8, "training": {"optimizer": "adam"}}
    assert "models.own.training.momentum: 0.9" in message_of(changed((*FIRST, "models", "own"), own, sgd))
    own["training"]["momentum"] = 0
    resolved = resolve(changed((*FIRST, "models", "own"), own, sgd))["first"]["models"]
    assert [resolved[name]["training"]["optimizer"] for name in ("small", "own")] == ["sgd", "adam"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("~/data", "/home/ada/data"),
        ("~", "/home/ada"),
        ("$HOME/my data", "/home/ada/my data"),
        ("${SCRATCH}/cifar10", "/scratch/ada/cifar10"),
        ("../shared/~x", "../shared/~x"),
        ("data/$UNKNOWN_TO_ALL", "data/$UNKNOWN_TO_ALL"),
    ],
)
def test_home_and_variables_in_a_path_are_replaced(monkeypatch, written, meant):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("SCRATCH", "/scratch/ada")
    configuration = changed(("datasets", "ten_digits"), {"source": "cifar10", "path": written})
    assert resolve(configuration)["first"]["dataset"]["path"] == meant


def test_a_new_kind_of_noise_is_one_new_file(monkeypatch):
    """The configuration accepts a kind as soon as there is a module of its name, and the draw uses this module."""
    module = ModuleType("epochwise.data.noise.all_zero")
    module.Settings = create_model("Settings", __base__=noise.NoiseSettings, shift=int)
    module.given_labels = lambda true, classes, settings, random: np.zeros_like(true)
    folder = Path(noise.__file__).parent
    monkeypatch.setattr(Path, "glob", lambda path, pattern: [folder / "all_zero.py", folder / "symmetric.py"])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    configuration = changed((*FIRST, "noises", "some"), {"kind": "all_zero", "shift": 2})
    settings = resolve(configuration)["first"]["noises"]["some"]
    assert corrupt(np.array([1, 2, 0]), 3, settings, 0).tolist() == [0, 0, 0]
    assert "`all_zero`, `symmetric`" in reference(noise_kinds.load())


def test_only_the_chosen_experiments_come_out_in_the_order_asked_for():
    experiments = dict.fromkeys("abc", EXPERIMENT) | {"broken": EXPERIMENT | {"dataset": "nowhere"}}
    assert list(resolve(MINIMAL | {"experiment": ["c", "a"], "experiments": experiments})) == ["c", "a"]


def test_the_size_of_data_at_a_path_of_ones_own_is_not_guessed():
    dataset = {"source": "mnist", "path": "my/folder"}
    configuration = changed(("datasets", "ten_digits"), dataset, changed((*FIRST, "subset", "size"), 70_000))
    assert resolve(configuration)["first"]["subset"]["size"] == 70_000


@pytest.fixture(scope="module")
def real():
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def test_every_experiment_of_the_repository_resolves(real):
    resolved = resolve(real | {"experiment": list(real["experiments"])})
    assert resolved.keys() == real["experiments"].keys()
    for block in resolved.values():
        source = SOURCES[block["dataset"]["source"]]
        sizes = [weights_of(model, source.pixels, source.classes) for model in block["models"].values()]
        assert sizes[-1] == max(sizes), "the largest model is written last: the pictures of one run show it"
        first = next(iter(block["noises"].values()))
        assert first["kind"] == "human" or first["rate"] == 0.3  # the paper's


def test_the_experiment_paper_is_what_the_public_reading_reports(real):
    paper, short = (resolve(real | {"experiment": name})[name] for name in ("paper", "paper_mlp7"))
    assert {name: (model["widths"], model["training"]["epochs"]) for name, model in paper["models"].items()} == {
        "mlp3": ([1024, 512], 1_000_000),
        "mlp5": ([2048, 1024, 512, 512], 1_000_000),
        "mlp7": ([2048, 2048, 1024, 1024, 512, 512], 100_000),
    }
    read = {"learning_rate": 1e-5, "batch_size": 512, "optimizer": "adam", "weight_decay": 0.0}
    inferred = {"loss": "cross_entropy_of_softmax"}
    for block in (paper, short):
        assert {key: block["training"][key] for key in (*read, *inferred)} == read | inferred
        [noise] = block["noises"].values()
        assert (noise["kind"], noise["rate"], noise["independent"]) == ("symmetric", 0.3, True)
        assert block["dataset"]["source"] == "cifar10" and block["subset"]["size"] is None
    of_short, of_paper = short["models"]["mlp7"], paper["models"]["mlp7"]
    assert (
        of_short["training"] == {**of_paper["training"], "epochs": 20_000} and of_short["widths"] == of_paper["widths"]
    )


def test_the_defaults_of_the_repository_are_those_of_the_schema(real):
    assert {path: value_at(real["defaults"], path) for path in settings_keys()} == settings_keys()
    assert resolve(real | {"defaults": {}}) == resolve(real)


def test_the_reference_lists_every_key_once_with_its_default_and_meaning():
    lines = reference(noise_kinds.load()).splitlines()
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert all(len(row) == 4 for row in rows)
    by_key = {row[0].strip("`"): row for row in rows[2:]}
    assert len(by_key) == len(rows) - 2
    expected = {"experiment", "datasets", "experiments", "experiments.<name>.dataset", "experiments.<name>.seeds"}
    expected |= {"experiments.<name>.noises", "experiments.<name>.models"}
    expected |= {f"defaults.{'.'.join(path)}" for path in settings_keys()}
    expected |= {f"datasets.<name>.{key}" for key in Dataset.model_fields}
    of_noise = {"map.<name>"}.union(*(kind.Settings.model_fields for kind in noise_kinds.load().values()))
    expected |= {f"experiments.<name>.noises.<name>.{key}" for key in of_noise}
    expected |= {f"experiments.<name>.models.<name>.{key}" for key in Model.model_fields.keys() - {"training"}}
    expected |= {f"experiments.<name>.models.<name>.training.{key}" for key in ModelTraining.model_fields}
    assert by_key.keys() == expected
    for path, default in settings_keys().items():
        assert json.loads(by_key[f"defaults.{'.'.join(path)}"][2].strip("`")) == default
    assert all(legal and meaning for _, legal, _, meaning in by_key.values())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_text_does_not_depend_on_order_and_loses_nothing(value):
    def reordered(node):
        if isinstance(node, dict):
            return {key: reordered(node[key]) for key in reversed(node)}
        return [reordered(child) for child in node] if isinstance(node, list) else node

    assert canonical(value) == canonical(reordered(value))
    assert json.loads(canonical(value)) == value


def test_canonical_text_is_as_written_here():
    assert canonical({"b": [1, 2.5, None], "a": {"é": True}}) == '{"a":{"é":true},"b":[1,2.5,null]}'
    assert canonical([1, 2]) != canonical([2, 1])
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(float("nan"))


@pytest.mark.parametrize("shape", [(64, [1], 10), (64, [16, 16], 10), (784, [33, 7, 12, 1], 3)])
def test_weights_are_those_of_the_real_network(shape):
    inputs, widths, classes = shape
    parameters = sum(parameter.numel() for parameter in MLP(inputs, widths, classes).parameters())
    assert weights_of({"widths": widths}, inputs, classes) == parameters


def test_the_largest_network_of_the_paper_has_as_many_weights_as_counted_by_hand():
    assert weights_of({"widths": [2048, 2048, 1024, 1024, 512, 512]}, 3072, 10) == 14_430_218
