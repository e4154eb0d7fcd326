"""The page of the explorer: data, charts, style and script in one HTML file that loads nothing."""

import json
from pathlib import Path

import vl_convert
from jinja2 import Environment
from markupsafe import Markup

from epochwise.report import explorer_charts

HERE = Path(__file__)


def page(experiment: str, level: float, data: dict) -> str:
    """The whole page.

    Args:
        experiment: its name, for the title.
        level: level of the intervals, 0 to 1.
        data: what `explorer_data.page_data` returns.
    """
    layers = max(len(run["ranked"]["values"][0]) for run in data["runs"].values())
    looks = (explorer_charts.LIGHT, explorer_charts.DARK)
    charts = {look.name: explorer_charts.charts(look, layers, data["classes"]) for look in looks}
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        _read_asset(".html.jinja")
    )
    return template.render(
        experiment=experiment,
        level=f"{level * 100:g}%",
        drawn=sum(data["drawn"]),
        responders=data["responders"],
        sprite=data["sprite"],
        style=Markup(_read_asset(".css")),
        script=Markup(_read_asset(".js")),
        vega=Markup(vl_convert.javascript_bundle()),
        data=_embed({**data, "sprite": {**data["sprite"], "png": None}}),
        charts=_embed(charts),
    )


def _read_asset(ending: str) -> str:
    return HERE.with_suffix(ending).read_text("utf-8")


def _embed(value: dict) -> Markup:
    """JSON for a script element, which no text inside can close."""
    return Markup(json.dumps(value, separators=(",", ":"), allow_nan=False).replace("</", "<\\/"))
