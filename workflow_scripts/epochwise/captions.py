"""Words of the report: what a figure shows, what the paper claims, and our number beside it."""

import pandas as pd

from epochwise.claims import CONTRADICTED, REPRODUCED, interval, number

# Figure (or `claims`, the table itself): what is shown, and the claims that it bears on by the start of their names.
SHOWN = {
    "claims": ("Every claim of the paper, judged over seeds.", ()),
    "data_decomposition": (
        "Training images whose label is wrong, with their true and given labels, and how many samples of each true "
        "class carry each label.",
        (),
    ),
    "learning_curves": (
        "Accuracy and loss of clean training data, of noisy training data against the labels they were given and "
        "against their true ones, and of test data.",
        ("noisy_after_clean",),
    ),
    "phases": (
        "Test accuracy with its first peak (P), the perfect fit of the noise (F) and its dip (D), and what is lost and "
        "regained between them.",
        ("double_descent", "regeneralization"),
    ),
    "separation_by_layer": (
        "Cosine similarity between the mean activations of clean and of noisy data of a class, per hidden layer.",
        ("separation",),
    ),
    "separation_by_class": (
        "The same at the end of training, class by class. Grouped by the true label it falls as noisy samples leave "
        "their class; grouped by the given label it rises as they join the class they are called.",
        ("separation_grows_with_depth",),
    ),
    "activation_distribution": (
        "Peaks of all neurons of a layer in descending order, before and after training. A single large activation is "
        "a first rank that stands out.",
        ("large_activation_single",),
    ),
    "large_activation": (
        "The largest activation of each layer over the median positive activation, and over the runner-up's peak.",
        ("large_activation_single", "large_activation_shallow", "large_activation_evolves"),
    ),
    "large_activation_inputs": (
        "What the large activation of the shallow layer follows, and the images that drive it most and least.",
        ("large_activation_follows_input",),
    ),
    "scenario": (
        "Re-generalization, signal separation and the large activation of the largest model on one axis.",
        ("double_descent", "separation_grows_with_epochs", "large_activation_evolves"),
    ),
}


def caption(name: str, claims: pd.DataFrame, level: float) -> str:
    """reStructuredText for one figure: what it shows, then paper and measurement side by side."""
    shown, prefixes = SHOWN[name]
    rows = claims[claims["claim"].str.startswith(prefixes)] if prefixes else claims.iloc[:0]
    if rows.empty:
        return shown + "\n"
    table = for_people(rows).rename(columns={"effect": f"ours ({level:.0%} interval over seeds)"})
    return f"{shown}\n\n{table.to_markdown(index=False, tablefmt='grid', disable_numparse=True)}\n"


def for_people(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims table with the paper's words, effects and intervals as text."""
    effects = [
        f"{number(row.effect)} {interval(row.low, row.high)}, n = {row.n}, margin {number(row.margin)}"
        for row in claims.itertuples()
    ]
    return pd.DataFrame(
        {
            "paper": claims["statement"],
            "measured": claims["measure"],
            "noise": claims["noise"],
            "model": claims["model"],
            "effect": effects,
            "verdict": claims["verdict"],
        }
    )


def html(claims: pd.DataFrame, level: float) -> str:
    """The claims table as one page without anything to load."""
    # Okabe–Ito blue and vermilion: told apart by colour-blind readers too, and the word stands there in any case.
    colours = {REPRODUCED: "color: #0072b2; font-weight: bold", CONTRADICTED: "color: #d55e00; font-weight: bold"}
    table = (
        for_people(claims)
        .style.map(lambda verdict: colours.get(verdict, ""), subset="verdict")
        .hide(axis="index")
        .set_uuid("claims")
        .to_html(table_attributes='class="claims"')
    )
    return (
        "<!doctype html>\n<html lang='en'><meta charset='utf-8'><title>Claims</title>\n<style>\n"
        "body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #222 }\n"
        "table { border-collapse: collapse } th { text-align: left; border-bottom: 2px solid #222 }\n"
        "td, th { padding: .35rem .8rem .35rem 0; vertical-align: top } td { border-bottom: 1px solid #ddd }\n"
        f"</style>\n<h1>Claims</h1>\n<p>Effects with {level:.0%} intervals over seeds. A claim is <i>reproduced</i> if "
        "the interval lies above the margin, <i>contradicted</i> if it lies below 0, else <i>inconclusive</i>.</p>\n"
        f"{table}\n</html>\n"
    )
