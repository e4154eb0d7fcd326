"""Draw the graph of the rules.

Usage: snakemake --rulegraph dot all | python docs/rule_graph.py docs/figures/rule_graph.png

`make docs` draws the graph with all optional parts, so that every rule is in it.

An edge that other edges imply, such as the one from dataset to extract, is left out.
"""

import re
import sys
from pathlib import Path

import networkx as nx
from matplotlib.patches import FancyArrowPatch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

from epochwise.figures import theme


def parse(dot: str) -> nx.DiGraph:
    """The graph of the rules, from Snakemake's output in the DOT language."""
    names = dict(re.findall(r'(\d+)\[label = "([^"\\]+)', dot))
    edges = re.findall(r"(\d+) -> (\d+)", dot)
    return nx.transitive_reduction(nx.DiGraph([(names[a], names[b]) for a, b in edges]))


def positions(graph: nx.DiGraph) -> dict[str, tuple[float, float]]:
    """Where each rule is drawn, as (column, row).

    The column is the length of the longest path to the rule. Within a column, rules are near the rules that they need.
    """
    place: dict[str, tuple[float, float]] = {}
    for column, rules in enumerate(nx.topological_generations(graph)):
        wanted = {rule: sum(place[r][1] for r in graph.pred[rule]) / max(graph.in_degree(rule), 1) for rule in rules}
        ordered = sorted(rules, key=lambda rule: (wanted[rule], rule))
        middle = sum(wanted.values()) / len(rules)
        for row, rule in enumerate(ordered):
            place[rule] = (column, middle + row - (len(ordered) - 1) / 2)
    return place


def main(dot: str, picture: Path) -> None:
    """Draw the graph that `dot` describes, and write it to the file `picture`."""
    graph = parse(dot)
    place = positions(graph)
    columns = max(x for x, _ in place.values())
    rows = [y for _, y in place.values()]
    figure = theme.figure(0.45 * (max(rows) - min(rows) + 2))
    axes = figure.add_subplot()
    axes.set(xlim=(-0.5, columns + 0.5), ylim=(-max(rows) - 0.6, -min(rows) + 0.6))
    axes.set_axis_off()
    boxes = {}
    for rule, (x, y) in place.items():
        look = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": theme.BLUE}
        text = axes.text(x, -y, rule.replace("_", "_\n"), ha="center", va="center", bbox=look, fontsize=6)
        boxes[rule] = text.get_bbox_patch()
    figure.draw_without_rendering()  # because only then the boxes have a size
    for before, after in graph.edges:
        (x0, y0), (x1, y1) = place[before], place[after]
        bend = 0 if x1 - x0 == 1 else 0.2  # a curve around the columns in between
        arrow = FancyArrowPatch(
            (x0, -y0), (x1, -y1), patchA=boxes[before], patchB=boxes[after], shrinkA=2, shrinkB=2, arrowstyle="-|>",
            mutation_scale=7, color="0.55", connectionstyle=f"arc3,rad={bend}",
        )  # fmt: skip
        axes.add_patch(arrow)
    figure.savefig(picture, dpi=200, metadata={"Software": None})


if __name__ == "__main__":
    with theme.use_theme():
        main(sys.stdin.read(), Path(sys.argv[1]))
