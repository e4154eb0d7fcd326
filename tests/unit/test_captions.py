"""Texts of the report: captions, and the page of findings and claims."""

import re
from html.parser import HTMLParser

import docutils.core
import docutils.nodes
import numpy as np
import pandas as pd
import pytest

from epochwise import catalogue
from epochwise.findings import claims
from epochwise.findings.claim import PUBLIC_READING
from epochwise.findings.findings import FINDINGS, judge_findings, to_markdown
from epochwise.findings.judging import is_in_scope
from epochwise.report import captions
from epochwise.report.opening import opening

READINGS = {"noisy_after_clean": "2: clean data are learned before noisy data"}
OF_MLP3 = (claims.ALL_MODELS, "smaller models")  # scopes that include the smaller model
MODELS = (("mlp3", 1.0, "reproduced"), ("mlp7", -1.0, "contradicted"))


def made_up(noises=("symmetric30",)):
    """The claims table of an experiment in which all claims are reproduced for mlp3 and contradicted for mlp7."""
    return pd.DataFrame(
        [
            {
                "claim": claim.name,
                "finding": claim.finding,
                "source": claim.source,
                "statement": claim.statement,
                "definition": claim.definition,
                "reading": READINGS.get(claim.name, ""),
                "scope": claim.scope,
                "noise": noise,
                "model": model,
                "in_scope": is_in_scope(claim.scope, model, {"mlp3": 1, "mlp7": 2}, {"mlp3": 2, "mlp7": 6}[model]),
                "effect": effect,
                "low": effect - 0.5,
                "high": effect + 0.5,
                "n": 5,
                "margin": 0.01,
                "verdict": verdict,
                "seeds_needed": 7.0,  # shown for inconclusive verdicts only
            }
            for claim in claims.CLAIMS
            for noise in noises
            for model, effect, verdict in MODELS
        ]
    )


CLAIMS = made_up()


