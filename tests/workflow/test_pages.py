"""The explorer and the report in a real browser: Debian's Chromium without a network."""

import json
import math
import re

import pandas as pd
import pytest

from tests.workflow.conftest import EPOCHS, TINY

WIDTHS = (1280, 390)
# Elements whose text is cut off. A table may be wider than the page, because it scrolls and can be focused.
CUT = """() => [...document.querySelectorAll('html, body *')].filter(
    (e) => !e.closest('.table, svg, script, .skip') && e.clientWidth && getComputedStyle(e).display !== 'inline'
        && e.scrollWidth > e.clientWidth + 1
).map((e) => `${e.tagName} ${e.id} ${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)"""


class Watched:
    """A page with what it wrote to the console and what it asked of the network."""

    def __init__(self, browser, path, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        self.page = context.new_page()
        self.told, self.asked = [], []
        self.page.on("console", lambda message: self.told.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.told.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.resolve().as_uri())

    def errors(self):
        return [line for line in self.told if line.startswith("error")]

    def requests(self):
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]


@pytest.fixture
def explorer(browser, finished):
    return lambda **settings: opened(browser, finished, **settings)


def opened(browser, finished, **settings):
    watched = Watched(browser, finished.results / "digits" / "explorer.html", **settings)
    watched.page.wait_for_selector("html[data-ready]", timeout=30_000)
    return watched


def set_slider(page, step):
    page.locator("#slider").fill(str(step))


