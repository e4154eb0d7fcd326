"""Which code a script reaches: on a small tree made up here, and the rules of the real one."""

import ast
import os
import subprocess
import sys

import pytest

from epochwise.workflow import code
from epochwise.workflow.code import SCRIPTS, reached_by
from epochwise.workflow.errors import InputError

TREE = {
    "direct.py": "from epochwise import alone\n",
    "indirect.py": "import epochwise.middle\n",
    "inside.py": "def f():\n    if True:\n        from epochwise.alone import x\n",
    "cycle.py": "from epochwise.one import x\n",
    "aliased.py": "import epochwise.sub.deep as d, json\n",
    "name.py": "from epochwise.sub import deep\n",
    "attribute.py": "from epochwise.alone import no_module, x as y\n",
    "nothing.py": "import numpy\nfrom pandas import alone\n",
    "epochwise/__init__.py": "",
    "epochwise/alone.py": "import numpy\n",
    "epochwise/middle.py": "from epochwise import alone\n",
    "epochwise/one.py": "from epochwise import two\n",
    "epochwise/two.py": "from epochwise import one\n",
    "epochwise/unreached.py": "",
    "epochwise/sub/__init__.py": "from epochwise import alone\n",
    "epochwise/sub/deep.py": "",
}
INIT, ALONE = "epochwise/__init__.py", "epochwise/alone.py"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(code, "SCRIPTS", tmp_path)
    code.digest.cache_clear()
    return tmp_path


SUB = {INIT, ALONE, "epochwise/sub/__init__.py", "epochwise/sub/deep.py"}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("direct.py", {INIT, ALONE}),
        ("indirect.py", {INIT, "epochwise/middle.py", ALONE}),
        ("inside.py", {INIT, ALONE}),
        ("cycle.py", {INIT, "epochwise/one.py", "epochwise/two.py"}),
        ("aliased.py", SUB),
        ("name.py", SUB),
        ("attribute.py", {INIT, ALONE}),
        ("nothing.py", set()),
    ],
)
def test_a_script_reaches_what_it_imports_directly_or_not(tree, script, expected):
    assert reached_by(script) == sorted(tree / name for name in {script} | expected)


def test_code_that_was_changed_after_it_was_planned_is_refused(tree):
    planned = code.stamp("indirect.py", "nothing.py")
    code.require_unchanged(planned)
    (tree / "epochwise" / "unreached.py").write_text("x = 1\n")
    code.digest.cache_clear()
    code.require_unchanged(planned)
    (tree / ALONE).write_text("x = 1\n")
    code.digest.cache_clear()
    with pytest.raises(InputError, match=r"indirect\.py: it, or a module that it uses, was changed.*start .* again"):
        code.require_unchanged(planned)


def test_several_files_reach_what_each_of_them_does(tree):
    both = set(reached_by("direct.py")) | set(reached_by("cycle.py"))
    assert reached_by("direct.py", "cycle.py") == sorted(both)
    assert tree / "epochwise/sub/deep.py" in reached_by("nothing.py", "epochwise/sub/deep.py")


# -- the real scripts --------------------------------------------------------------------------------------------------

LIBRARY = sorted((SCRIPTS / "epochwise").rglob("*.py"))
USE_TORCH = {"activations.py", "checkpoints.py", "mlp.py", "snapshots.py", "stack.py", "training.py"}


def modules_imported(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def packages(nodes):
    return {name.partition(".")[0] for name in modules_imported(nodes)}


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(SCRIPTS)))
def test_no_module_of_the_library_knows_snakemake_and_only_those_about_networks_need_torch(path):
    tree = parsed(path)
    everywhere = packages(ast.walk(tree))
    assert "snakemake" not in everywhere
    assert "" not in everywhere, "relative imports are not followed by reached_by"
    assert ("torch" in packages(tree.body)) == (path.name in USE_TORCH and path.parent.name == "epochwise")


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.py")))
def test_only_training_and_extraction_reach_modules_that_need_torch(script):
    reached = {path.name for path in reached_by(script) if "torch" in packages(parsed(path).body)}
    assert bool(reached) == (script in ("train.py", "extract.py"))


def test_separation_reaches_no_stage_before_it():
    reached = {path.name for path in reached_by("separation.py")}
    assert {"separation.py", "tables.py", "runtime.py", "files.py"} <= reached
    assert not reached & {"training.py", "mlp.py", "activations.py", "datasets.py", "label_noise.py", "outliers.py"}


def test_analysis_starts_without_torch():
    modules = "label_noise separation outliers phases statistics summary claims captions features config datasets"
    program = f"import sys, {', '.join(f'epochwise.{name}' for name in modules.split())}; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
