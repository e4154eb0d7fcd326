"""The catalogue against the schemas, the rules and the generated pages."""

import ast
import re
from pathlib import Path

import pyarrow as pa
from docs import references, reproduction, update

from epochwise import catalogue
from epochwise.figures import theme
from epochwise.findings.claims import CLAIMS
from epochwise.findings.findings import FINDINGS
from epochwise.findings.summarize import GROUPS

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "workflow_scripts" / "epochwise"
TABLES = [table for _, _, tables in references.FOLDERS for table in tables]


def test_every_column_has_a_meaning_and_every_meaning_belongs_to_a_column():
    schemas = [references.schema_of(table) for table in TABLES]
    assert all(isinstance(schema, pa.Schema) for schema in schemas)
    assert {name for schema in schemas for name in schema.names} == set(catalogue.COLUMNS)


def test_every_schema_of_the_library_is_in_the_catalogue():
    """Found by reading the source: every name that is assigned a `pa.schema(...)`."""
    defined = set()
    for path in sorted(LIBRARY.rglob("*.py")):
        module = ".".join(path.relative_to(LIBRARY).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("pa.schema("):
                defined.add(f"{module}:{ast.unparse(node.targets[0])}")
    assert defined
    assert defined <= {table.schema for table in TABLES}


def test_the_catalogue_names_every_summary_table():
    groups = {group: {table.name for table in tables} for group, tables in catalogue.SUMMARY_GROUPS.items()}
    assert groups == {group: set(names) for group, names in GROUPS.items()}


def test_the_catalogue_names_every_figure_module():
    others = {"theme", "panels", "numbers", "phase_marks", "scales", "legends", "matplotlib_import"}
    others |= {"learning", "layer_cosines", "test_paths", "large_by_class"}
    modules = {path.stem for path in Path(theme.__file__).parent.glob("[!_]*.py")} - others
    assert {figure.name for figure in catalogue.FIGURES} == modules


def test_figures_need_tables_that_exist_and_claims_name_figures_that_exist():
    of_one_run = {"train_images", "labels", "samples", "anatomy_images"}
    known = {table.name for table in catalogue.ALL_SUMMARY_TABLES} | of_one_run
    assert all(set(figure.inputs) <= known for figure in catalogue.FIGURES)
    names = {figure.name for figure in catalogue.FIGURES}
    assert all(set(claim.figures) <= names for claim in CLAIMS)


def test_the_science_page_names_the_primary_claims_of_each_finding():
    page = (ROOT / "docs" / "science.md").read_text("utf-8")
    for finding in FINDINGS:
        row = next(line for line in page.splitlines() if line.startswith(f"| {finding.number}. {finding.title} "))
        assert set(re.findall(r"`(\w+)`", row)) == set(finding.primary)


def test_links_between_pages_lead_to_files():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("[a-z]*/README.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page}: {link}"


def test_the_catalogue_imports_nothing_of_the_project():
    source = (LIBRARY / "catalogue.py").read_text("utf-8")
    imported = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [node for node in imported if "epochwise" in ast.unparse(node)]


def test_the_page_of_tables_lists_every_column_of_every_table():
    page = references.tables_page()
    for _, folder, tables in references.FOLDERS:
        of_folder = page.partition(f"Below `{folder}/`")[2].partition("\n## ")[0]
        for table in tables:
            section = of_folder.partition(f"### {table.path}\n")[2].partition("\n### ")[0]
            columns = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
            assert columns == references.schema_of(table).names


def test_the_page_of_rules_lists_paths_and_not_code():
    page = references.rules_page()
    assert "- `snapshots`: `results/{experiment}/{noise}/{model}/seed{seed}/snapshots`" in page
    assert "- `pdf`: `results/{experiment}/figures/{figure}.pdf`" in page
    assert "- `ranked_activations`: `results/{experiment}/summary/ranked_activations.parquet`" in page
    assert "ensure(" not in page and "non_empty" not in page


def test_files_of_the_code_that_pages_name_exist():
    folders = (ROOT, ROOT / "docs", ROOT / "workflow_scripts", ROOT / "workflow_scripts" / "epochwise")
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for name in re.findall(r"`([a-z_]+/[A-Za-z0-9_/.-]+\.(?:py|smk|yaml))`", page.read_text("utf-8")):
            assert any((folder / name).exists() for folder in folders), f"{page}: {name}"


def test_generated_pages_are_current():
    stale = [page for page, text in update.PAGES.items() if (ROOT / "docs" / page).read_text("utf-8") != text()]
    assert not stale, "run `make docs`"


def test_the_findings_on_the_front_pages_are_those_of_the_evidence():
    for page, base in (("README.md", "docs/"), ("docs/index.md", "")):
        overview = reproduction.overview(reproduction.list_experiments(), base)
        assert overview in (ROOT / page).read_text("utf-8"), "run `make docs`"