def line_of_the_epoch(page, chart="curves"):
    """Where the vertical line is, in pixels."""
    return page.evaluate(
        "(chart) => [...document.querySelectorAll(`#${chart} .mark-rule path, #${chart} .mark-rule line`)].map("
        "(e) => e.getBoundingClientRect()).filter((b) => b.height > 20).at(-1).x",
        chart,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_explorer_loads_nothing_and_reports_no_problem(explorer, scheme):
    watched = explorer(scheme=scheme)
    assert watched.told == []
    assert watched.requests() == []
    assert watched.page.locator("svg.marks").count() == 5


def test_every_image_of_the_explorer_has_pixels(explorer):
    page = explorer().page
    assert page.evaluate("[...document.images].length > 0 && [...document.images].every((i) => i.naturalWidth > 0)")
    blank = """[...document.querySelectorAll('canvas')].filter((c) => {
        const all = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return new Set(all.filter((_, i) => i % 4 === 0)).size < 2;
    }).length"""
    assert page.locator("canvas").count() > 20
    assert page.evaluate(blank) == 0


def test_the_slider_moves_the_marks_and_the_tables(explorer, finished):
    page = explorer().page
    places, tables = [], []
    for step in (0, int(page.locator("#slider").get_attribute("max"))):
        set_slider(page, step)
        page.wait_for_timeout(100)
        places.append([line_of_the_epoch(page, chart) for chart in ("curves", "separation", "sample")])
        tables.append(page.locator("#curves-table").text_content())
    assert all(last > first + 50 for first, last in zip(*places, strict=True))
    assert page.locator("#epoch-text").text_content() == str(EPOCHS)
    curves = pd.read_parquet(finished.results / "digits" / "summary" / "curves.parquet")
    test = curves.query("model == 'mlp7' and subset == 'test' and measure == 'accuracy'").set_index("epoch")["mean"]
    assert f"{test[0]:.3f}" in tables[0] and f"{test[EPOCHS]:.3f}" in tables[1]


def test_the_horizontal_axis_shows_epochs_or_learning_rate_times_steps(explorer, finished):
    page = explorer().page
    runs = pd.read_parquet(finished.results / "digits" / "summary" / "runs.parquet").query("model == 'mlp7'").iloc[0]
    per_epoch = runs["learning_rate"] * runs["steps_per_epoch"]
    assert float(page.locator("#steps-text").text_content()) == pytest.approx(EPOCHS * per_epoch, rel=0.01)
    place = line_of_the_epoch(page)
    shows = """(unit) => ["curves", "separation", "sample"].every(
        (name) => Math.abs(state.views[name].signal("per_epoch") / unit - 1) < 1e-6)"""
    for choice, unit in (("learning rate × steps", per_epoch), ("epoch", 1)):
        page.locator("#time").select_option(choice)
        page.wait_for_function(shows, arg=unit)
        assert choice in page.locator("#sample svg").text_content()
        first, *ticks = page.evaluate("state.views.sample.signal('ticks')")
        assert first == 0
        for tick in ticks:
            assert tick * unit == pytest.approx(10.0 ** round(math.log10(tick * unit)))
    assert line_of_the_epoch(page) == pytest.approx(place, abs=1), "both axes have their numbers at the same places"


@pytest.mark.parametrize("curve", ["accuracy", "loss", "cross_entropy"])
def test_the_curves_show_accuracy_and_both_losses(explorer, finished, curve):
    page = explorer().page
    page.locator("#curve").select_option(curve)
    table = pd.read_parquet(finished.results / "digits" / "summary" / "curves.parquet")
    rows = table.query("model == 'mlp7' and subset == 'test' and measure == @curve and epoch == @EPOCHS")
    assert f"{rows['mean'].iloc[0]:.3f}" in page.locator("#curves-table").text_content()


def test_play_moves_the_slider_and_pause_stops_it(explorer):
    page = explorer().page
    set_slider(page, 0)
    page.locator("#play").click()
    page.wait_for_function("+document.getElementById('slider').value > 0")
    page.locator("#play").click()
    assert page.locator("#play").text_content() == "Play"
    before = page.locator("#slider").input_value()
    page.wait_for_timeout(1500)
    assert page.locator("#slider").input_value() == before


def test_a_click_on_a_sample_shows_its_image_and_its_predictions(explorer, finished):
    page = explorer().page
    page.locator("#seed").select_option("1")
    portrait = "document.getElementById('portrait').toDataURL()"
    before = page.evaluate(portrait)
    button = page.locator("#samples-table .image").nth(5)
    number = int(re.search(r"Sample (\d+)", button.get_attribute("aria-label"))[1])
    small = button.evaluate("(e) => e.firstChild.toDataURL()")
    button.click()
    assert page.locator("#detail-title").text_content() == f"Sample {number}: noisy"
    assert page.evaluate(portrait) == small != before
    run = finished.results / "digits" / "symmetric30" / "mlp7" / "seed1" / "activations"
    outputs = pd.read_parquet(run / "outputs.parquet").query("index == @number").sort_values("epoch")
    labels = pd.read_parquet(finished.results / "digits" / "symmetric30" / "labels.parquet").set_index("index")
    rows = page.locator("#sample-table tbody tr")
    found = [rows.nth(i).locator("td").all_text_contents()[:2] for i in range(rows.count())]
    assert found == [[str(row.epoch), str(row.predicted)] for row in outputs.itertuples()]
    facts = page.locator("#facts dd").all_text_contents()
    assert facts[:2] == [str(labels.loc[number, "true_label"]), str(labels.loc[number, "given_label"])]


def test_every_choice_of_run_shows_its_own_numbers(explorer):
    page = explorer().page
    seen = set()
    for model in ("mlp3", "mlp7"):
        page.locator("#model").select_option(model)
        for seed in ("mean", "0", "1"):
            page.locator("#seed").select_option(seed)
            seen.add(page.locator("#curves-table").text_content() + page.locator("#ranked-table").text_content())
    assert len(seen) == 6


@pytest.mark.parametrize("seed", [0, 1])
def test_the_marked_neurons_are_those_of_the_claims(explorer, finished, seed):
    page = explorer().page
    page.locator("#seed").select_option(str(seed))
    run = finished.results / "digits" / "symmetric30" / "mlp7" / f"seed{seed}"
    outliers = pd.read_parquet(run / "outliers.parquet").query("stands_out").sort_values("epoch")
    ring = page.evaluate("rankedRows().filter((row) => row.stands_out && row.rank === 1)")
    assert [(row["epoch"], row["layer"], row["neuron"]) for row in ring] == [
        *outliers[["epoch", "layer", "neuron"]].itertuples(index=False, name=None)
    ]
    edited = pd.read_parquet(run / "anatomy.parquet")[["layer", "neuron"]].drop_duplicates()
    neurons = pd.read_parquet(run / "activations" / "neurons.parquet")
    layer, neuron = edited.iloc[0]
    of_layer = neurons[neurons["layer"] == layer].pivot(index="epoch", columns="neuron", values="max")
    ranks = of_layer.rank(axis=1, ascending=False, method="min")[neuron]
    diamond = page.evaluate("finalRows()")
    assert {(row["layer"], row["neuron"]) for row in diamond} == {(layer, neuron)}
    assert [row["rank"] for row in diamond] == ranks.tolist()
    assert [row["largest"] for row in diamond] == pytest.approx(of_layer[neuron].tolist(), abs=1e-4)
    set_slider(page, 0)
    told = f"Layer {outliers['layer'].iloc[0]} stands out. At the end, neuron {neuron} of layer {layer} does"
    assert told in page.locator("#ranked-table caption").text_content()
    chosen = page.locator("#layer option", has_text="stands out at the end")
    assert chosen.get_attribute("value") == str(layer)


def test_over_seeds_the_marked_layer_is_that_of_the_figures(explorer, finished):
    page = explorer().page
    summary = pd.read_parquet(finished.results / "digits" / "summary" / "outliers.parquet")
    rows = summary.query("model == 'mlp7' and measure == 'largest_activation' and stands_out").sort_values("epoch")
    ring = page.evaluate("rankedRows().filter((row) => row.stands_out && row.rank === 1)")
    assert [row["layer"] for row in ring] == rows["layer"].tolist()
    assert page.evaluate("finalRows()") == []


def test_largest_activations_have_a_logarithmic_axis_with_a_place_for_zero(explorer):
    zero, one, ten, hundred = explorer().page.evaluate("[0, 1, 10, 100].map(state.views.ranked.scale('y'))")
    assert zero > one > ten > hundred
    assert one - ten == pytest.approx(ten - hundred, rel=0.1)


def test_the_layer_is_kept_where_the_model_has_it(explorer):
    page = explorer().page

    def layer_of(model):
        page.locator("#model").select_option(model)
        return page.locator("#layer").input_value()

    assert page.locator("#layer option").count() == 3
    page.locator("#layer").select_option("2")
    assert [layer_of("mlp3"), layer_of("mlp7")] == ["2", "2"]
    page.locator("#layer").select_option("3")
    assert layer_of("mlp3") == "2", "its last layer"
    assert page.locator("#images-table tbody tr").count() > 0


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_of_the_explorer_is_cut(explorer, width):
    page = explorer(width=width).page
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_all_controls(explorer):
    page = explorer().page
    wanted = set(page.evaluate("[...document.querySelectorAll('main [id], form [id]')].filter((e) => "
                               "/SELECT|INPUT|BUTTON/.test(e.tagName) && !e.disabled).map((e) => e.id)"))  # fmt: skip
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert len(wanted) > 10 and wanted <= reached
    page.locator("#slider").focus()
    before = page.locator("#epoch-text").text_content()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#epoch-text").text_content() != before


def test_dark_follows_the_system_and_the_button(explorer):
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = explorer(scheme="light").page, explorer(scheme="dark").page
    colours = [light.evaluate(background), dark.evaluate(background)]
    assert colours[0] != colours[1]
    light.locator("#dark").click()
    assert light.evaluate(background) == colours[1]
    assert light.locator("#dark").get_attribute("aria-pressed") == "true"


def test_the_explorer_names_its_data_in_tables_behind_every_picture(explorer):
    page = explorer().page
    for name in ("curves", "separation", "ranked", "images", "samples", "sample"):
        assert page.locator(f"#{name}-table tbody tr").count() > 0
        assert page.locator(f"#{name}-table th[scope=col]").count() > 1
    assert page.locator(".chart[aria-label]").count() == 5


@pytest.fixture(scope="module")
def report(finished):
    finished.build("--report", "results/digits/report.html", "all", overlay=TINY)
    return finished.results / "digits" / "report.html"


def test_the_report_opens_with_the_findings_and_loads_nothing(browser, report):
    watched = Watched(browser, report)
    watched.page.wait_for_selector("text=Findings of digits")
    text = watched.page.locator("body").inner_text()
    order = ["Findings of digits", "1. Double descent", "2. Signal separation", "3. Large activation"]
    order += ["Claims of the paper", "95% interval", "What is studied"]
    assert watched.page.get_by_text("Findings of digits").bounding_box()["y"] > 0, "it can be seen without scrolling"
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert watched.errors() == []
    assert watched.requests() == []
    assert watched.page.locator("a[href='explorer.html']").count() == 1


def test_the_report_fits_a_phone_once_its_menu_is_closed(browser, report):
    page = Watched(browser, report, width=390).page
    page.wait_for_selector("text=Findings of digits")
    page.locator("nav h1 a").click()
    fits = "(e) => e.getBoundingClientRect().right <= 390 && e.scrollWidth <= e.clientWidth + 1"
    page.wait_for_function(f"({fits})(document.querySelector('#app .prose'))")


def test_the_report_loads_no_code_from_the_network(report):
    text = report.read_text("utf-8")
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?https?://[^>]*>", text)


def test_the_report_lists_figures_by_topic_with_labels(report):
    text = report.read_text("utf-8")
    categories = json.loads(re.search(r"var categories = (\{.*?\});?\n", text)[1])
    assert {"1 Findings and claims", "2 Figures of the paper", "5 Large activation"} <= {*categories["digits"]}
    results = json.loads(re.search(r"var results = (\{.*?\});?\n", text)[1])
    labels = next(result["labels"] for path, result in results.items() if path.endswith("large_activation_inputs.png"))
    assert labels == {"figure": "large activation inputs", "noise": "symmetric30", "model": "mlp7", "seed": "0"}
