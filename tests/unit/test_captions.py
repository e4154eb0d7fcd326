"""Words of the report."""

import pandas as pd
import pytest

from epochwise.findings import claims
from epochwise.report import captions

CLAIMS = pd.DataFrame(
    [
        {
            "claim": claim.name,
            "statement": claim.statement,
            "measure": claim.measure,
            "noise": "symmetric30",
            "model": model,
            "effect": effect,
            "low": effect - 0.5,
            "high": effect + 0.5,
            "n": 5,
            "margin": 0.01,
            "verdict": verdict,
        }
        for claim in claims.CLAIMS
        for model, effect, verdict in (("mlp3", 1.0, "reproduced"), ("mlp7", -1.0, "contradicted"))
    ]
)


@pytest.mark.parametrize("name", captions.SHOWN)
def test_a_caption_sets_the_claims_of_a_figure_beside_our_numbers(name):
    shown, prefixes = captions.SHOWN[name]
    text = captions.caption(name, CLAIMS, 0.95)
    assert text.startswith(shown) and text.endswith("\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    shown_claims = [claim for claim in claims.CLAIMS if claim.name.startswith(prefixes)]
    papers = [line for line in text.splitlines() if line.startswith("**Paper:**")]
    assert papers == [f"**Paper:** {claim.statement} **Ours:** {claim.measure}:" for claim in shown_claims]
    table = [
        ["noise", "model", "effect", "95% interval", "n", "margin", "verdict"],
        ["symmetric30", "mlp3", "1.000", "[0.500, 1.500]", "5", "0.010", "reproduced"],
        ["symmetric30", "mlp7", "−1.000", "[−1.500, −0.500]", "5", "0.010", "contradicted"],
    ]
    assert rows == table * len(shown_claims)


def test_every_claim_stands_below_a_figure_and_no_prefix_is_left_over():
    prefixes = {prefix for _, prefixes in captions.SHOWN.values() for prefix in prefixes}
    names = [claim.name for claim in claims.CLAIMS]
    assert all(name.startswith(tuple(prefixes)) for name in names)
    assert all(any(name.startswith(prefix) for name in names) for prefix in prefixes)


def test_a_figure_without_claims_has_a_caption_all_the_same():
    assert captions.caption("phases", CLAIMS.iloc[:0], 0.95) == captions.SHOWN["phases"][0] + "\n"


def test_the_page_has_one_row_per_claim_and_loads_nothing():
    page = captions.html(CLAIMS, 0.9)
    assert page.count("<tr>") == len(CLAIMS) + 1
    assert page.count(">reproduced</td>") == page.count(">contradicted</td>") == len(claims.CLAIMS)
    assert "90%" in page and "mlp7" in page
    assert not any(word in page for word in ("http", "src=", "<script", "<link"))
