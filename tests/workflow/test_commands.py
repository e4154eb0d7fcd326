"""The commands of README and documentation: each is run, or a mark before it says what it needs.

`snakemake` runs as a dry run on the real configuration, because some real runs take days. The recipe of a `make`
target is printed, its Snakemake commands run as dry runs, and the programs that it starts must exist. Python reads
tables made from the evidence.
"""

import importlib.util
import re
import shlex
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import ROOT, new_checkout

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = "<!-- needs: "
BLOCK = re.compile(
    rf"^(?P<mark> *{MARK}.+ -->\n)?(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^ *```$", re.M | re.S
)
INLINE = re.compile(r"`((?:make|snakemake) [a-z-][^`]*)`")
PLACEHOLDER = re.compile(r"<\w+>|\{\w+\}|…")
# Options with which Snakemake only reads. With others, `--dry-run` is added.
READING = {"--rulegraph", "--lint", "--unlock", "--dry-run", "--report"}


def blocks(language):
    """(page and line, text) of each block of code in a language that no mark exempts."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in BLOCK.finditer(text):
            if match["language"] == language and not match["mark"]:
                where = f"{page.name}:{text.count(chr(10), 0, match.start('text')) + 1}"
                lines = [line.removeprefix(match["indent"]) for line in match["text"].splitlines()]
                yield pytest.param("\n".join(lines), id=where)


def inline_commands():
    """(page, command) of each command within a sentence or a table."""
    found = {}
    for page in PAGES:
        text = BLOCK.sub("", page.read_text("utf-8"))
        sentences = "\n".join(line for line in text.splitlines() if MARK not in line)
        found |= {match.replace("\n", " "): page.name for match in INLINE.findall(sentences)}
    return [pytest.param(command, id=f"{page}: {command}") for command, page in found.items()]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A checkout with its default experiment, the Makefile and a configuration file of a user."""
    checkout = new_checkout(tmp_path_factory.mktemp("place"))
    for name in ("config.yaml", "Makefile", "requirements.lock", "pyproject.toml"):
        (checkout.folder / name).write_bytes((ROOT / name).read_bytes())
    mine = {"experiments": {"mnist": {"training": {"epochs": 500}}}}
    (checkout.folder / "mine.yaml").write_text(yaml.safe_dump(mine))
    (checkout.folder / "study").mkdir()
    return checkout


RUN_BEFORE = set()  # because pages repeat `make all` and its like


def run(place, command):
    """Run one command line. Fails if it fails."""
    command = command.replace("/my/study", "study").replace("/path/to/epochwise", str(place.folder))
    words = shlex.split(command, comments=True)
    while words and re.match(r"[A-Z]+=", words[0]):
        words.pop(0)
    if "|" in words:
        words = words[: words.index("|")]
    program = words[0].removeprefix(".venv/bin/") if words else "#"
    if tuple(words) in RUN_BEFORE:
        return
    RUN_BEFORE.add(tuple(words))
    if program == "snakemake":
        extra = [] if READING & set(words) else ["--dry-run"]
        status, told = place.snakemake(*words[1:], *extra)
        assert status == 0, told
    elif program == "make":
        recipe = subprocess.run(["make", "--dry-run", *words[1:]], cwd=place.folder, capture_output=True, text=True)
        assert recipe.returncode == 0, recipe.stderr
        for line in recipe.stdout.replace("\\\n", " ").splitlines():
            if ".venv/bin/snakemake" in line and "--report" not in line:
                run(place, line.replace(" --logger epochwise", ""))
            elif ".venv/bin/python" in line:
                assert_starts(line)
    elif program == "python":
        assert_starts(command)
    else:
        assert program in ("#", "cd"), f"{command}: say before the block what it needs, <!-- needs: … -->"


def assert_starts(command):
    """The modules and scripts that a command hands to Python exist. What they do is tested elsewhere."""
    for module in re.findall(r" -m ([\w.]+)", command):
        assert importlib.util.find_spec(module), command
    for script in re.findall(r"\.venv/bin/python (\w\S*\.py)", command):
        assert (ROOT / script).exists(), command


@pytest.mark.parametrize("text", blocks(""))
def test_blocks_of_commands(place, text):
    for line in text.splitlines():
        run(place, line)


@pytest.mark.parametrize("command", inline_commands())
def test_commands_in_sentences(place, command):
    if not PLACEHOLDER.search(command):
        run(place, command)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_blocks_of_configuration(place, text):
    place.build("--dry-run", "all", overlay=yaml.safe_load(text))


@pytest.mark.parametrize("text", blocks("python"))
def test_blocks_of_python(tmp_path, text):
    if not text.startswith("import "):
        pytest.skip("part of another file, which its own test makes")
    (tmp_path / "workflow_scripts").symlink_to(ROOT / "workflow_scripts")
    (tmp_path / "results" / "mnist").mkdir(parents=True)
    for table in (ROOT / "docs" / "evidence" / "mnist").glob("*.csv"):
        pd.read_csv(table).to_parquet(tmp_path / "results" / "mnist" / f"{table.stem}.parquet")
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_pages_have_commands_and_marks():
    assert len(list(blocks(""))) > 5 and len(inline_commands()) > 10
    assert MARK in (ROOT / "README.md").read_text("utf-8")
