"""A figure has the same bytes whatever the user's machine is set to: Matplotlib, fonts, language, home folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from fontTools.ttLib import TTFont

from epochwise.figures import theme
from epochwise.findings.drawn import SCHEMAS
from epochwise.workflow import code, tables
from tests.unit.made_up_paper import CASES, inputs_of

SETTINGS = b"""
backend: module://there_is_no_such_module
text.usetex: True
savefig.bbox: tight
savefig.facecolor: red
figure.dpi: 31
axes.unicode_minus: False
axes.formatter.use_locale: True
font.family: serif
lines.linewidth: 9
path.simplify: False
pdf.compression: 0
"""
# What Snakemake does around a script: it defines the object `snakemake`, then runs the script.
RUN = """
import json, runpy, sys
from pathlib import Path
from types import SimpleNamespace
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params
given = json.loads(sys.argv[1])
runpy.run_path(given["script"], {"snakemake": SimpleNamespace(
    input=InputFiles(fromdict=given["input"]), output=OutputFiles(fromdict=given["output"]),
    log=Log(toclone=[given["log"]]), params=Params(fromdict=given["params"]),
    wildcards=SimpleNamespace(figure="phases"), rule="figure", scriptdir=str(Path(given["script"]).parent))})
"""
CLEAN = {"PATH": os.environ["PATH"], "PYTHONPATH": str(code.SCRIPTS)}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """Files of the tables that the figure `phases` draws, by name."""
    folder = tmp_path_factory.mktemp("tables")
    inputs, _ = inputs_of(CASES["usual"])
    files = {name: folder / f"{name}.parquet" for name in ("curves", "phases", "phases_by_seed", "runs")}
    for name, file in files.items():
        tables.write(inputs[name], SCHEMAS[name], file)
    return {name: str(file) for name, file in files.items()}


def drawn(made_up, folder, environment):
    """The bytes of PDF, PNG and CSV that the script makes in `folder`, its working folder, with these variables."""
    folder.mkdir(exist_ok=True)
    results = {kind: folder / f"phases.{kind}" for kind in ("pdf", "png", "csv")}
    log = folder / "logs" / "phases.log"
    log.parent.mkdir()
    given = {
        "script": str(code.SCRIPTS / "figure.py"),
        "input": made_up,
        "output": {kind: str(file) for kind, file in results.items()},
        "log": str(log),
        "params": {
            "settings": json.dumps({"dpi": 60, "shown": None, "options": {}, "noises": []}),
            "code": code.stamp("figure.py", "epochwise/figures/phases.py"),
        },
    }
    command = [sys.executable, "-c", RUN, json.dumps(given)]
    home = {"HOME": str(folder / "home")}
    done = subprocess.run(
        command, cwd=folder, env={**CLEAN, **home, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + (log.read_text() if log.exists() else "There is no log.")
    return {kind: file.read_bytes() for kind, file in results.items()}


@pytest.fixture(scope="module")
def expected(made_up, tmp_path_factory):
    return drawn(made_up, tmp_path_factory.mktemp("clean"), {})


@pytest.fixture
def settings_of_a_notebook():
    with matplotlib.rc_context({"lines.linewidth": 9, "savefig.bbox": "tight", "text.usetex": True}):
        yield


def test_settings_of_a_notebook_are_replaced_while_drawing_and_kept_after_it(settings_of_a_notebook):
    before = dict(matplotlib.rcParams)
    with theme.use_theme():
        assert matplotlib.rcParams["savefig.bbox"] is None and not matplotlib.rcParams["text.usetex"]
        assert matplotlib.rcParams["lines.linewidth"] == theme.STYLE["lines.linewidth"]
    assert dict(matplotlib.rcParams) == before


def test_importing_figures_keeps_the_backend_that_a_notebook_has_chosen():
    code_of_user = (
        "import os; import epochwise.figures.theme; assert os.environ['MPLBACKEND'] == 'module://mine';"
        "import os.path; assert not os.path.exists('matplotlibrc')"
    )
    environment = CLEAN | {"MPLBACKEND": "module://mine"}
    subprocess.run([sys.executable, "-c", code_of_user], check=True, env=environment)


def settings_file(path, content=SETTINGS):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    "backend", ["module://matplotlib_inline.backend_inline", "there_is_no_such_backend", "TkAgg", "pgf", ""]
)
def test_the_backend_does_not_matter(made_up, expected, tmp_path, backend):
    assert drawn(made_up, tmp_path, {"MPLBACKEND": backend}) == expected


@pytest.mark.parametrize(
    ("place", "variables"),
    [
        ("matplotlibrc", {}),  # the working folder
        ("elsewhere/matplotlibrc", {"MATPLOTLIBRC": "elsewhere"}),
        ("elsewhere/my.rc", {"MATPLOTLIBRC": "elsewhere/my.rc"}),
        ("config/matplotlibrc", {"MPLCONFIGDIR": "config"}),
        ("home/.config/matplotlib/matplotlibrc", {}),
        ("xdg/matplotlib/matplotlibrc", {"XDG_CONFIG_HOME": "xdg"}),
    ],
)
def test_settings_files_do_not_matter(made_up, expected, tmp_path, place, variables):
    settings_file(tmp_path / place)
    variables = {name: str(tmp_path / value) for name, value in variables.items()}
    assert drawn(made_up, tmp_path, variables) == expected


@pytest.mark.parametrize("content", ["axes.titlesize: größer".encode("latin-1"), b"\x00\xff", b"no setting at all"])
def test_a_settings_file_that_cannot_be_read_does_not_matter(made_up, expected, tmp_path, content):
    rc = settings_file(tmp_path / "matplotlibrc", content)
    settings_file(tmp_path / "config" / "stylelib" / "mine.mplstyle", content)
    assert drawn(made_up, tmp_path, {"MATPLOTLIBRC": rc, "MPLCONFIGDIR": str(tmp_path / "config")}) == expected


@pytest.mark.parametrize("home", ["/proc/no_such_folder", "", "relative"])
def test_a_home_that_cannot_be_written_does_not_matter(made_up, expected, tmp_path, home):
    assert drawn(made_up, tmp_path, {"HOME": home}) == expected


def test_fonts_of_the_user_do_not_matter(made_up, expected, tmp_path):
    """A font of the same name as ours, but with other letters, and a list of fonts left by another program."""
    fonts = tmp_path / "share" / "fonts"
    fonts.mkdir(parents=True)
    bundled = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = TTFont(bundled / "DejaVuSerif.ttf")
    names = TTFont(bundled / "DejaVuSans.ttf")["name"]
    font["name"] = names
    font.save(fonts / "DejaVuSans.ttf")
    shutil.copytree(fonts, tmp_path / "home" / ".fonts")
    variables = {"XDG_DATA_HOME": str(tmp_path / "share"), "MPLCONFIGDIR": str(tmp_path / "config")}
    settings_file(tmp_path / "config" / "fontlist-v390.json", b"{}")
    assert drawn(made_up, tmp_path, variables) == expected


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LANG": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8", "TZ": "Asia/Kathmandu"},
        {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "LC_ALL": "POSIX"},
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "PYTHONOPTIMIZE": "2"},
        {"PYTHONDEVMODE": "1", "PYTHONSAFEPATH": "1"},
        {"SOURCE_DATE_EPOCH": "1"},
    ],
    ids=str,
)
def test_language_time_and_python_do_not_matter(made_up, expected, tmp_path, variables):
    assert drawn(made_up, tmp_path, variables) == expected
