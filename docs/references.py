"""Reference pages that are made from the code: docs/claims.md, docs/tables.md and docs/rules.md."""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import pyarrow as pa

from docs import reproduction
from epochwise import catalogue
from epochwise.findings.claim import PUBLIC_READING
from epochwise.findings.claims import CLAIMS, PAPER, Claim
from epochwise.findings.findings import FINDINGS
from epochwise.workflow.config_settings import Claims

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
# A rule in a rules file, as `rule a:` or `use rule b as a with:`; and a directive in it.
RULE = re.compile(r"^(?:use rule (?P<base>\w+) as|rule) (?P<name>\w+)(?: with)?:\n(?P<body>(?:    .*\n|\n)*)", re.M)
DIRECTIVE = re.compile(r"^    (\w+):(.*\n(?:(?!    \w).*\n)*)", re.M)
PIXELS = 3072  # of an example image, because the width of the column `pixels` depends on the data set


def claims_page() -> str:
    """The text of docs/claims.md: every claim with its source, effect, margin, models and figures."""
    parts = [
        "# Claims\n\n"
        "A claim turns one statement into one number per run, its *effect*. A positive effect supports the\n"
        "statement. The verdict compares the 95 % interval of the effect over seeds with the *margin*, as\n"
        "[science.md](science.md#claims-verdicts-and-findings) explains. All statements are in our words. A finding\n"
        "rests on its *primary* claims alone. The results are in [reproduction.md](reproduction.md).\n\n"
        "The *source* says whether the paper states it. We have not seen the paper's full text. What it states is\n"
        f"written here {PUBLIC_READING}.\n"
        "The number in parentheses is that of the list in\n"
        "[science.md](science.md#what-the-paper-reports). `make docs` generates this page from\n"
        "[claims_paper.py](../workflow_scripts/epochwise/findings/claims_paper.py) and\n"
        "[claims_ours.py](../workflow_scripts/epochwise/findings/claims_ours.py).\n"
    ]
    for finding in FINDINGS:
        parts.append(f"## Finding {finding.number}: {finding.title}\n\n> {finding.statement}\n")
        parts += [_claim_section(claim, finding.primary) for claim in CLAIMS if claim.finding == finding.number]
    return "\n".join(parts)


def _claim_section(claim: Claim, primary: tuple[str, ...]) -> str:
    whose = "the paper" if claim.source == PAPER else "ours, a stricter reading or a check of ours"
    compared = f", compared with the {claim.compared_with} model, seed by seed" if claim.compared_with else ""
    rows = [f"- source: {whose}" + (" (primary claim)" if claim.name in primary else "")]
    if claim.reading:
        number, report = claim.reading.split(": ", 1)
        rows.append(f"- as the public reading reports ({number}): {report}")
    rows.append(f"- effect: {claim.definition} ([code]({reproduction.code_of(claim)}))")
    if claim.no_effect:
        rows.append(f"- an effect of 0 means that {claim.no_effect}")
    rows += [
        f"- margin: {Claims.model_fields[claim.margin].default:g} (`claims.{claim.margin}`)",
        f"- models: {claim.scope}{compared}",
    ]
    if claim.applies:
        applies = f"[{claim.applies.__name__}]({reproduction.link_to_code(claim.applies)})"
        rows.append(f"- not applicable to a model unless {applies} is true of at least one of its runs")
    if claim.nonnegative:
        rows.append("- the effect cannot be negative, so an interval wholly below the margin contradicts the claim")
    rows.append(f"- figures: {', '.join(f'`{name}`' for name in claim.figures)}")
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


def read_rules() -> dict[str, dict[str, str]]:
    """By rule: the text of each of its directives, and its docstring under `about`.

    Rules are in the order of the Snakefile's includes. A rule made from another one has the directives of both.
    """
    rules: dict[str, dict[str, str]] = {}
    for path in re.findall(r'^include: "(.+)"', (ROOT / "Snakefile").read_text("utf-8"), re.M):
        for match in RULE.finditer((ROOT / path).read_text("utf-8")):
            base = rules[match["base"]] if match["base"] else {}
            rules[match["name"]] = base | dict(DIRECTIVE.findall(match["body"]))
            if about := re.search(r'^    """(.*?)"""', match["body"], re.M | re.S):
                rules[match["name"]]["about"] = inspect.cleandoc(about[1])
    return rules


def rules_page() -> str:
    """The text of docs/rules.md: every rule with its description, its settings, its inputs and its outputs."""
    parts = [
        "# Rules\n\nEvery result is made by one of these rules. `make docs` generates this page from the files in "
        "`rules/`.\nThe settings are those that the results of the rule depend on. [tables.md](tables.md) describes "
        "the tables.\n\n![The rules](figures/rule_graph.png)\n"
    ]
    for rule, directives in read_rules().items():
        script = re.search(r'"\.\./(\S+)"', directives["script"])[1]
        settings = ", ".join(f"`{name}`" for name in re.findall(r'setting\("([\w.]+)"', directives["params"]))
        parts.append(f"## {rule}\n\n{directives['about']}\n")
        parts.append(f"Script: [{script}](../{script}). Settings: {settings or 'none'}.\n")
        for title, directive in (("Inputs", "input"), ("Outputs", "output")):
            parts.append(f"{title}:\n\n" + "\n".join(f"- {file}" for file in _files(directives[directive])) + "\n")
    return "\n".join(parts)


def _files(arguments: str) -> list[str]:
    """The files that a directive of a rule names, in Markdown. A directive is written like the arguments of a call."""
    call = ast.parse(f"call({arguments})", mode="eval").body
    entries = [_file(argument) for argument in call.args]
    for keyword in call.keywords:
        if isinstance(keyword.value, ast.DictComp):  # **{table.name: … for table in catalogue.SUMMARY_GROUPS["runs"]}
            tables = eval(ast.unparse(keyword.value.generators[0].iter), {"catalogue": catalogue})
            path = _file(keyword.value.value)
            entries += [f"`{table.name}`: {path.replace('{table.path}', table.path)}" for table in tables]
        else:
            entries.append(f"`{keyword.arg}`: {_file(keyword.value)}")
    return entries


def _file(value: ast.expr) -> str:
    """One input or output in Markdown: its path, or what the function finds that names it.

    For instance `ensure(f"{RUN}/history.parquet", non_empty=True)` gives the path of history.parquet.
    """
    if isinstance(value, ast.Constant | ast.JoinedStr):
        path = value.value if isinstance(value, ast.Constant) else ast.unparse(value)[2:-1]
        path = path.replace("{{", "{").replace("}}", "}")
        return f"`{path.replace('{RUN}', RUN).replace('{MODEL}', MODEL)}`"
    if isinstance(value, ast.Attribute):  # rules.claims.output
        return f"all outputs of `{ast.unparse(value).split('.')[1]}`"
    if isinstance(value, ast.Name):
        return f"{_input_functions()[value.id]} (`{value.id}`)"
    name = ast.unparse(value.func)
    if name == "if_enabled":
        return f"{_file(value.args[1])}, if `{value.args[0].value}` is enabled"
    if name == "of_all_runs":
        return f"`{RUN}/{value.args[0].value}` of every run"
    if name == "data_file":
        return f"`results/data/{{dataset}}/{value.args[0].value}.parquet`"
    return _file(value.args[0])  # ensure, report, directory, ancient, expand, unpack


@cache
def _input_functions() -> dict[str, str]:
    """What each input function of the rules finds, from its docstring."""
    text = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
    found = re.findall(r'^def (\w+)\(wildcards\):\n    """Input function: (.*?)\.?(?:\n|"""|\. )', text, re.M)
    return dict(found)
