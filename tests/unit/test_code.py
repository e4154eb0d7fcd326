"""Which code a script reaches and what of it counts, on a small tree made up here; the structure of the real one."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from epochwise.workflow import code
from epochwise.workflow.code import SCRIPTS, essence, reached_by
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


# -- what of a file counts ---------------------------------------------------------------------------------------------

PLAIN = """
def f(x):
    if x:
        return {"a": x}
    return "b"
class C:
    y = f"{f(1)['a']} {x:>{3}} }}"
"""
SAME = {
    "comments": PLAIN.replace("return {", "return {  # a mapping\n            "),
    "blank lines and spaces": PLAIN.replace("\n", "\n\n").replace("def f(x)", "def f( x )"),
    "the width of an indent": PLAIN.replace("        ", "\t\t").replace("    ", "\t"),
    "line breaks in brackets": PLAIN.replace('{"a": x}', '{\n  "a":\n x}'),
    "docstrings": '"""Module."""\n'
    + PLAIN.replace("(x):\n", '(x):\n    """Function.\n\n    More."""\n').replace("C:\n", "C:\n    'Class.'\n"),
    "Windows line ends": PLAIN.replace("\n", "\r\n"),
}
DIFFERENT = {
    "a value": PLAIN.replace('"b"', '"c"'),
    "a string that is used": PLAIN.replace('return "b"', 'return "b" "c"'),
    "the text of an f-string": PLAIN.replace("} {", "}  {"),
    "an expression in an f-string": PLAIN.replace("f(1)", "f(2)"),
    "a format": PLAIN.replace(":>{3}", ":>{4}"),
    "an indent": PLAIN.replace('    return "b"', '        return "b"'),
    "a name": PLAIN.replace("class C", "class D"),
}


@pytest.mark.parametrize("kind", SAME)
def test_what_does_not_run_does_not_count(kind):
    assert SAME[kind] != PLAIN and ast.parse(SAME[kind])
    assert essence(SAME[kind]) == essence(PLAIN)


@pytest.mark.parametrize("kind", DIFFERENT)
def test_what_runs_counts(kind):
    assert DIFFERENT[kind] != PLAIN and ast.parse(DIFFERENT[kind])
    assert essence(DIFFERENT[kind]) != essence(PLAIN)


def test_a_string_is_no_docstring_where_its_value_is_used():
    for statement in ("x = 'a'", "f('a')", "return_('a')", "'a'.upper()", "x: 'a'"):
        assert "'a'" in essence(f"{statement}\n")
    assert essence("'a'\n") == ""
    assert essence("def f():\n    'a'\n") != essence("def f():\n    f'a'\n"), "an f-string runs, also as a statement"


def test_assets_count_byte_by_byte(tree):
    before = code.digest("direct.py")
    page = tree / "epochwise" / "alone.html"
    digests = {before}
    for content in (b"<p>", b"<p> ", b"\xff# no text"):
        page.write_bytes(content)
        code.digest.cache_clear()
        digests.add(code.digest("direct.py"))
    assert page in reached_by("direct.py") and len(digests) == 4


def other_pythons() -> list[str]:
    """Other versions of Python (3.11 or newer) that can be started here."""
    here = sys.version_info[:2]
    names = [f"python3.{minor}" for minor in range(11, 20) if (3, minor) != here]
    paths = [shutil.which(name) for name in names]
    paths += [str(path) for name in names for path in Path.home().glob(f".pyenv/versions/3.*/bin/{name}")]
    return [path for path in paths if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0]


def test_all_versions_of_python_find_the_same_hash():
    if not (pythons := other_pythons()):
        pytest.skip("there is no other Python")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from epochwise.workflow import code;"
        "names = [str(p.relative_to(code.SCRIPTS)) for p in sorted(code.SCRIPTS.rglob('*.py'))];"
        "print([code.essence(SOURCE) for SOURCE in eval(sys.argv[2])], [code.digest(name) for name in names])"
    )
    sources = repr([PLAIN, *SAME.values(), *DIFFERENT.values(), "x = f'{a!r:{b}} {f\"{c}\"} {{}}' rf'\\{d}'\n"])
    found = {
        subprocess.run([python, "-c", program, SCRIPTS, sources], capture_output=True, text=True, check=True).stdout
        for python in [sys.executable, *pythons]
    }
    assert len(found) == 1


# -- the real scripts --------------------------------------------------------------------------------------------------

LIBRARY = sorted((SCRIPTS / "epochwise").rglob("*.py"))
RULE_SCRIPTS = sorted(SCRIPTS.glob("*.py"))
NAMES = [path.name for path in RULE_SCRIPTS]
# Each package may import those before it and, everywhere, `workflow`. The order is that of the flow of data.
PACKAGES = ("workflow", "data", "training", "activations", "analysis", "findings", "figures", "report")
NEED_TORCH = {"training", "activations"}
PURE_DATA = {"catalogue.py", "data/sources.py"}


def name_in_library(path) -> str:
    return str(path.relative_to(SCRIPTS / "epochwise"))


def package_of(path) -> str:
    return name_in_library(path).partition("/")[0]


def imports_of(path) -> list[str]:
    """Names of all modules that a file imports, in functions too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not followed by reached_by"
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def imported_packages(path) -> set[str]:
    """Packages of the library that a file imports from."""
    parts = [name.split(".") for name in imports_of(path)]
    return {part[1] for part in parts if part[0] == "epochwise" and len(part) > 1}


