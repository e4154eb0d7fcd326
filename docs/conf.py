"""Settings of the documentation site, which `make docs-site` builds with Sphinx from the pages of this folder.

The site loads nothing from the network: formulas become MathML, which browsers show without a script.
"""

import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow_scripts")]

from docs import linked_files  # noqa: E402

project = "epochwise"
author = copyright = "The epochwise maintainers"
extensions = [
    "myst_nb", "sphinx_design", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon",
    "docs.linked_files",
]  # fmt: skip
root_doc = "index"
exclude_patterns = ["_build", "README.md"]  # README.md is the front page on GitHub, index.md the one of the site
highlight_language = "shell"

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 4
myst_url_schemes = {"http": None, "https": None} | linked_files.SCHEMES
nb_execution_mode = "off"  # because a notebook shows the results of a run that took longer than a build may take

default_role = "code"  # docstrings mark code with single backticks
napoleon_use_ivar = True  # because autodoc lists the attributes of a dataclass itself
autodoc_default_options = {"members": True}
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Types of other libraries cannot be linked without a network, and validators within types are no pages.
nitpick_ignore_regex = [
    ("py:.*", r"(?!epochwise\.).*"),
    ("py:class", r"epochwise\.workflow\.config_\w+\.(_\w+|keep_type|Noise)"),
]

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]
html_title = "epochwise"
html_use_index = html_domain_indices = False
html_show_sourcelink = html_copy_source = False
html_sidebars = {page: [] for page in ("index", "tour", "science", "reproduction", "design", "files/**")}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 1,
}
html_math_renderer = "mathml"


def add_formula(translator, node):
    """Write a formula as MathML."""
    translator.body.append(tex2mathml(node.astext(), as_block=node.tagname == "math_block"))
    raise nodes.SkipNode


def adapt_docstring(app, what, name, thing, options, lines):
    """Adapt what plain docstrings write differently from reStructuredText.

    There |x| would be the name of a replacement, and not an absolute value. A block of code would need two colons.
    """
    text = re.sub(r"(`[^`]*`)|\|", lambda match: match[1] or r"\|", "\n".join(lines))
    lines[:] = re.sub(r"^( *)(\S.*[^:]):\n\n(?=\1 +[^ -])", r"\1\2::\n\n", text, flags=re.M).splitlines()


def setup(app):
    """Register the functions above."""
    app.add_html_math_renderer("mathml", (add_formula, None), (add_formula, None))
    app.connect("autodoc-process-docstring", adapt_docstring)
