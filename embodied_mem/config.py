"""YAML over typed dataclasses: every key known, every type right, every number in range, or a ConfigError that says so.

A field's limits stand in its metadata: ``field(default=20, metadata={"min": 1, "max": 10_000})``;
its choices likewise: ``metadata={"choices": (...)}``.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml

from embodied_mem.errors import ConfigError

T = TypeVar("T")
MAX_BYTES = 1_000_000


def shipped_configs() -> dict[str, Path]:
    """The configurations that come with the package, by name."""
    folder = Path(__file__).parent / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read_yaml(name: str | Path) -> dict:
    """The mapping in a YAML file, named by path or, when it is shipped, by name. Raises ConfigError."""
    path = Path(name)
    if not path.is_file():
        shipped = shipped_configs()
        if str(name) not in shipped:
            known = ", ".join(shipped) or "none"
            raise ConfigError(f"no configuration {str(name)!r}: not a file, and not one of the shipped ones ({known})")
        path = shipped[str(name)]
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path} has {path.stat().st_size} bytes, the limit is {MAX_BYTES}")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} must hold a mapping of keys to values, it holds {type(raw).__name__}")
    return raw


def build(cls: type[T], raw: dict, where: str = "config") -> T:
    """A dataclass from a mapping; raises ConfigError naming the key, the value, the limit and the fix."""
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    values = {}
    for key, value in raw.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(fields)}"
            raise ConfigError(f"{where}: unknown key {key!r}; {hint}")
        values[key] = _convert(hints[key], value, f"{where}.{key}")
        _check_limits(fields[key].metadata, values[key], f"{where}.{key}")
    missing = [n for n, f in fields.items() if n not in values and _required(f)]
    if missing:
        raise ConfigError(f"{where}: missing key {missing[0]!r}")
    return cls(**values)


def to_dict(config: Any) -> dict:
    """The full configuration as plain JSON-encodable values, as saved with every run."""
    return dataclasses.asdict(config)


def _required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a mapping, got {value!r}")
        return build(kind, value, where)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return _convert(next(a for a in args if a is not type(None)), value, where)
    if origin in (list, tuple):
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where}: expected a list, got {value!r}")
        return origin(_convert(args[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a mapping, got {value!r}")
        return {k: _convert(args[1], v, f"{where}.{k}") for k, v in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if kind in (int, float, str, bool, dict) and type(value) is not kind:
        raise ConfigError(f"{where}: expected {kind.__name__}, got {value!r} ({type(value).__name__})")
    return value


def _check_limits(limits: Any, value: Any, where: str) -> None:
    if value is None:
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: {value} is not a finite number; give one")
    low, high, choices = limits.get("min"), limits.get("max"), limits.get("choices")
    if isinstance(value, int | float) and ((low is not None and value < low) or (high is not None and value > high)):
        raise ConfigError(f"{where}: {value} is out of range; use {low} to {high}")
    if choices:
        for item in value if isinstance(value, tuple | list) else (value,):
            if item not in choices:
                raise ConfigError(f"{where}: {item!r} is not one of {', '.join(map(str, choices))}")
