"""Any configuration is either accepted or refused in one message that names a key; names never leave results/."""

import copy
import re

import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from epochwise.data import noise_kinds
from epochwise.data.sources import SOURCES
from epochwise.workflow import config
from epochwise.workflow.config_checks import WHOLE, ConfigError
from epochwise.workflow.config_models import Config
from tests.workflow.conftest import ROOT

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
LEGAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
HOSTILE = st.sampled_from(
    ["", " ", "..", "../../x", "/etc/passwd", "a/b", "a\\b", "a\nb", "{seed}", "~", "$HOME", "ünï", "x" * 300, "null",
     "-1", "NaN", "nan", "1e400", "!!python/object:os.system", "data", "logs", ".hidden", "‮"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 0, 1, 2**31, 2**63, 10**400]),
    st.floats(allow_nan=True, allow_infinity=True),
    HOSTILE,
    st.text(max_size=20),
    st.dates(),
    st.binary(max_size=5),
)
KEYS = st.one_of(HOSTILE, st.text(max_size=10), st.none(), st.booleans(), st.integers(), st.dates())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
MEANINGLESS = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],  # what fails is small enough to be read as it is
)


def places(value, path=()):
    """Paths of all entries of a nested value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in entries:
        yield (*path, key)
        yield from places(child, (*path, key))


PLACES = list(places(CONFIG))


@st.composite
def mutated(draw):
    """The real configuration with up to three entries replaced, removed, renamed or added."""
    value = copy.deepcopy(CONFIG)
    for place in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3)):
        parent = value
        try:
            for key in place[:-1]:
                parent = parent[key]
            old = parent[place[-1]]
        except (KeyError, IndexError, TypeError):  # gone with an earlier mutation
            continue
        kind = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if kind == "replace":
            parent[place[-1]] = draw(VALUES)
        elif kind == "remove":
            del parent[place[-1]]
        elif isinstance(parent, dict):
            parent[draw(KEYS)] = old if kind == "rename" else draw(VALUES)
            if kind == "rename":
                parent.pop(place[-1], None)
    return value


def printable(key):
    return str(key).encode("utf-8", "backslashreplace").decode()


def accepted_or_refused(value):
    try:
        experiments = config.resolve(value, SOURCES, noise_kinds.load())
    except ConfigError as error:
        message = str(error)
        assert message.strip() and "Traceback" not in message
        where, _, rest = message.partition(":")
        own = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
        keys = [WHOLE, *Config.model_fields, *own]
        assert any(where == key or where.startswith(f"{key}.") for key in map(printable, keys)), message
        assert rest.strip(), message
        return
    for name, block in experiments.items():
        config.canonical(block)
        for found in (name, block["dataset"]["name"], *block["noises"], *block["models"]):
            assert LEGAL_NAME.fullmatch(found), found
        assert all(type(seed) is int and seed >= 0 for seed in block["seeds"])


@MEANINGLESS
@given(mutated())
def test_a_mutated_configuration_is_accepted_or_refused_with_a_message(value):
    accepted_or_refused(value)


@MEANINGLESS
@given(VALUES)
@example(10**400)
@example(float("nan"))
@example({"\ud800": float("inf")})
def test_anything_in_place_of_a_configuration_is_refused_with_a_message(value):
    accepted_or_refused(value)


@MEANINGLESS
@given(st.sampled_from([("datasets",), ("experiments",), ("experiments", "digits", "models")]), HOSTILE | st.text())
def test_a_name_is_legal_or_refused(parent, name):
    value = copy.deepcopy(CONFIG)
    at = value
    for key in parent:
        at = at[key]
    at[name] = next(iter(at.values()))
    value["experiment"] = list(value["experiments"])
    accepted_or_refused(value)
