"""The documentation site: it builds without warnings, and a browser without a network shows every page whole."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.workflow.conftest import ROOT

NOT_COPIED = {"results", "data", "logs", "build"}
# Elements whose content is cut off. Code and tables scroll.
CUT = """() => [...document.querySelectorAll('html, header *, .bd-main *')].filter(
    (e) => !e.closest('.pst-scrollable-table-container, .cell_output, pre, svg, math') && e.clientWidth
        && getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1
).map((e) => `${e.tagName} ${e.id} ${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a site built from a copy, because Sphinx writes the list of modules beside the pages."""
    copy = tmp_path_factory.mktemp("site") / "copy"

    def ignored(folder, names):
        top = Path(folder) == ROOT
        return {
            n for n in names if n in ("__pycache__", "_build", "_api") or (top and (n[0] == "." or n in NOT_COPIED))
        }

    shutil.copytree(ROOT, copy, ignore=ignored)
    recipe = (ROOT / "Makefile").read_text("utf-8")
    options = re.search(r"-m (sphinx .*) docs docs/_build/html$", recipe, re.M)[1].split()
    done = subprocess.run(
        [sys.executable, "-m", *options, "docs", "built/html"], cwd=copy, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return copy / "built" / "html"


def pages_of(site):
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html") if "_static" not in path.parts)


def test_every_page_is_whole_and_without_errors(site, browser):
    context = browser.new_context(offline=True)
    page = context.new_page()
    messages, asked, wrong = [], [], {}
    page.on("console", lambda message: messages.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    names = [name for name in pages_of(site) if not name.startswith(("files/workflow_scripts/", "_api/"))]
    names += [name for name in pages_of(site) if name.startswith("_api/")][::4]  # they come from one template
    for name in names:
        page.goto((site / name).as_uri())
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            messages += [f"{width}: {cut}" for cut in page.evaluate(CUT)]
        messages += page.evaluate("[...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)")
        if messages:
            wrong[name] = [*messages]
            messages.clear()
    assert len(names) > 50
    assert not wrong
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    context.close()


def test_every_link_within_the_site_leads_to_a_page_and_a_place(site):
    ids = {name: set(re.findall(r'\bid="([^"]+)"', (site / name).read_text("utf-8"))) for name in pages_of(site)}
    broken = []
    for name in ids:
        article = (
            (site / name).read_text("utf-8").partition('<article class="bd-article">')[2].partition("</article>")[0]
        )
        for link in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', article):
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (
                name if not parts.path else str((site / name).parent.joinpath(parts.path).resolve().relative_to(site))
            )
            if not (site / target).exists() or (parts.fragment and parts.fragment not in ids[target]):
                broken.append((name, link))
    assert not broken


def test_a_link_to_a_line_of_evidence_shows_this_line(site):
    page = (site / "index.html").read_text("utf-8")
    link = re.search(r'href="(files/docs/evidence/mnist/findings\.csv\.html)#L-2"', page)
    shown = (site / link[1]).read_text("utf-8")
    line = re.search(r'<span id="L-2">(.*)', shown)[1]
    first = (ROOT / "docs/evidence/mnist/findings.csv").read_text("utf-8").splitlines()[1]
    assert first.split(",")[1] in html.unescape(re.sub("<[^>]+>", "", line))


def test_formulas_are_mathml(site):
    page = (site / "science.html").read_text("utf-8")
    assert page.count("<math") > 3 and "mathjax" not in re.sub('class="[^"]*"', "", page).lower()


def test_the_library_lists_every_module(site):
    modules = list((ROOT / "workflow_scripts" / "epochwise").rglob("*.py"))
    for path in modules:
        name = ".".join(path.relative_to(ROOT / "workflow_scripts").with_suffix("").parts).removesuffix(".__init__")
        assert name == "epochwise" or (site / "_api" / f"{name}.html").exists(), name
