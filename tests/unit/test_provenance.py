"""Records of jobs, what they say of an altered folder, and the archive."""

import hashlib
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from epochwise import archive, provenance
from epochwise.runtime import write_json


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


def record_of(rule, inputs, outputs, spec='{"rate":0.3}'):
    job = SimpleNamespace(
        rule=rule,
        input=inputs,
        output=outputs,
        params=SimpleNamespace(spec=spec, code="c0de"),
        log=[f"results/logs/{rule}/x.log"],
    )
    write_json(provenance.of_job(job), provenance.record(job.log[0]))


def test_a_record_names_spec_code_inputs_and_outputs_by_their_hashes(results):
    made = json.loads((results / "provenance" / "second" / "x.json").read_text())
    assert made["rule"] == "second" and made["spec"] == {"rate": 0.3}
    assert made["inputs"] == {
        "results/a": hashlib.sha256(b"A").hexdigest(),
        "results/folder/one": hashlib.sha256(b"1").hexdigest(),
    }
    assert made["outputs"] == {"results/b": hashlib.sha256(b"B").hexdigest()}
    assert made["code_sha256"] == "c0de"
    loaded = Path(provenance.__file__)
    assert made["modules"]["epochwise/provenance.py"] == hashlib.sha256(loaded.read_bytes()).hexdigest()
    assert {"git_commit", "git_dirty", "python", "versions", "machine"} <= made.keys()


def test_an_intact_folder_passes_wherever_it_is_looked_at_from(results, monkeypatch, capsys):
    monkeypatch.chdir("/")
    assert provenance.main(results) == 0
    assert "2 jobs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        (lambda r: (r / "b").write_text("C"), ["results/b: not as it was written (rule second)"]),
        (lambda r: (r / "b").unlink(), ["results/b: missing (rule second)"]),
        (
            lambda r: (r / "folder" / "one").write_text("2"),
            [
                "results/folder/one: not as it was written (rule first)",
                "results/folder/one: no longer what rule second read for results/b",
            ],
        ),
        (
            lambda r: ((r / "a").write_text("other"), record_of("first", [], ["results/a", "results/folder"])),
            ["results/a: no longer what rule second read for results/b"],
        ),
    ],
)
def test_what_was_altered_is_named(results, capsys, alter, told):
    alter(results)
    assert provenance.mismatches(results) == told
    assert provenance.main(results) == 1
    assert capsys.readouterr().out.splitlines() == told


def test_a_folder_without_records_is_not_called_intact(tmp_path, capsys):
    assert provenance.main(tmp_path) == 2
    assert "no records" in capsys.readouterr().out


def test_outputs_that_another_job_made_again_are_held_against_that_one(results, capsys):
    """Like seeds that trained alone, and then as a stack from other data."""
    (results / "elsewhere").write_text("old")
    record_of("alone", ["results/elsewhere"], ["results/b"])
    (results / "elsewhere").write_text("new")
    (results / "b").write_text("another B")
    record_of("stack", ["results/elsewhere"], ["results/a", "results/b"])
    assert provenance.main(results) == 0
    (results / "b").write_text("B")
    assert provenance.main(results) == 1
    told = capsys.readouterr().out
    assert "results/elsewhere: no longer what rule alone read for results/b" in told


def test_data_from_elsewhere_may_be_gone_but_not_be_altered(results, tmp_path, capsys):
    (tmp_path / "data.parquet").write_text("D")
    record_of("third", ["data.parquet"], ["results/b"])
    (tmp_path / "data.parquet").write_text("E")
    assert provenance.main(results) == 1
    assert "data.parquet: no longer what rule third read" in capsys.readouterr().out
    (tmp_path / "data.parquet").unlink()
    assert provenance.main(results) == 0


def test_a_half_written_record_is_passed_over_and_a_damaged_one_named(results, capsys):
    record = provenance.record("results/logs/first/x.log")
    record.with_name(".x.123.tmp.json").write_text("{")
    assert provenance.main(results) == 0
    record.write_text("{")
    assert provenance.main(results) == 1
    assert f"{record} is no record" in capsys.readouterr().out


def test_something_that_is_json_but_no_record_is_named(results, capsys):
    record = provenance.record("results/logs/first/x.log")
    record.write_text("{}")
    assert provenance.main(results) == 1
    assert f"{record} is no record" in capsys.readouterr().out


def test_a_file_that_no_job_wrote_is_named_where_jobs_read_all_files(results, capsys):
    (results / "folder" / "two").write_text("2")
    (results / "two").write_text("2")
    assert provenance.main(results) == 1
    assert capsys.readouterr().out == "results/folder/two: no job wrote it\n"


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
        spec = json.dumps({"runs": [["noise", "model", seed] for seed in runs]})
        record_of("summary", [], ["results/digits/summary/curves"], spec)
        assert provenance.mismatches(results) == [
            f"results/a: no longer what rule train{seed} read for results/digits/noise/model/seed{seed}/history"
            for seed in wrong
        ]
    (results / "digits" / "noise" / "model" / "seed0" / "history").unlink()
    (results / "digits" / "noise" / "model" / "seed1" / "snapshots" / "stray").touch()
    assert provenance.mismatches(results) == []


def test_what_is_behind_a_file_is_found_to_its_sources(results):
    made = provenance.records(results)
    by_rule = {record["rule"]: path for path, record in made.items()}
    assert provenance.behind(["results/a"], made) == [by_rule["first"]]
    assert provenance.behind(["results/b", "results/elsewhere"], made) == [by_rule["first"], by_rule["second"]]
    assert provenance.behind(["results/elsewhere"], made) == []


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
