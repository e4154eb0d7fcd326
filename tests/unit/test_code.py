"""Which code a script reaches and what of it counts, on a small tree made up here; the structure of the real one."""

import ast
import itertools
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


REACHED = {
    "direct.py": {INIT, ALONE},
    "indirect.py": {INIT, "epochwise/middle.py", ALONE},
    "inside.py": {INIT, ALONE},
    "cycle.py": {INIT, "epochwise/one.py", "epochwise/two.py"},
    "aliased.py": SUB,
    "name.py": SUB,
    "attribute.py": {INIT, ALONE},
    "nothing.py": set(),
}


def test_a_script_reaches_what_it_imports_directly_or_not(tree):
    for script, expected in REACHED.items():
        assert reached_by(script) == sorted(tree / name for name in {script} | expected), script


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


def test_only_what_runs_counts():
    for kind, source in SAME.items():
        assert source != PLAIN and ast.parse(source) and essence(source) == essence(PLAIN), kind
    for kind, source in DIFFERENT.items():
        assert source != PLAIN and ast.parse(source) and essence(source) != essence(PLAIN), kind


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
# Each package may import those before it. The order is that of the flow of data.
PACKAGES = ("workflow", "data", "training", "activations", "analysis", "findings", "figures", "report")
ALSO = {"report": {"catalogue"}, "workflow/config": {"catalogue", "data"}}  # config checks names, sources and noises
NEED_TORCH = ("training", "activations")
STARTS_TORCH = ("train.py", "extract.py", "interventions.py", "measures.py")
PURE_DATA = ("catalogue.py", "data/sources.py")


def relative(path) -> str:
    return str(path.relative_to(SCRIPTS / "epochwise"))


def package_of(path) -> str:
    return relative(path).partition("/")[0]


def reached_modules(script) -> set[str]:
    return {relative(path) for path in reached_by(script) if path not in RULE_SCRIPTS}


def names_imported_by(path) -> list[str]:
    """Names of all modules that a file imports, in functions too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not followed by reached_by"
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def packages_imported_by(path) -> set[str]:
    """Packages of the library that a file imports from."""
    parts = [name.split(".") for name in names_imported_by(path)]
    return {part[1] for part in parts if part[0] == "epochwise" and len(part) > 1}


def test_imports_go_one_way():
    wrong = {}
    for path in LIBRARY:
        package = package_of(path)
        allowed = set(PACKAGES[: PACKAGES.index(package) + 1]) if package in PACKAGES else set()
        allowed |= {name for start, names in ALSO.items() if relative(path).startswith(start) for name in names}
        wrong[relative(path)] = packages_imported_by(path) - allowed
    assert not {name: packages for name, packages in wrong.items() if packages}
    assert not [path.name for path in RULE_SCRIPTS if "catalogue" in packages_imported_by(path)]


def test_there_are_no_import_cycles():
    reached = {path: set(reached_by(f"epochwise/{relative(path)}")) for path in LIBRARY}
    modules = [path for path in LIBRARY if path.name != "__init__.py"]  # every module reaches those of its packages
    assert not [
        (relative(one), relative(other))
        for one, other in itertools.combinations(modules, 2)
        if other in reached[one] and one in reached[other]
    ]


def test_no_job_imports_snakemake_and_only_packages_about_networks_import_torch():
    in_jobs = [path for script in RULE_SCRIPTS for path in reached_by(script.name) if path.suffix == ".py"]
    assert not [path for path in in_jobs if any(name.startswith("snakemake") for name in names_imported_by(path))]
    at_import = {
        relative(path)
        for path in LIBRARY
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import) and any(alias.name.startswith("torch") for alias in node.names)
    }
    assert {name.partition("/")[0] for name in at_import} == set(NEED_TORCH)


def test_only_what_computes_with_networks_starts_torch():
    program = "import sys; sys.path.insert(0, sys.argv[1])\n"
    program += "for script in sys.argv[2:]:\n    lines = open(f'{sys.argv[1]}/{script}').read().splitlines()\n"
    program += "    exec('\\n'.join(line for line in lines if line.startswith(('from ', 'import '))))\n"
    program += "    print(script) if 'torch' in sys.modules else None\n"
    others = [path.name for path in RULE_SCRIPTS if path.name not in STARTS_TORCH]
    for scripts, expected in [(others, []), *([[script], [script]] for script in STARTS_TORCH)]:
        done = subprocess.run([sys.executable, "-c", program, SCRIPTS, *scripts], capture_output=True, text=True)
        assert done.stdout.split() == expected, done.stderr


def test_training_reaches_nothing_that_only_users_or_reports_need():
    reached = reached_modules("train.py") | reached_modules("publish.py")
    assert not reached & {f"workflow/{name}.py" for name in ("verify", "archive", "config", "debug")}
    assert {name.partition("/")[0] for name in reached} <= {"__init__.py", "workflow", "data", "training"}


def test_separation_reaches_no_stage_before_it_but_the_tables_that_it_reads():
    reached = reached_modules("separation.py")
    assert {"analysis/separation.py", "activations/tables.py", "workflow/job.py", "workflow/tables.py"} <= reached
    assert not {name.partition("/")[0] for name in reached} & {"data", "training", "findings", "figures", "report"}
    assert not reached & {"activations/extraction.py", "analysis/outliers.py"}


def lines_of(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring, which may be as long as it needs."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function):
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


def test_scripts_have_at_most_30_lines_modules_300_and_functions_45():
    sources = {path: path.read_text(encoding="utf-8") for path in [*RULE_SCRIPTS, *LIBRARY]}
    long = {path.name for path in RULE_SCRIPTS if len(sources[path].splitlines()) > 30}
    long |= {relative(path) for path in LIBRARY if len(sources[path].splitlines()) > 300} - set(PURE_DATA)
    long |= {
        f"{path.name}: {node.name}"
        for path, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and lines_of(node) > 45
    }
    assert not long