@pytest.mark.parametrize("path", LIBRARY, ids=name_in_library)
def test_imports_go_one_way(path):
    package = package_of(path)
    if package in ("__init__.py", "catalogue.py"):
        assert not imported_packages(path)
    else:
        allowed = {*PACKAGES[: PACKAGES.index(package) + 1]} | ({"catalogue"} if package == "report" else set())
        assert imported_packages(path) <= allowed


@pytest.mark.parametrize("path", LIBRARY, ids=name_in_library)
def test_there_are_no_import_cycles(path):
    start = f"epochwise/{name_in_library(path)}"
    direct = set(reached_by(start)) - {path}
    packages = {parent / "__init__.py" for parent in path.parents}  # every module reaches those of its own packages
    for other in (found for found in direct - packages if found.suffix == ".py" and found.name != "__init__.py"):
        assert path not in reached_by(str(other.relative_to(SCRIPTS))), other


@pytest.mark.parametrize("path", LIBRARY, ids=name_in_library)
def test_no_module_of_the_library_knows_snakemake_and_only_those_about_networks_need_torch(path):
    assert "snakemake" not in {name.partition(".")[0] for name in imports_of(path)} or name_in_library(path) in (
        "workflow/debug.py",
    )
    at_import = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.Import)]
    if "torch" in {alias.name.partition(".")[0] for node in at_import for alias in node.names}:
        assert package_of(path) in NEED_TORCH


@pytest.mark.parametrize("script", NAMES)
def test_only_what_computes_with_networks_starts_torch(script):
    program = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
    lines = (SCRIPTS / script).read_text().splitlines()
    program += "\n".join(line for line in lines if line.startswith(("from ", "import "))) + "\n"
    program += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(script in ("train.py", "extract.py", "interventions.py", "measures.py"))


@pytest.mark.parametrize("script", ["train.py", "publish.py"])
def test_training_reaches_nothing_that_only_users_or_reports_need(script):
    reached = {name_in_library(path) for path in reached_by(script) if path not in RULE_SCRIPTS}
    unwanted = {"catalogue.py", *(f"workflow/{name}.py" for name in ("verify", "archive", "config", "debug"))}
    assert not reached & unwanted
    assert {name.partition("/")[0] for name in reached} <= {"__init__.py", "workflow", "data", "training"}


def test_only_rules_tests_documentation_and_the_report_read_the_catalogue():
    readers = {package_of(path) for path in LIBRARY if "catalogue" in imported_packages(path)}
    assert readers <= {"report"}
    assert not any("catalogue" in imported_packages(path) for path in RULE_SCRIPTS)


def test_separation_reaches_no_stage_before_it_but_the_tables_that_it_reads():
    reached = {name_in_library(path) for path in reached_by("separation.py") if path not in RULE_SCRIPTS}
    assert {"analysis/separation.py", "activations/tables.py", "workflow/job.py", "workflow/tables.py"} <= reached
    assert not {name.partition("/")[0] for name in reached} & {"data", "training", "findings", "figures", "report"}
    assert not reached & {"activations/extraction.py", "analysis/outliers.py"}


# -- sizes: a reader sees a thing whole --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RULE_SCRIPTS, ids=lambda path: path.name)
def test_scripts_have_at_most_30_lines(path):
    assert len(path.read_text().splitlines()) <= 30


@pytest.mark.parametrize("path", LIBRARY, ids=name_in_library)
def test_files_have_at_most_300_lines_and_functions_45(path):
    """Lines of a function count from `def` to its end without its docstring, which may be as long as it needs."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300 or name_in_library(path) in PURE_DATA
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node):
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            assert lines <= 45, node.name
