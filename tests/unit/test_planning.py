"""What is planned from the blocks of experiments, and what is refused before any job: folders, data, noise files."""

from types import SimpleNamespace

import pytest

from epochwise.data import source_files
from epochwise.workflow import planning
from epochwise.workflow.config import TWIN, ConfigError
from epochwise.workflow.errors import InputError

BLOCK = {
    "noises": {"a": {"rate": 0.3, "seed": 0}, TWIN: {"rate": 0.0, "seed": 0}, "b": {"rate": 0.3, "seed": 7}},
    "models": {"small": {}, "large": {}},
    "seeds": [0, 1],
    "twins": True,
    "measures": {"stride": None},
    "interventions": {"stride": 2},
}


def test_runs_are_listed_in_the_order_of_the_configuration_and_twins_are_not_judged():
    runs = planning.list_runs(BLOCK)
    assert runs[:3] == [("a", "small", 0), ("a", "small", 1), ("a", "large", 0)] and len(runs) == 12
    assert planning.list_noisy_runs(BLOCK) == [run for run in runs if run[0] != TWIN]
    assert planning.list_noisy_runs({**BLOCK, "twins": False}) == runs, "then it is a noise of the user"


def test_draws_are_the_noises_that_differ_only_in_their_seed():
    assert planning.list_draws(BLOCK["noises"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("part", "expected"), [("", True), ("twins", True), ("measures", False), ("interventions", True)]
)
def test_a_part_is_enabled_by_true_or_by_a_stride(part, expected):
    assert planning.enabled(BLOCK, part) == expected


@pytest.mark.parametrize(
    ("stack", "device", "weights", "auto_is_gpu", "seeds", "expected"),
    [
        ("auto", "cpu", 99_999, True, 2, True),
        ("auto", "cpu", 100_000, True, 2, False),
        ("auto", "auto", 100_000, True, 2, True),
        ("auto", "auto", 100_000, False, 2, False),
        ("auto", "cuda", 100_000, False, 2, True),
        (True, "cpu", 100_000, False, 2, True),
        (False, "cuda", 1, True, 2, False),
        (True, "cuda", 1, True, 1, False),
    ],
)
def test_seeds_are_stacked_on_gpus_and_for_small_networks(stack, device, weights, auto_is_gpu, seeds, expected):
    block = {"training": {"stack_seeds": stack, "device": device}, "seeds": list(range(seeds))}
    assert planning.stacks_seeds(block, weights, auto_is_gpu) == expected


# -- folders, data and noise files -------------------------------------------------------------------------------------


@pytest.fixture
def images(tmp_path, monkeypatch):
    """The folder of a data set with both of its files, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    for split in ("train", "test"):
        (tmp_path / "images" / f"{split}.parquet").write_text(split)
    return tmp_path / "images"


def experiments(path="images", **noise):
    return {"e": {"dataset": {"name": "d", "source": "cifar10", "path": path}, "noises": {"n": {"kind": "k", **noise}}}}


def kind(files):
    """A kind of noise that reads these files, or raises this error."""

    def find(settings, folder):
        if isinstance(files, Exception):
            raise files
        return files

    return {"k": SimpleNamespace(files=find)}


def test_a_folder_with_braces_is_refused(tmp_path):
    source_files.check_folders(tmp_path)
    with pytest.raises(source_files.FolderError, match=r"\{a\}: Snakemake takes the braces .*Rename the folder"):
        source_files.check_folders(tmp_path, tmp_path / "{a}")


def test_data_must_be_there_until_the_table_is_made_from_them(images):
    source_files.check_data(experiments(), pictures=True)
    assert source_files.locate_data(experiments()["e"]["dataset"]) == ["images/train.parquet", "images/test.parquet"]
    (images / "test.parquet").unlink()
    with pytest.raises(
        ConfigError, match=r"^datasets\.d\.path: cifar10 was expected in images: images lacks test\.par"
    ):
        source_files.check_data(experiments(), pictures=True)
    table = images.parent / "results/data/d/train.parquet"
    table.parent.mkdir(parents=True)
    table.touch()
    source_files.check_data(experiments(), pictures=True)
    [missing] = source_files.locate_data(experiments()["e"]["dataset"])
    assert source_files.measure_sizes([missing, "images/train.parquet"]) == {"images/train.parquet": 5}


def test_a_data_set_without_a_folder_is_read_from_no_files():
    source_files.check_data(experiments(None), pictures=True)
    assert source_files.locate_data(experiments(None)["e"]["dataset"]) == []


def test_braces_in_the_path_of_data_are_refused(images):
    with pytest.raises(ConfigError, match=r"^datasets\.d\.path: 'im\{a\}' contains a brace.*symbolic link"):
        source_files.check_data(experiments("im{a}"), pictures=True)
    with pytest.raises(ConfigError, match=r"^datasets\.d\.path: 'im\{a\}.* contains a brace"):
        source_files.locate_data(experiments("im{a}")["e"]["dataset"])


def test_files_of_a_noise_must_be_there_until_its_labels_are_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source_files.check_noises(experiments(), kind(["labels.npy"]))
    source_files.check_noises(experiments(), {"k": SimpleNamespace()})
    missing = kind(InputError("path: there is no file"))
    with pytest.raises(ConfigError, match=r"^experiments\.e\.noises\.n\.path: there is no file"):
        source_files.check_noises(experiments(), missing)
    with pytest.raises(
        ConfigError, match=r"^experiments\.e\.noises\.n\.path: 'a\}' contains a brace.*rename the folder"
    ):
        source_files.check_noises(experiments(), kind(["a}"]))
    (tmp_path / "results/e/n").mkdir(parents=True)
    (tmp_path / "results/e/n/labels_seed0.parquet").touch()
    source_files.check_noises(experiments(), missing)
