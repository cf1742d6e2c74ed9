"""What things cost and how often the eyes err: the two small tables that every decision is made from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

from embodied_mem.errors import ConfigError

T = TypeVar("T")
RATES_FILE = Path(__file__).parent / "data" / "rates.json"


@dataclass(frozen=True)
class Prices:
    """One currency: 1 is the worth of a right answer.

    w: price of a wrong answer; u: worth of an honest "I don't know"; image: of one recalled image;
    metre: of one metre driven.
    """

    w: float = 1.0
    u: float = 0.0
    image: float = 0.005
    metre: float = 0.01

    def __post_init__(self) -> None:
        for name in ("w", "image", "metre"):
            if getattr(self, name) < 0:
                raise ConfigError(f"price {name} is {getattr(self, name)}; give a number of at least 0")


@dataclass(frozen=True)
class Rates:
    """Measured rates of the detector and of the world, as P(observation | truth) needs them.

    near_miss: a look within 2 m does not see the object (index gear); far_miss: the same at 5 m and beyond;
    label_confusion: a detection carries a similar label; false_hit: one sighting of something that is not there;
    visit_miss: a whole visit does not see an object that is there; inspect_miss, inspect_error: of the slow gear;
    map_error: a seen object is ascribed to the wrong surface; stay: an object is where it was one visit ago;
    state_stay: a state is what it was one visit ago; gone: an object leaves or comes between two visits;
    unknown_place: it went where it has never been seen.
    """

    near_miss: float = 0.15
    far_miss: float = 0.60
    label_confusion: float = 0.04
    false_hit: float = 0.3
    visit_miss: float = 0.08
    inspect_miss: float = 0.03
    inspect_error: float = 0.05
    map_error: float = 0.04
    stay: float = 0.75
    state_stay: float = 0.6
    gone: float = 0.04
    unknown_place: float = 0.06

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise ConfigError(f"rate {field.name} is {value}; give a probability between 0 and 1")

    def miss(self, range_m: float) -> float:
        """Probability that one look of the index gear at this range (m) does not see the object."""
        if range_m <= 2.0:
            return self.near_miss
        if range_m >= 5.0:
            return self.far_miss
        return self.near_miss + (range_m - 2.0) / 3.0 * (self.far_miss - self.near_miss)


def load(kind: type[T], path: Path) -> T:
    """A ``Prices`` or ``Rates`` from a JSON object; an unknown key is a ConfigError."""
    raw = json.loads(path.read_text())
    known = {field.name for field in fields(kind)}
    if unknown := sorted(set(raw) - known):
        raise ConfigError(f"{path}: unknown keys {unknown}; known are {sorted(known)}")
    return kind(**raw)


def default_rates() -> Rates:
    """The rates shipped with the package, or the documented noise model's where none are shipped."""
    return load(Rates, RATES_FILE) if RATES_FILE.exists() else Rates()


def to_json(table: Prices | Rates) -> dict:
    return asdict(table)
