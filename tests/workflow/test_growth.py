"""The recipes of docs/extending.md, followed step by step with the code that the page shows.

Adding to the workflow touches few files: one for a measure, a claim or a kind of noise, two for a figure.
"""

import re
import textwrap

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import ROOT, TINY, new_checkout

LIBRARY = "workflow_scripts/epochwise"

PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")


def blocks(heading):
    """The blocks of Python in a section of docs/extending.md, without their indentation."""
    section = re.search(rf"^## {heading}\n(.*?)^## ", PAGE, re.M | re.S)[1]
    return [textwrap.dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", section, re.M | re.S)]


def entry(text):
    return f"{textwrap.indent(text.rstrip(), '    ')},\n"


def added():
    """What the recipes say: {kind: {file: (text to find, text that replaces it)}}. A new file replaces nothing."""
    measure, claim, figure = (blocks(f"A {what}") for what in ("measure of separation", "claim", "figure"))
    noise = blocks("A kind of noise")[0]
    measures, claims, figures = (f"\n{name} = (\n" for name in ("SEPARATION_MEASURES", "CLAIMS_OURS", "FIGURES"))
    return {
        "measure": {f"{LIBRARY}/analysis/separation.py": (measures, f"\n{measure[0]}\n{measures}{entry(measure[1])}")},
        "claim": {f"{LIBRARY}/findings/claims_ours.py": (claims, claims + entry(claim[0]))},
        "noise": {f"{LIBRARY}/data/noise/next_class.py": ("", f'"""The next class."""\n\n{noise}')},
        "figure": {
            f"{LIBRARY}/figures/first_layer.py": ("", figure[0]),
            f"{LIBRARY}/catalogue.py": (figures, figures + entry(figure[1])),
        },
    }


FILES = {"measure": 1, "claim": 1, "noise": 1, "figure": 2}


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A finished run of a checkout with one more of each kind."""
    checkout = new_checkout(tmp_path_factory.mktemp("grown"))
    for edits in added().values():
        for name, (before, after) in edits.items():
            path = checkout.folder / name
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            assert before in text and path.exists() == bool(before)
            path.write_text(text.replace(before, after, 1) if before else after, encoding="utf-8")
    overlay = yaml.safe_load(yaml.safe_dump(TINY))
    noises = {"shifted": {"kind": "next_class", "rate": 0.2, "seed": 0}, "symmetric30": None}
    without = {"interventions": {"stride": None}, "measures": {"stride": None}}
    overlay["experiments"]["digits"] |= {"noises": noises, "seeds": [0]} | without
    checkout.build("all", overlay=overlay)
    return checkout


@pytest.mark.parametrize("kind", FILES)
def test_an_addition_touches_so_few_files(kind):
    assert len(added()[kind]) == FILES[kind]
    for name in added()[kind]:
        assert (ROOT / name).exists() == bool(added()[kind][name][0])


def test_additions_work(grown):
    results = grown.results / "digits"
    assert "noisy_signals_shorter_with_depth" in set(pd.read_parquet(results / "claims.parquet")["claim"])
    labels = pd.read_parquet(results / "shifted" / "labels.parquet")
    noisy = labels[labels["is_noisy"]]
    assert len(noisy) == round(0.2 * len(labels))
    assert ((noisy["true_label"] + 1) % 10 == noisy["given_label"]).all()
    assert (results / "figures" / "first_layer.png").stat().st_size > 0
    assert "In outer layers the signals of noisy data are shorter than those of clean data." in (
        results / "claims.html"
    ).read_text(encoding="utf-8")


def test_the_new_measure_is_in_the_tables_with_the_values_of_its_formula(grown):
    run = grown.results / "digits" / "shifted" / "mlp3" / "seed0"
    keys = {"epoch": 0, "layer": 1, "grouping": "true", "class": 3}
    means = _rows(pd.read_parquet(run / "activations" / "class_means.parquet"), keys).set_index("subset")["mean"]
    expected = np.sqrt(np.sum(np.square(means["noisy"]))) / np.sqrt(np.sum(np.square(means["clean"])))
    found = _rows(pd.read_parquet(run / "separation.parquet"), keys | {"measure": "length_ratio"})["value"]
    assert len(found) == 1 and np.isclose(found.iloc[0], expected, rtol=1e-6)
    summary = pd.read_parquet(grown.results / "digits" / "summary" / "separation.parquet")
    assert "length_ratio" in set(summary["measure"])


def _rows(table, keys):
    return table[np.logical_and.reduce([table[column] == value for column, value in keys.items()])]