class Page(HTMLParser):
    """Texts, attributes and tables of an HTML page, and its elements that are still open."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.ids, self.links, self.open, self.text = [], [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        if tag not in ("meta", "br", "html"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "html":
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


# -- captions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", catalogue.FIGURES, ids=lambda figure: figure.name)
def test_a_caption_compares_the_claims_of_a_figure_with_our_numbers(figure):
    text = captions.caption(figure.name, CLAIMS, 0.95)
    assert text.endswith("\n")
    text = text.replace("\\", "")  # which makes characters plain
    assert text.startswith(figure.caption)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    shown = [claim for claim in claims.CLAIMS if figure.name in claim.figures]
    whose = {"paper": "The paper states", "ours": "Our stricter reading"}
    expected = [f"**In the paper,** {PUBLIC_READING}: {figure.reading}"] if figure.reading else []
    for claim in shown:
        begins = whose[claim.source] + (", by the public reading" if claim.name in READINGS else "")
        expected.append(f"**{begins}:** {claim.statement} **Measured:** {claim.definition}.")
    assert [line for line in text.splitlines() if line.startswith("**")] == expected
    from_reading = bool(figure.reading) or any(claim.name in READINGS for claim in shown)
    assert text.count(PUBLIC_READING) == from_reading
    tables = []
    for claim in shown:
        for_mlp3, for_mlp7 = claim.scope in OF_MLP3, claim.scope != "smaller models"
        tables += [
            ["noise", "model", "effect", "95% interval", "n", "margin", "verdict"],
            [
                "symmetric30",
                "mlp3",
                "1.000",
                "[0.500, 1.500]",
                "5",
                "0.010",
                "reproduced" if for_mlp3 else "(reproduced)",
            ],
            [
                "symmetric30",
                "mlp7",
                "−1.000",
                "[−1.500, −0.500]",
                "5",
                "0.010",
                "contradicted" if for_mlp7 else "(contradicted)",
            ],
        ]
    assert rows == tables


@pytest.mark.parametrize("name", [*(figure.name for figure in catalogue.FIGURES), *catalogue.PAGES])
def test_captions_are_restructured_text_in_which_names_are_no_markup(name):
    caption = captions.caption(name, made_up(noises=("one_", "`two`", "|three|")), 0.95)
    document = docutils.core.publish_doctree(caption, settings_overrides={"report_level": 5, "halt_level": 6})
    assert not list(document.findall(docutils.nodes.problematic)), caption
    assert not list(document.findall(docutils.nodes.reference))
    assert ("one_" in document.astext()) == any(name in claim.figures for claim in claims.CLAIMS)


def test_every_claim_is_shown_by_a_figure_that_there_is():
    names = {figure.name for figure in catalogue.FIGURES}
    assert all(claim.figures and set(claim.figures) <= names for claim in claims.CLAIMS)


@pytest.mark.parametrize("page", catalogue.PAGES)
def test_pages_have_captions(page):
    assert captions.caption(page, CLAIMS, 0.95) == catalogue.PAGES[page] + "\n"


def test_a_figure_without_claims_has_its_caption_only():
    caption = next(figure.caption for figure in catalogue.FIGURES if figure.name == "phases")
    assert captions.caption("phases", CLAIMS.iloc[:0], 0.95) == caption + "\n"


def test_the_figures_of_the_paper_come_first_and_have_a_reading():
    groups = [figure.group for figure in catalogue.FIGURES]
    assert groups == ["paper"] * 9 + ["further"] * (len(groups) - 9)
    assert all((figure.group == "paper") == bool(figure.reading) for figure in catalogue.FIGURES)
    names = {figure.name for figure in catalogue.FIGURES}
    assert {name for topic in catalogue.TOPICS.values() for name in topic} <= names


# -- the page of findings and claims -----------------------------------------------------------------------------------


def page_of(table):
    return Page(captions.claims_page("digits", table, judge_findings(table), 0.9))


@pytest.mark.parametrize("noises", [("symmetric30",), ("low", "high")], ids=len)
def test_the_page_has_a_row_per_claim_noise_and_model(noises):
    table = made_up(noises)
    page = page_of(table)
    heads = 1 if len(noises) == 1 else 1 + len(noises)  # with several noises, each is named above its rows
    rows = len(table) + heads * len(claims.CLAIMS)
    assert page.tags.count("tr") == rows
    assert page.text.count("90% interval") == len(claims.CLAIMS) + 1  # and once where verdicts are explained
    assert page.open == []
    assert all(claim.statement in page.text and claim.definition in page.text for claim in claims.CLAIMS)


def test_findings_come_first_with_their_reasons_as_links_to_claims():
    page = page_of(CLAIMS)
    first_claim = page.text.index("Claims on finding 1")
    for finding in FINDINGS:
        assert page.text.index(finding.statement) < first_claim
    assert page.links == ["explorer.html", *(f"#{claim}" for finding in FINDINGS for claim in finding.primary)]
    assert {claim.name for claim in claims.CLAIMS} <= set(page.ids) and len(page.ids) == len(set(page.ids))


def test_claims_are_in_the_section_of_their_finding():
    text = page_of(CLAIMS).text
    starts = [text.index(f"Claims on finding {finding.number}") for finding in FINDINGS]
    for claim in claims.CLAIMS:
        place = text.rindex(claim.name)
        assert sum(start < place for start in starts) == claim.finding


def test_the_page_says_what_an_effect_of_0_means_where_a_claim_explains_it():
    explained = CLAIMS["claim"].isin([claim.name for claim in claims.CLAIMS if claim.no_effect])
    assert page_of(CLAIMS).text.count("An effect of 0 means that") == explained.sum() / len(MODELS) > 6
    assert "An effect of 0" not in page_of(CLAIMS[~explained]).text


def test_a_verdict_that_is_not_applicable_has_its_own_colour_and_no_numbers():
    table = CLAIMS.assign(verdict="not applicable", effect=np.nan, low=np.nan, high=np.nan, n=0)
    html = captions.claims_page("digits", table, judge_findings(table), 0.9)
    assert html.count('class="word not-applicable"') > len(CLAIMS) and "--not-applicable" in html
    assert "0 seeds" not in Page(html).text
    text = opening("digits", table, judge_findings(table), 0.9)
    assert "not applicable" in text and "(by the public reading)" in text and PUBLIC_READING in text


def test_the_page_names_the_public_reading_once_and_quotes_it_at_its_claims():
    text = " ".join(page_of(CLAIMS).text.split())
    assert text.count(PUBLIC_READING) == 1
    assert text.count("Stated by the paper, by the public reading") == len(READINGS)
    assert all(f"Public reading: {reading}." in text for reading in READINGS.values())


def test_the_page_says_how_many_seeds_would_decide_if_a_number_is_known():
    sentence = "the interval contains the margin; about 7 seeds would decide it"
    undecided = CLAIMS.assign(low=-0.5, high=0.5, verdict="inconclusive")
    primary = {name for finding in FINDINGS for name in finding.primary}
    assert page_of(undecided).text.count(sentence) == (CLAIMS["claim"].isin(primary) & CLAIMS["in_scope"]).sum()
    assert "would decide it" not in page_of(undecided.assign(seeds_needed=np.nan)).text
    assert "would decide it" not in page_of(CLAIMS).text


def test_the_page_loads_nothing_and_has_no_scripts():
    page = captions.claims_page("digits", CLAIMS, judge_findings(CLAIMS), 0.9)
    assert not any(word in page for word in ("http", "src=", "<script", "<link", "@import", "url("))
    assert "prefers-color-scheme: dark" in page and 'name="viewport"' in page


def test_names_are_escaped():
    table = made_up(("a<b & c",))
    page = captions.claims_page("x<y", table, judge_findings(table), 0.9)
    assert "a<b" not in page and "x<y" not in page
    assert "a&lt;b &amp; c" in page and "x&lt;y" in page


# -- findings.md -------------------------------------------------------------------------------------------------------


def test_findings_have_a_row_each_with_a_short_reason():
    lines = to_markdown(judge_findings(CLAIMS), CLAIMS, 0.9).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")][2:]
    assert [row[0] for row in rows] == [f"{finding.number}. {finding.title}" for finding in FINDINGS]
    assert [row[3] for row in rows] == ["contradicted"] * len(FINDINGS)
    assert [row[4] for row in rows[:2]] == ["2 of 4 verdicts reproduced", "3 of 8 verdicts reproduced"]


def test_each_verdict_on_a_primary_claim_has_a_sentence_with_its_numbers():
    undecided = CLAIMS["claim"] == "noisy_after_clean"
    table = CLAIMS.mask(undecided & (CLAIMS["model"] == "mlp3"), CLAIMS.assign(low=-0.5, verdict="inconclusive"))
    table = table.mask(undecided & (CLAIMS["model"] == "mlp7"), table.assign(high=0.0, verdict="inconclusive"))
    table.loc[undecided & (CLAIMS["model"] == "mlp7"), "seeds_needed"] = np.nan
    text = to_markdown(judge_findings(table), table, 0.9)
    start, middle, end = (text.index(f"## {finding.number}. {finding.title}, symmetric30") for finding in FINDINGS)
    assert text[start:middle].splitlines()[1:4] == [
        "",
        "- second_descent_accuracy, mlp7: contradicted with the effect −1.000, its 90% interval "
        "[−1.500, −0.500] over 5 seeds, and the margin 0.010.",
        "- second_descent_only_in_largest, mlp3: reproduced with the effect 1.000, its 90% interval "
        "[0.500, 1.500] over 5 seeds, and the margin 0.010.",
    ]
    assert text[middle:end].splitlines()[2:5] == [
        "- noisy_after_clean, mlp3: inconclusive with the effect 1.000, its 90% interval [−0.500, 1.500] over 5 seeds, "
        "and the margin 0.010, because the interval contains the margin; about 7 seeds would decide it.",
        "- noisy_after_clean, mlp7: inconclusive with the effect −1.000, its 90% interval [−1.500, 0.000] over 5 "
        "seeds, and the margin 0.010, because the interval is below the margin.",
        "- separation_grows_with_epochs_cosine, mlp3: reproduced with the effect 1.000, its 90% interval "
        "[0.500, 1.500] over 5 seeds, and the margin 0.010.",
    ]


def test_a_finding_whose_claims_are_all_reproduced_names_none():
    findings = judge_findings(CLAIMS.assign(verdict="reproduced"))
    assert [*findings["verdict"]] == ["reproduced"] * len(FINDINGS)
    assert all(re.fullmatch(r"(\d+) of \1 verdicts reproduced", because) for because in findings["because"])


def test_contradicted_claims_are_named_before_inconclusive_ones():
    table = CLAIMS.assign(verdict=CLAIMS["model"].map({"mlp3": "inconclusive", "mlp7": "contradicted"}))
    because = judge_findings(table)["because"].iloc[1]
    names = FINDINGS[1].primary
    everywhere = [name for name in names if not name.startswith("test_paths")]  # the others: larger models only
    assert because == (
        f"0 of {len(names) + len(everywhere)} verdicts reproduced; "
        f"contradicted: {', '.join(f'{name} (mlp7)' for name in names)}; "
        f"inconclusive: {', '.join(f'{name} (mlp3)' for name in everywhere)}"
    )
