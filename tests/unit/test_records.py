"""Records of jobs, what they say of an altered folder, and the archive."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import Params

from epochwise.workflow import archive, records, verify
from epochwise.workflow.code import SCRIPTS
from epochwise.workflow.job import write_json


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A results folder with two jobs: `b` was made from `a` and a folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "results/a": "A",
        "results/folder/one": "1",
        "results/folder/.hidden": "h",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    record_of("first", [], ["results/a", "results/folder"])
    (tmp_path / "results" / "b").write_text("B")
    record_of("second", ["results/a", "results/folder"], ["results/b"])
    return tmp_path / "results"


def record_of(rule, inputs, outputs, settings='{"rate":0.3}'):
    job = SimpleNamespace(
        rule=rule,
        input=inputs,
        output=outputs,
        params=Params(fromdict={"any": settings, "code": "c0de"}),
        log=[f"results/logs/{rule}/x.log"],
    )
    write_json(records.of_job(job), records.record_path(job.log[0]))


def test_a_record_names_settings_code_inputs_and_outputs_by_their_hashes(results):
    made = json.loads((results / "provenance" / "second" / "x.json").read_text())
    assert made["rule"] == "second" and made["settings"] == {"rate": 0.3}
    assert made["inputs"] == {
        "results/a": hashlib.sha256(b"A").hexdigest(),
        "results/folder/one": hashlib.sha256(b"1").hexdigest(),
    }
    assert made["outputs"] == {"results/b": hashlib.sha256(b"B").hexdigest()}
    assert made["code_sha256"] == "c0de"
    loaded = Path(records.__file__)
    assert made["modules"]["epochwise/workflow/records.py"] == hashlib.sha256(loaded.read_bytes()).hexdigest()
    assert {"git_commit", "git_dirty", "python", "versions", "machine"} <= made.keys()


def test_an_intact_folder_passes_wherever_it_is_looked_at_from(results, monkeypatch, capsys):
    monkeypatch.chdir("/")
    assert verify.main(results) == 0
    assert "2 jobs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        (lambda r: (r / "b").write_text("C"), ["results/b: altered since it was written (rule second)"]),
        (lambda r: (r / "b").unlink(), ["results/b: missing (rule second)"]),
        (
            lambda r: (r / "folder" / "one").write_text("2"),
            [
                "results/folder/one: altered since it was written (rule first)",
                "results/b: made from another results/folder/one (rule second)",
            ],
        ),
        (
            lambda r: ((r / "a").write_text("other"), record_of("first", [], ["results/a", "results/folder"])),
            ["results/b: made from another results/a (rule second)"],
        ),
    ],
)
def test_what_was_altered_is_named(results, capsys, alter, told):
    alter(results)
    assert verify.mismatches(results) == told
    assert verify.main(results) == 1
    assert capsys.readouterr().out.splitlines() == told


def test_a_folder_without_records_is_not_called_intact(tmp_path, capsys):
    assert verify.main(tmp_path) == 2
    assert "no records" in capsys.readouterr().out


def test_outputs_that_another_job_made_again_are_held_against_that_one(results, capsys):
    """Like seeds that trained alone, and then as a stack from other data."""
    (results.parent / "elsewhere").write_text("old")
    record_of("alone", ["elsewhere"], ["results/b"])
    (results.parent / "elsewhere").write_text("new")
    (results / "b").write_text("another B")
    record_of("stack", ["elsewhere"], ["results/a", "results/b"])
    assert verify.main(results) == 0
    (results / "b").write_text("B")
    assert verify.main(results) == 1
    told = capsys.readouterr().out
    assert "results/b: made from another elsewhere (rule alone)" in told


def test_data_from_elsewhere_may_be_gone_but_not_be_altered(results, tmp_path, capsys):
    (tmp_path / "data.parquet").write_text("D")
    record_of("third", ["data.parquet"], ["results/b"])
    (tmp_path / "data.parquet").write_text("E")
    assert verify.main(results) == 1
    assert "results/b: made from another data.parquet (rule third)" in capsys.readouterr().out
    (tmp_path / "data.parquet").unlink()
    assert verify.main(results) == 0


def test_a_half_written_record_is_passed_over_and_a_damaged_one_named(results, capsys):
    record = records.record_path("results/logs/first/x.log")
    record.with_name(".x.123.tmp.json").write_text("{")
    assert verify.main(results) == 0
    record.write_text("{")
    assert verify.main(results) == 1
    assert f"{record} is no record" in capsys.readouterr().out


@pytest.mark.parametrize(
    "part",
    [
        {"settings": None},
        {"outputs": {}},
        {"outputs": ["results/a"]},
        {"inputs": None},
        {"settings": {"runs": [[1]]}},
        {},
    ],
)
def test_something_that_is_json_but_no_record_is_named(results, capsys, part):
    record = records.record_path("results/logs/first/x.log")
    record.write_text(json.dumps(json.loads(record.read_text()) | part if part else {}))
    assert verify.main(results) == 1
    assert f"{record} is no record" in capsys.readouterr().out


def test_a_file_without_a_record_is_named_where_jobs_write_or_read(results, capsys):
    (results / "folder" / "two").write_text("2")
    (results / "report.html").write_text("by Snakemake")
    (results / "mine").mkdir()
    (results / "mine" / "notes").write_text("?")
    assert verify.main(results) == 1
    assert capsys.readouterr().out == "results/folder/two: no job left a record of it\n"
    (results / "folder" / "two").unlink()
    records.record_path("results/logs/first/x.log").unlink()
    assert verify.mismatches(results) == [f"results/{name}: no job left a record of it" for name in ("a", "folder/one")]


def test_runs_that_are_no_longer_asked_for_may_be_old_altered_or_gone(results):
    for seed in (0, 1):
        made = results / "digits" / "noise" / "model" / f"seed{seed}"
        (made / "snapshots").mkdir(parents=True)
        for name in ("history", "snapshots/one"):
            (made / name).write_text(f"{seed}")
        made = made.relative_to(results.parent)
        record_of(f"train{seed}", ["results/a"], [f"{made}/history", f"{made}/snapshots"])
    (results / "a").write_text("another A")
    record_of("first", [], ["results/a", "results/folder"])
    record_of("second", ["results/a", "results/folder"], ["results/b"])
    (results / "digits" / "summary").mkdir()
    (results / "digits" / "summary" / "curves").write_text("c")
    for runs, wrong in (([0, 1], [0, 1]), ([0], [0]), ([], [])):
        settings = json.dumps({"runs": [["noise", "model", seed] for seed in runs]})
        record_of("summarize_runs", [], ["results/digits/summary/curves"], settings)
        assert verify.mismatches(results) == [
            f"results/digits/noise/model/seed{seed}/history: made from another results/a (rule train{seed})"
            for seed in wrong
        ]
    (results / "digits" / "noise" / "model" / "seed0" / "history").unlink()
    (results / "digits" / "noise" / "model" / "seed1" / "snapshots" / "stray").touch()
    assert verify.mismatches(results) == []


def test_labels_of_noises_and_seeds_that_are_no_longer_asked_for_may_be_old_or_gone(results):
    (results / "digits" / "summary").mkdir(parents=True)
    (results / "digits" / "summary" / "curves").write_text("c")
    record_of("summarize_runs", [], ["results/digits/summary/curves"], '{"runs": [["noise", "model", 0]]}')
    for name in (
        "noise/labels.parquet",
        "noise/labels_seed0.parquet",
        "noise/labels_seed1.parquet",
        "old/labels.parquet",
    ):
        path = results / "digits" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("l")
        record_of(name.replace("/", "-"), ["results/a"], [f"results/digits/{name}"])
        path.unlink()
    assert verify.mismatches(results) == [
        f"results/digits/noise/{name}.parquet: missing (rule noise-{name}.parquet)"
        for name in ("labels", "labels_seed0")
    ]


def test_what_is_behind_a_file_is_found_to_its_sources(results):
    made = verify.read_records(results)
    by_rule = {record["rule"]: path for path, record in made.items()}
    assert verify.trace_records(["results/a"], made) == [by_rule["first"]]
    assert verify.trace_records(["results/b", "results/elsewhere"], made) == [by_rule["first"], by_rule["second"]]
    assert verify.trace_records(["results/elsewhere"], made) == []
    (results / "b").write_text("another B")
    record_of("third", [], ["results/b"])
    made = verify.read_records(results)
    assert [made[path]["rule"] for path in verify.trace_records(["results/b"], made)] == ["third"]


def test_an_archive_has_every_file_and_the_same_bytes_whatever_their_times(results, tmp_path):
    files = ["results/a", "results/b"]
    archive.pack(files, {"b": 1, "a": "é"}, tmp_path / "first.zip")
    for path in files:
        (tmp_path / path).touch()
    archive.pack(reversed(files), {"a": "é", "b": 1}, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first.zip") as file:
        assert file.namelist() == ["config.json", *files]
        assert file.read("results/b") == b"B"
        assert json.loads(file.read("config.json")) == {"a": "é", "b": 1}
        assert file.testzip() is None


def test_an_archive_of_results_made_twice_is_the_same(results, tmp_path):
    """Made again, results differ by how long it took, where training resumed, and the sums of the files that tell."""
    packed = []
    for seconds, resumed in ((1.5, None), (2.5, 7)):
        run = {
            "seed": 0,
            "wall_seconds": seconds,
            "cpu_seconds": seconds,
            "resumed_from_epoch": resumed,
            "threads": [1],
        }
        write_json(run, results / "provenance.json")
        record_of("train", ["results/a"], ["results/b", "results/provenance.json"])
        files = ["results/b", "results/provenance.json", "results/provenance/train/x.json"]
        archive.pack(files, {}, tmp_path / f"{seconds}.zip")
        packed.append((tmp_path / f"{seconds}.zip").read_bytes())
    assert packed[0] == packed[1]
    with zipfile.ZipFile(tmp_path / "1.5.zip") as file:
        assert json.loads(file.read("results/provenance.json")) == {"seed": 0, "threads": [1]}
        assert json.loads(file.read("results/provenance/train/x.json"))["outputs"].keys() == {"results/b"}


# -- the commit of the code --------------------------------------------------------------------------------------------


def git(folder, *arguments):
    settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, env=environment)


@pytest.fixture
def unpacked(tmp_path):
    """The library unpacked in a folder of somebody else's repository; the project's folder."""
    (tmp_path / "paper.tex").write_text("x")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "paper")
    project = tmp_path / "project"
    shutil.copytree(SCRIPTS, project / "workflow_scripts", ignore=shutil.ignore_patterns("__pycache__"))
    return project


def commit_recorded(project, **variables):
    """Commit and dirtiness in the records of a project, with other variables of the environment."""
    program = (
        "from epochwise.workflow import records; r = records.environment({}); print(r['git_commit'], r['git_dirty'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(project / "workflow_scripts"), **variables}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd="/", env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def head(folder):
    return subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True).stdout.strip()


def test_the_commit_of_a_repository_that_does_not_track_the_code_is_not_recorded(unpacked):
    assert commit_recorded(unpacked) == ["None", "None"]
    (unpacked.parent / ".gitignore").write_text("project\n")
    assert commit_recorded(unpacked) == ["None", "None"]


def test_the_commit_of_a_repository_that_tracks_the_code_is_recorded(unpacked):
    git(unpacked.parent, "add", ".")
    git(unpacked.parent, "commit", "-m", "with the project")
    assert commit_recorded(unpacked) == [head(unpacked), "False"]
    (unpacked.parent / "paper.tex").write_text("changed")
    assert commit_recorded(unpacked) == [head(unpacked), "False"], "only the project counts"
    with (unpacked / "workflow_scripts" / "train.py").open("a") as file:
        file.write("# changed\n")
    assert commit_recorded(unpacked) == [head(unpacked), "True"]


def test_variables_of_git_do_not_name_another_repository(unpacked, tmp_path_factory):
    """As in a hook, where git sets them."""
    own = unpacked / "workflow_scripts"
    git(own, "init")
    git(own, "add", ".")
    git(own, "commit", "-m", "own")
    other = {"GIT_DIR": str(unpacked.parent / ".git"), "GIT_WORK_TREE": str(unpacked.parent), "GIT_INDEX_FILE": "/none"}
    assert commit_recorded(unpacked, **other)[0] == head(own) != head(unpacked.parent)


# -- the command line --------------------------------------------------------------------------------------------------


def verify_command(folder, *arguments, pipe=""):
    """Exit status (of the first command) and output of `python -m epochwise.workflow.verify` in a folder."""
    command = f"set -o pipefail; '{sys.executable}' -m epochwise.workflow.verify {' '.join(arguments)} {pipe}"
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_without_an_argument_the_folder_results_is_compared(results, tmp_path):
    assert verify_command(results.parent) == (0, "results: every file is as the records of 2 jobs say.\n")
    (tmp_path / "empty").mkdir()
    status, shown = verify_command(tmp_path / "empty")
    assert status == 2 and shown == "results: there are no records in results/provenance; run the workflow first.\n"
    status, shown = verify_command(results.parent, "results", "more")
    assert status == 2 and "usage:" in shown and "Traceback" not in shown


def test_a_reader_that_has_seen_enough_gets_no_traceback(results):
    for number in range(3000):
        (results / "folder" / f"{number:0100}").touch()
    status, shown = verify_command(results.parent, pipe="| head -n 1")
    assert status == 1 and shown.count("\n") == 1 and "no job left a record" in shown


# -- results of a module with a prefix ---------------------------------------------------------------------------------


def test_paths_in_records_are_relative_to_the_folder_above_the_results(results):
    (results.parent / "logs").mkdir()
    shutil.move(results, results.parent / "logs" / "results")
    moved = results.parent / "logs" / "results"
    outside = results.parent / "image"
    outside.write_text("i")
    job = SimpleNamespace(
        rule="third",
        input=["logs/results/a", str(outside)],
        output=["logs/results/b"],
        params=Params(fromdict={"any": "{}", "code": "c0de"}),
        log=["logs/results/logs/third/x.log"],
    )
    path = records.record_path(job.log[0])
    assert path == Path("logs/results/provenance/third/x.json")
    write_json(records.of_job(job), path)
    made = json.loads(path.read_text())
    assert list(made["inputs"]) == [str(outside), "results/a"] and list(made["outputs"]) == ["results/b"]
    assert verify.mismatches(moved) == []
    found = verify.trace_records(["logs/results/b"], verify.read_records(moved), moved.parent)
    assert path.resolve() in found
