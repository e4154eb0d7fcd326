"""An extension of Sphinx: links from pages to files of the repository work on the site too.

On GitHub a link such as `../config.yaml` or `evidence/mnist/claims.csv#L2` shows a file, or one of its lines. The site
gets a page for each file that is linked, with the same line numbers, and a list of files for each folder.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\((?P<path>[^():#\s]+)(?P<fragment>#[^()\s]*)?\)")
NAME_OF_PAGE = re.compile(r"\[(\w+)\.md\]\(")  # the site shows it without the ending
FOLDER = "files"  # of the site, for the pages of files
# URL schemes of links that this extension has rewritten, for `myst_url_schemes`.
SCHEMES = {"file-page": "{{path}}", "file-line": "{{path}}#{{fragment}}"}
DOCUMENTS = (".md", ".ipynb", ".png")
IGNORED = ("__pycache__",)


def rewrite_links(app, docname: str, source: list[str]) -> None:
    """Let the links of a page to files that are no pages lead to the pages of these files."""
    page = Path(app.env.doc2path(docname))

    def rewrite_link(match: re.Match) -> str:
        path = (page.parent / match["path"]).resolve()
        if not path.is_relative_to(ROOT) or not path.exists():
            return match[0]
        if path.suffix in DOCUMENTS and path.is_relative_to(app.srcdir):
            return match[0]
        app.linked_files.add(path)
        up = "../" * docname.count("/")
        target = f"{up}{FOLDER}/{path.relative_to(ROOT)}.html"
        if match["fragment"]:
            return f"](file-line:{target}{match['fragment'].replace('#L', '#L-')})"
        return f"](file-page:{target})"

    source[0] = NAME_OF_PAGE.sub(r"[\1](", LINK.sub(rewrite_link, source[0]))


def pages_of_files(app) -> Iterator[tuple[str, dict[str, str], str]]:
    """The pages of all linked files and folders, and of the files in these folders."""
    waiting = sorted(app.linked_files)
    done = set()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        if path.is_dir():
            entries = [entry for entry in sorted(path.iterdir()) if entry.name not in IGNORED]
            waiting += entries
            body = _list(path, entries)
        else:
            body = _lines(path)
        name = str(path.relative_to(ROOT))
        yield f"{FOLDER}/{name}", {"title": name, "body": f"<h1>{html.escape(name)}</h1>\n{body}"}, "page.html"


def _list(folder: Path, entries: list[Path]) -> str:
    items = (f'<li><a href="{folder.name}/{entry.name}.html">{html.escape(entry.name)}</a></li>' for entry in entries)
    return f"<ul>{''.join(items)}</ul>"


def _lines(path: Path) -> str:
    """The lines of a file as HTML. Line 5 has the id `L-5`."""
    try:
        lexer = get_lexer_for_filename(path.name)
    except ClassNotFound:
        lexer = TextLexer()
    return highlight(path.read_text("utf-8"), lexer, HtmlFormatter(linespans="L", linenos="inline"))


def setup(app) -> dict[str, bool]:
    """Connect the two functions to Sphinx."""
    app.linked_files = set()
    app.connect("source-read", rewrite_links)
    app.connect("html-collect-pages", pages_of_files)
    return {"parallel_read_safe": False}
