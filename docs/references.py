"""Reference pages that are made from the code: docs/claims.md, docs/tables.md and docs/rules.md."""

import ast
import importlib
import re
from pathlib import Path

import pyarrow as pa

from docs import reproduction
from epochwise import catalogue
from epochwise.findings.claims import CLAIMS, PAPER, Claim
from epochwise.findings.findings import FINDINGS
from epochwise.workflow import config

ROOT = Path(__file__).resolve().parents[1]
MODEL = "results/{experiment}/{noise}/{model}"
RUN = f"{MODEL}/seed{{seed}}"
# Folders of tables in the order of the data: heading, folder, tables.
FOLDERS = (
    ("Data sets", "results/data/{dataset}", catalogue.DATASET_TABLES),
    ("Labels", "results/{experiment}/{noise}", catalogue.LABEL_TABLES),
    ("One run", RUN, catalogue.RUN_TABLES),
    ("Summary over seeds", "results/{experiment}/summary", catalogue.ALL_SUMMARY_TABLES),
    ("Claims and findings", "results/{experiment}", catalogue.RESULT_TABLES),
)
RULE_FILES = ("dataset", "training", "activations", "analysis", "figures", "report")
# Functions of Snakemake around a path. They say how it is treated.
MARKERS = ("ensure", "report", "directory", "ancient", "expand", "unpack")
PIXELS = 3072  # of an example image, because the width of the column `pixels` depends on the data set


def claims_page() -> str:
    """The text of docs/claims.md: every claim with its source, effect, margin, models and figures."""
    parts = [
        "# Claims\n\n"
        "A claim turns one statement into one number per run, its *effect*. A positive effect supports the\n"
        "statement. The verdict compares the 95 % interval of the effect over seeds with the *margin*, as\n"
        "[science.md](science.md#claims-verdicts-and-findings) explains. All statements are in our words. The\n"
        "*source* says whether the paper states it. A finding rests on its *primary* claims alone. What came out is\n"
        "in [reproduction.md](reproduction.md). `make docs` generates this page from\n"
        "[claims.py](../workflow_scripts/epochwise/findings/claims.py).\n"
    ]
    for finding in FINDINGS:
        parts.append(f"## Finding {finding.number}: {finding.title}\n\n> {finding.statement}\n")
        parts += [_claim_section(claim, finding.primary) for claim in CLAIMS if claim.finding == finding.number]
    return "\n".join(parts)


def _claim_section(claim: Claim, primary: tuple[str, ...]) -> str:
    margins = config.load_schema()["$defs"]["settings"]["properties"]["claims"]["properties"]
    whose = "the paper" if claim.source == PAPER else "ours, a stricter reading or a check of ours"
    beyond = ", compared with the first model, seed by seed" if claim.beyond_first else ""
    rows = [
        f"- source: {whose}" + (" (primary claim)" if claim.name in primary else ""),
        f"- effect: {claim.measure} ([code]({reproduction.code_of(claim)}))",
        f"- margin: {margins[claim.margin]['default']:g} (`claims.{claim.margin}`)",
        f"- models: {claim.scope}{beyond}",
        f"- figures: {', '.join(f'`{name}`' for name in claim.figures)}",
    ]
    if claim.no_effect:
        rows.insert(2, f"- an effect of 0 means that {claim.no_effect}")
    if claim.needs != "phases":  # every run has phases
        rows.append(f"- only with the optional part `{claim.needs}`")
    return "\n".join([f"### {claim.name}\n\n{claim.statement}\n", *rows, ""])


def schema_of(table: catalogue.Table) -> pa.Schema:
    """The schema that a table of the catalogue refers to.

    Raises ImportError, AttributeError or KeyError if the reference names something that does not exist.
    """
    module, name = table.schema.split(":")
    found = getattr(importlib.import_module(f"epochwise.{module}"), name)
    if isinstance(found, dict):
        return found[table.name]
    return found if isinstance(found, pa.Schema) else found(PIXELS)


def tables_page() -> str:
    """The text of docs/tables.md: every table with its path, its columns, their types and meanings."""
    parts = [
        "# Tables\n\n"
        "All tables are Parquet files. Read one with `pandas.read_parquet(path)`. Missing values are null.\n"
        "`make docs` generates this page from `workflow_scripts/epochwise/catalogue.py` and the schemas, which are\n"
        "defined next to the functions that fill the tables.\n"
    ]
    for heading, folder, tables in FOLDERS:
        parts.append(f"## {heading}\n\nBelow `{folder}/`:\n")
        parts += [_table_section(table) for table in tables]
    return "\n".join(parts)


