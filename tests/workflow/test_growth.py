"""Adding to the workflow touches few files: one for a measure, a claim or a kind of noise, two for a figure."""

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import TINY, new_checkout

LIBRARY = "workflow_scripts/epochwise"

MEASURE = {
    f"{LIBRARY}/analysis/separation.py": (
        "MEASURES = (\n",
        "MEASURES = (\n"
        "    Measure('distance', 'Euclidean distance of the means', low=0, high=float('inf'),\n"
        "            formula=lambda s: np.linalg.norm(s.clean - s.noisy, axis=1)),\n",
    )
}
CLAIM = {
    f"{LIBRARY}/findings/claims.py": (
        "CLAIMS = (\n",
        "CLAIMS = (\n"
        "    Claim(name='distance_by_depth', finding=2, source=OURS, statement='Distances differ by layer.',\n"
        "          measure='distance, first minus last layer', margin='cosine', figures=('separation_by_layer',),\n"
        "          effect=partial(effects.separation_by_depth, measure='distance')),\n",
    )
}
NOISE = {
    f"{LIBRARY}/data/noise/next_class.py": (
        "",
        '"""Every chosen sample gets the next class."""\n\n'
        'SETTINGS = {"rate": {"$ref": "#/$defs/rate"}}\n\n\n'
        "def given_labels(true, classes, settings, random):\n"
        "    given = true.copy()\n"
        "    chosen = random.choice(len(true), round(settings['rate'] * len(true)), replace=False)\n"
        "    given[chosen] = (true[chosen] + 1) % classes\n"
        "    return given\n",
    )
}
FIGURE = {
    f"{LIBRARY}/figures/peaks_only.py": (
        "",
        '"""Peaks of the first layer."""\n\nfrom epochwise.figures import theme\n\n\n'
        "def draw(inputs, shown, options):\n"
        "    rows = inputs['peaks'][inputs['peaks']['layer'] == 1]\n"
        "    figure = theme.figure(2)\n"
        "    figure.subplots().plot(rows['rank'], rows['mean'])\n"
        "    return figure, rows\n",
    ),
    f"{LIBRARY}/catalogue.py": ("FIGURES = (\n", "FIGURES = (\n    Figure('peaks_only', ('peaks',), 'Peaks.'),\n"),
}
ADDITIONS = {"measure": (MEASURE, 1), "claim": (CLAIM, 1), "noise": (NOISE, 1), "figure": (FIGURE, 2)}


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A finished run of a checkout with one more of each kind."""
    checkout = new_checkout(tmp_path_factory.mktemp("grown"))
    for edits, _ in ADDITIONS.values():
        for name, (before, after) in edits.items():
            path = checkout.folder / name
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            assert before in text and path.exists() == bool(before)
            path.write_text(text.replace(before, after, 1) if before else after, encoding="utf-8")
    overlay = yaml.safe_load(yaml.safe_dump(TINY))
    noises = {"shifted": {"kind": "next_class", "rate": 0.2, "seed": 0}, "symmetric30": None}
    overlay["experiments"]["digits"] |= {"noises": noises, "seeds": [0]}
    checkout.build("all", overlay=overlay)
    return checkout


@pytest.mark.parametrize(("edits", "files"), ADDITIONS.values(), ids=ADDITIONS)
def test_an_addition_touches_so_few_files(edits, files):
    assert len(edits) == files


def test_additions_work(grown):
    results = grown.results / "digits"
    separation = pd.read_parquet(results / "shifted" / "mlp3" / "seed0" / "separation.parquet")
    assert "distance" in set(separation["measure"])
    assert "distance_by_depth" in set(pd.read_parquet(results / "claims.parquet")["claim"])
    labels = pd.read_parquet(results / "shifted" / "labels.parquet")
    noisy = labels[labels["is_noisy"]]
    assert len(noisy) == round(0.2 * len(labels))
    assert ((noisy["true_label"] + 1) % 10 == noisy["given_label"]).all()
    assert (results / "figures" / "peaks_only.png").stat().st_size > 0
    assert "Distances differ by layer." in (results / "claims.html").read_text(encoding="utf-8")
