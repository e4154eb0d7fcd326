"""Label noise of every kind, from the configuration to the labels and the figure, and what a change of it re-runs."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.workflow.conftest import new_checkout

ROWS = np.eye(10) * 0.7 + np.roll(np.eye(10), 3, axis=1) * 0.3
NOISES = {
    "symmetric30": None,
    "inclusive": {"kind": "symmetric_inclusive", "rate": 0.3},
    "matched": {"kind": "symmetric", "matched_rate": "inclusive"},
    "next": {"kind": "pair", "rate": 0.2},
    "alike": {"kind": "asymmetric", "rate": 0.4, "map": {"3": "8", "1": "7"}},
    "any": {"kind": "matrix", "matrix": ROWS.tolist()},
    "pixels": {"kind": "instance", "rate": 0.3},
    "each": {"kind": "pair", "matched_rate": "each_of", "shared_draw": False},
    "each_of": {"kind": "instance", "rate": 0.2, "shared_draw": False},
}
SHARED = [name for name, noise in NOISES.items() if noise and "shared_draw" not in noise]
LABELS = [f"results/digits/{name}/labels.parquet" for name in SHARED]
LABELS += [f"results/digits/{name}/labels_seed{seed}.parquet" for name in ("each", "each_of") for seed in (0, 1)]


def overlay(**noises):
    return {"experiments": {"digits": {"noises": NOISES | noises, "seeds": [0, 1]}}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkout with the labels of all noises."""
    checkout = new_checkout(tmp_path_factory.mktemp("kinds"))
    checkout.build(*LABELS, overlay=overlay())
    return checkout


def rate(checkout, path):
    return pd.read_parquet(checkout.folder / path)["is_noisy"].mean()


def planned(checkout, **noises):
    """The labels that would be made again."""
    told = checkout.build("--dry-run", *LABELS, overlay=overlay(**noises))
    return set(re.findall(r"^    output: results/digits/(\S+)\.parquet$", told, flags=re.M))


def test_a_matched_noise_has_the_rate_that_the_other_achieved(made):
    n = 1257
    for matched, of in [("matched/labels", "inclusive/labels"), ("each/labels_seed1", "each_of/labels_seed1")]:
        found, achieved = (rate(made, f"results/digits/{name}.parquet") for name in (matched, of))
        assert found == achieved and round(found * n) not in (round(0.3 * n), round(0.2 * n))
    assert rate(made, LABELS[-1]) != rate(made, LABELS[-2]), "each seed has its own draw"


def test_all_labels_are_current(made):
    assert planned(made) == set()


@pytest.mark.parametrize(
    ("noise", "changed", "again"),
    [
        ("inclusive", {"rate": 0.2}, {"inclusive/labels", "matched/labels"}),
        ("matched", {"matched_rate": "next"}, {"matched/labels"}),
        ("next", {"kind": "symmetric"}, {"next/labels"}),
        ("alike", {"map": {"3": "8"}}, {"alike/labels"}),
        ("any", {"matrix": np.eye(10).tolist()}, {"any/labels"}),
    ],
)
def test_a_changed_setting_makes_the_labels_of_that_noise_again(made, noise, changed, again):
    assert planned(made, **{noise: NOISES[noise] | changed}) == again


def test_an_edited_kind_makes_only_its_own_labels_again(made):
    path = made.folder / "workflow_scripts" / "epochwise" / "data" / "noise" / "instance.py"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("SPREAD = 0.1", "SPREAD = 0.2"), encoding="utf-8")
    try:
        own = {"pixels/labels", "each_of/labels_seed0", "each_of/labels_seed1"}
        assert planned(made) == own | {"each/labels_seed0", "each/labels_seed1"}, "and those that match their rates"
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def human(tmp_path_factory):
    """A checkout with CIFAR-10 of 40 images whose files have the published form, and human labels beside them."""
    checkout = new_checkout(tmp_path_factory.mktemp("human"))
    folder = checkout.folder / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        images = [image_file(random.integers(0, 256, (32, 32, 3), np.uint8)) for _ in range(40)]
        labels = np.arange(40) % 10
        pd.DataFrame({"img": images, "label": labels}).to_parquet(folder / f"{split}.parquet")
    human_labels = pd.DataFrame({"clean_label": labels, "worse_label": (labels + (labels < 4)) % 10})
    human_labels.to_parquet(folder / "cifar10n.parquet")
    return checkout


def image_file(pixels):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def human_overlay(**noise):
    return {
        "datasets": {"cifar10": {"source": "cifar10", "path": "images"}},
        "experiments": {
            "cifar10_uniform": {
                "subset": {"size": 20},
                "noises": {"symmetric30": None, "people": {"kind": "human", "labels": "worse", **noise}},
            }
        },
    }


TARGET = "results/cifar10_uniform/people/labels.parquet"


def test_human_labels_belong_to_the_chosen_images(human):
    chosen = ("--config", "experiment=cifar10_uniform")
    human.build(TARGET, *chosen, overlay=human_overlay())
    table = pd.read_parquet(human.folder / TARGET)
    assert len(table) == 20 and (table["true_label"] == table["index"] % 10).all()
    expected = (table["true_label"] + (table["true_label"] < 4)) % 10
    assert (table["given_label"] == expected).all() and table["is_noisy"].mean() == 0.4


def test_missing_human_labels_are_named_before_any_job(tmp_path):
    checkout = new_checkout(tmp_path)
    (tmp_path / "images").mkdir()
    for split in ("train", "test"):
        (tmp_path / "images" / f"{split}.parquet").touch()
    status, told = checkout.snakemake(TARGET, "--config", "experiment=cifar10_uniform", overlay=human_overlay())
    assert status != 0 and "cifar10n.parquet" in told and not (tmp_path / "results").exists()
