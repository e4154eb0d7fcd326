"""Words of the report: what a figure shows, what the paper claims, and our number beside it."""

import pandas as pd

from epochwise.claims import CONTRADICTED, REPRODUCED, for_people

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
        "against their true ones, and of test data. Bands are intervals over seeds; losses below 0.01 are cut off; a "
        "phase is marked if at least half of the seeds have it.",
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
        "Test accuracy, signal separation and the large activation of the largest model on one axis. Phase 3 is shaded "
        "from the dip on, however much is regained.",
        ("double_descent", "separation_grows_with_epochs", "large_activation_evolves"),
    ),
}


def caption(name: str, claims: pd.DataFrame, level: float) -> str:
    """reStructuredText for one figure: what it shows; then each claim of the paper and what was measured of it."""
    shown, prefixes = SHOWN[name]
    parts = [shown]
    relevant = claims[claims["claim"].str.startswith(prefixes)] if prefixes else claims.iloc[:0]
    for _, rows in relevant.groupby("claim", sort=False):
        first = rows.iloc[0]
        table = for_people(rows).rename(columns={"interval": f"{level * 100:g}% interval"})
        parts.append(f"**Paper:** {first['statement']} **Ours:** {first['measure']}:")
        parts.append(table.to_markdown(index=False, tablefmt="grid", disable_numparse=True))
    return "\n\n".join(parts) + "\n"


def html(claims: pd.DataFrame, level: float) -> str:
    """The claims table as one page without anything to load."""
    # Okabe–Ito blue and vermilion: told apart by colour-blind readers too, and the word stands there in any case.
    colours = {REPRODUCED: "color: #0072b2; font-weight: bold", CONTRADICTED: "color: #d55e00; font-weight: bold"}
    repeated = claims["claim"].duplicated()
    words = {"paper": claims["statement"].mask(repeated, ""), "measured": claims["measure"].mask(repeated, "")}
    table = (
        pd.concat([pd.DataFrame(words), for_people(claims)], axis=1)
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
        "td:nth-child(n+3) { white-space: nowrap }\n"
        f"</style>\n<h1>Claims</h1>\n<p>Effects with {level * 100:g}% intervals over seeds. A claim is "
        "<i>reproduced</i> if the interval lies above the margin, <i>contradicted</i> if it lies below 0, "
        "else <i>inconclusive</i>.</p>\n"
        f"{table}\n</html>\n"
    )
