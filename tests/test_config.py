"""A broken configuration says which key, which value, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from embodied_mem.config import build, read_yaml, shipped_configs
from embodied_mem.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    rate: float = field(default=0.5, metadata={"min": 0.0, "max": 1.0})


@dataclass(frozen=True)
class Outer:
    houses: int = field(default=2, metadata={"min": 1, "max": 100})
    agents: tuple[str, ...] = field(default=("a",), metadata={"choices": ("a", "b")})
    inner: Inner = Inner()


def test_builds_nested_values():
    config = build(Outer, {"houses": 3, "agents": ["b", "a"], "inner": {"rate": 1}})
    assert config == Outer(3, ("b", "a"), Inner(1.0))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"house": 3}, ["house", "houses"]),
        ({"houses": "three"}, ["houses", "int", "three"]),
        ({"houses": True}, ["houses", "int"]),
        ({"houses": 0}, ["houses", "0", "1 to 100"]),
        ({"agents": ["c"]}, ["agents", "c", "a, b"]),
        ({"inner": {"rate": float("nan")}}, ["inner.rate", "nan"]),
        ({"inner": 3}, ["inner", "mapping"]),
    ],
)
def test_errors_name_the_key_the_value_and_the_fix(raw, words):
    with pytest.raises(ConfigError) as error:
        build(Outer, raw)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_an_unknown_name_lists_the_shipped_ones(tmp_path):
    with pytest.raises(ConfigError, match="no configuration"):
        read_yaml("nonsense")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1, 2")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_yaml(broken)
    assert isinstance(shipped_configs(), dict)
