"""Configuration text: what `--config` means, and files that Snakemake would read differently from what they say."""

import pytest

from epochwise.data import noise_kinds
from epochwise.workflow.config import full_schema
from epochwise.workflow.config_checks import ConfigError
from epochwise.workflow.config_text import check_file, from_arguments


def read(*arguments):
    return from_arguments(arguments, full_schema(noise_kinds.load()))


@pytest.mark.parametrize("text", ["2024_11", "2024-11-05", "1e5", "0x10", "yes", "007", "1:30", "=", "~/data", ".5"])
@pytest.mark.parametrize("form", ["{}", "'{}'", '"{}"'])
def test_a_value_that_the_schema_defines_as_text_stays_text(text, form):
    values = read(f"datasets={{cifar10: {{path: {form.format(text)}, source: cifar10}}}}")
    assert values == {"datasets": {"cifar10": {"path": text, "source": "cifar10"}}}


@pytest.mark.parametrize("text", ["007", "2024", "1e5", "yes", "null"])
def test_the_name_of_an_experiment_stays_text(text):
    assert read(f"experiment={text}") == {"experiment": text}
    assert read(f"experiment=[{text}, digits]") == {"experiment": [text, "digits"]}


def test_numbers_truth_values_and_null_are_what_they_are_in_a_file():
    text = "{digits: {seeds: [0, 3], subset: {size: null}, training: {learning_rate: 0.01, stack_seeds: auto}}}"
    assert read(f"experiments={text}") == {
        "experiments": {
            "digits": {
                "seeds": [0, 3],
                "subset": {"size": None},
                "training": {"learning_rate": 0.01, "stack_seeds": "auto"},
            }
        }
    }
    assert read("experiments={a: {noises: {b: {shared_draw: false}}}}")["experiments"]["a"]["noises"]["b"] == {
        "shared_draw": False
    }


def test_null_takes_away_a_path_unless_it_is_quoted():
    assert read("datasets={a: {path: null}}")["datasets"]["a"]["path"] is None
    assert read("datasets={a: {path: 'null'}}")["datasets"]["a"]["path"] == "null"


def test_names_stay_text():
    assert read("experiments={007: {models: {3: {width: 8}}}}") == {
        "experiments": {"007": {"models": {"3": {"width": 8}}}}
    }


def test_a_key_given_in_several_arguments_is_merged():
    found = read("datasets={a: {path: x}}", "datasets={a: {sha256: y}, b: {path: z}}")
    assert found == {"datasets": {"a": {"path": "x", "sha256": "y"}, "b": {"path": "z"}}}


@pytest.mark.parametrize("argument", ["experiment=[1,", "experiment=", "defaults={a: b: c}"])
def test_what_is_not_yaml_is_left_to_the_check_of_the_configuration(argument):
    assert read(argument) == {}


def test_an_anchor_that_contains_itself_is_refused():
    with pytest.raises(ConfigError, match=r"--config defaults: an anchor \(&\) contains itself"):
        read("defaults=&a {training: *a}")


def test_a_key_given_twice_in_an_argument_is_refused():
    with pytest.raises(ConfigError, match=r"--config experiments: the key 'seeds' is given twice; keep one"):
        read("experiments={digits: {seeds: [0], seeds: [1]}}")


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key", "lines"),
    [
        ("experiment: a\ndatasets: {}\nexperiment: b\n", "experiment", (3, 1)),
        ("experiments:\n  digits:\n    seeds: [0]\n    noises: {}\n    seeds: [1]\n", "seeds", (5, 3)),
        ("defaults: {training: {epochs: 1, epochs: 2}}\n", "epochs", (1, 1)),
        ("experiments:\n- {a: 1}\n- {b: 1, 'b': 2}\n", "b", (3, 3)),
        ('{"experiment": "a",\n "experiment": "b"}\n', "experiment", (2, 1)),
    ],
    ids=["top", "nested", "one line", "in a list", "JSON"],
)
def test_the_same_key_twice_is_refused_with_both_lines(tmp_path, text, key, lines):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    later, first = lines
    with pytest.raises(
        ConfigError, match=rf"{path}, line {later}: the key '{key}' is already in line {first}.*keep one"
    ):
        check_file(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: {b: 1}\n",
        "1: a\n'1': b\n",
        "a: &x [*x]\n",
        "ü: {−: σ}\n",
        "a: [\n",
    ],
    ids=["empty", "merged and overridden", "number and text", "anchor in itself", "not ASCII", "not YAML"],
)
def test_other_files_pass(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    check_file(tmp_path / "mine.yaml")


def test_a_byte_order_mark_does_not_matter(tmp_path):
    (tmp_path / "mine.yaml").write_text("experiment: digits\n", encoding="utf-8-sig")
    check_file(tmp_path / "mine.yaml")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_that_is_not_utf8_is_refused_with_line_and_byte(tmp_path, encoding):
    path = tmp_path / "mine.yaml"
    path.write_text("experiment: digits\n# Müller\n", encoding=encoding)
    line = 2 if encoding == "latin-1" else 1
    with pytest.raises(
        ConfigError, match=rf"{path}, line {line}: the byte 0x\w\w is not UTF-8; save the file as UTF-8"
    ):
        check_file(path)