def _table_section(table: catalogue.Table) -> str:
    schema = schema_of(table)
    rows = [f"| `{field.name}` | {_type(field.type)} | {catalogue.COLUMNS[field.name]} |" for field in schema]
    where = "workflow_scripts/epochwise/" + table.schema.partition(":")[0].replace(".", "/") + ".py"
    head = f"### {table.path}\n\n{table.about}\nSchema: [`{table.schema}`](../{where})\n"
    return "\n".join([head, "| column | type | meaning |", "| --- | --- | --- |", *rows, ""])


def _type(kind: pa.DataType) -> str:
    """The type in words: list<element: float> becomes "list of float"."""
    if pa.types.is_fixed_size_list(kind):
        return f"list of {kind.value_type}, one per pixel and channel"
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)


def rules_page() -> str:
    """The text of docs/rules.md: every rule with its description, its inputs and its outputs."""
    parts = [
        "# Rules\n\nEvery result is made by one of these rules. `make docs` generates this page from the files in "
        "`rules/`.\nThe script of a rule is `workflow_scripts/<rule>.py`. What the tables hold is in "
        "[tables.md](tables.md).\n\n![The rules](figures/rule_graph.png)\n"
    ]
    for name in RULE_FILES:
        text = (ROOT / "rules" / f"{name}.smk").read_text("utf-8")
        rules = re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", text, re.M | re.S)
        parts += [_rule_section(rule, body) for rule, body in rules]
    return "\n".join(parts)


def _rule_section(rule: str, body: str) -> str:
    description = re.search(r'"""(.*?)"""', body, re.S)[1]
    inputs, outputs = (
        f"{title}:\n\n" + "\n".join(f"- {entry}" for entry in _files(body, directive)) + "\n"
        for title, directive in (("Inputs", "input"), ("Outputs", "output"))
    )
    return "\n".join([f"## {rule}\n\n{description}\n", inputs, outputs])


def _files(body: str, directive: str) -> list[str]:
    """The files that a directive of a rule names, in Markdown. A directive is written like the arguments of a call."""
    arguments = re.search(rf"^    {directive}:\n(.*?)(?=^    \w+:|\Z)", body, re.M | re.S)[1]
    call = ast.parse(f"call({arguments})", mode="eval").body
    entries = [_file(argument) for argument in call.args]
    for keyword in call.keywords:
        name = f"`{keyword.arg}`: " if keyword.arg else ""
        entries.append(name + _file(keyword.value))
    return entries


def _file(value: ast.expr) -> str:
    """One input or output in Markdown: its path, or the function in rules/common.smk that finds it.

    For instance `ensure(f"{RUN}/history.parquet", non_empty=True)` gives the path of history.parquet.
    """
    if isinstance(value, ast.Constant | ast.JoinedStr):
        path = value.value if isinstance(value, ast.Constant) else ast.unparse(value)[2:-1]
        path = path.replace("{{", "{").replace("}}", "}")
        return f"`{path.replace('{RUN}', RUN).replace('{MODEL}', MODEL)}`"
    if isinstance(value, ast.DictComp):  # **{table.name: … for table in catalogue.SUMMARY_TABLES}
        return f"{_file(value.value)}, for each of `{ast.unparse(value.generators[0].iter)}`"
    if isinstance(value, ast.Call) and ast.unparse(value.func) in MARKERS:
        return _file(value.args[0])
    if isinstance(value, ast.Call) and value.args and ast.unparse(value.func) == "if_chosen":
        return f"{_file(value.args[1])}, if `{value.args[0].value}` is chosen"
    if isinstance(value, ast.Call) and value.args and ast.unparse(value.func) == "of_all_runs":
        return f"`{RUN}/{value.args[0].value}` of every run"
    if isinstance(value, ast.Call) and value.args and ast.unparse(value.func) == "data_file":
        return f"`results/data/{{dataset}}/{value.args[0].value}.parquet`"
    if isinstance(value, ast.Attribute):  # rules.summary.output
        return f"all outputs of `{ast.unparse(value).split('.')[1]}`"
    return f"what `{ast.unparse(value)}` in `rules/common.smk` finds"
