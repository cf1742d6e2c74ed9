"""Sightings of one visit → the things of that visit.

Sightings of one label are grouped by place and colour; no group holds two sightings of one frame, because a detector
names a thing once an image. A few sightings under a wrong label are then given to the group of a similar label that
stands at the same spot. Furniture is seen piece by piece, so it is grouped by overlap of boxes instead.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from embodied_mem import ontology
from embodied_mem.memory.records import Sighting
from embodied_mem.types import Camera

NEAR_M = 0.13  # sightings of one small thing scatter less than this
COLOUR_STEP = 0.30  # distance of hues that counts like one NEAR_M
OVERLAP = 0.25  # share of the smaller footprint that two sightings of one piece of furniture have in common
STRETCH, SLACK_M = 1.25, 0.2  # a piece of furniture is at most this much larger than its kind's typical size
CUT = 0.05  # weight of a sighting that the image's edge cuts
BASE_SHARE = 0.3
STRAYS, STRAY_M = 5, 0.35  # so few sightings, so near to a like thing, are taken for bad ones of it


@dataclass
class Cluster:
    """Sightings taken for one thing (``furniture`` or movable). ``seed``: the fixed track it started from, or None."""

    furniture: bool
    sightings: list[Sighting] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    refs: set = field(default_factory=set)
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    hue: np.ndarray | None = None
    seed: int | None = None
    _weight: float = 0.0
    xyz: np.ndarray | None = None

    def add(self, sighting: Sighting, weight: float) -> None:
        """Take a sighting in; the mean place and hue follow by weight."""
        self.sightings.append(sighting)
        self.refs.add(sighting.ref)
        low, high = np.array(sighting.low), np.array(sighting.high)
        self.weights.append(weight)
        if self._weight == 0.0 and self.seed is None:
            self.low, self.high, self.xyz, self.hue = low, high, centre(sighting), hue(sighting.rgb)
        elif self.furniture:
            self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        share = weight / (self._weight + weight)
        if not self.furniture and self._weight:
            self.low, self.high = (1 - share) * self.low + share * low, (1 - share) * self.high + share * high
            self.xyz = (1 - share) * self.xyz + share * centre(sighting)
            self.hue = (1 - share) * self.hue + share * hue(sighting.rgb)
        self._weight += weight

    def settle(self) -> None:
        """Fix the height of the base: what stands in front hides it, so it is low in the distribution."""
        order = np.argsort([s.low[2] for s in self.sightings])
        shares = np.cumsum(np.array(self.weights)[order])
        base = self.sightings[order[int(np.searchsorted(shares, BASE_SHARE * shares[-1]))]].low[2]
        self.xyz[2] = self.low[2] = base

    @property
    def labels(self) -> dict[str, int]:
        """Votes by label."""
        return dict(Counter(s.label for s in self.sightings))

    @property
    def label(self) -> str:
        """The label with the greatest sum of scores."""
        scores: dict[str, float] = defaultdict(float)
        for s in self.sightings:
            scores[s.label] += s.score
        return max(sorted(scores), key=lambda name: scores[name])


def cluster(
    sightings: list[Sighting], camera: Camera, seeds: dict[str, list[tuple[int, np.ndarray, np.ndarray]]],
    errands: bool = False,
) -> list[Cluster]:  # fmt: skip
    """The things that a visit's sightings show, furniture first.

    ``seeds``: furniture known from earlier visits, label → (track, low, high); its groups start from there.
    ``errands``: the robot went to and fro all day instead of patrolling, so that far sights of every piece are many.
    """
    by_label: dict[str, list[tuple[Sighting, float]]] = defaultdict(list)
    weighted = [(s, _quality(s, camera)) for s in sightings]
    for s, weight in sorted(weighted, key=lambda pair: (-pair[1], pair[0].id)):
        by_label[s.label].append((s, weight))
    furniture, things = [], []
    for label in sorted(by_label):
        if label in ontology.FURNITURE:
            furniture += _furniture(label, by_label[label], seeds.get(label, []))
        else:
            things += _things(by_label[label])
    things = _absorb(things, _same_thing)
    if errands:
        things = _absorb(things, _astray)
    for thing in things:
        thing.settle()
    furniture = _absorb(furniture, _same_piece)
    return (_absorb(furniture, _in_one_place) if errands else furniture) + things


def gathered(weighted: Iterable[tuple[Sighting, float]]) -> Cluster:
    """One movable thing made of these sightings and their weights, best first."""
    thing = Cluster(furniture=False)
    for s, weight in sorted(weighted, key=lambda pair: (-pair[1], pair[0].id)):
        thing.add(s, weight)
    thing.settle()
    return thing


def _quality(s: Sighting, camera: Camera) -> float:
    """Weight of a sighting's place: near ones err less (an angle moves far things); one cut by the image's edge tells
    where a part of the thing is."""
    x0, y0, x1, y1 = s.box
    cut = x0 <= 0 or y0 <= 0 or x1 >= camera.width or y1 >= camera.height
    return s.pixels**0.25 / (0.02 + 0.01 * s.range_m) ** 2 * (CUT if cut else 1.0)


def centre(s: Sighting) -> np.ndarray:
    """The place of a small thing: centre of its visible box, at the height of its base."""
    return np.array(((s.low[0] + s.high[0]) / 2, (s.low[1] + s.high[1]) / 2, s.low[2]))


def hue(rgb: tuple[float, float, float]) -> np.ndarray:
    """Colour without shading: rgb over its length, and a weak share of the length itself."""
    value = np.array(rgb, dtype=np.float64) / 255
    length = float(np.linalg.norm(value))
    return np.array((*(value / max(length, 0.02)), 0.25 * length))


def colour_votes(sightings: Iterable[Sighting]) -> dict[str, float]:
    """Shares of the colour names that the sightings have, largest first; large regions weigh more."""
    votes: dict[str, float] = defaultdict(float)
    for s in sightings:
        votes[_colour(*(round(channel / 4) for channel in s.rgb))] += math.sqrt(s.pixels)
    total = sum(votes.values())
    return {name: round(v / total, 4) for name, v in sorted(votes.items(), key=lambda item: (-item[1], item[0]))}


@lru_cache(maxsize=65536)
def _colour(red: int, green: int, blue: int) -> str:
    return ontology.colour_name((4 * red / 255, 4 * green / 255, 4 * blue / 255))


def _radius(label: str) -> float:
    known = ontology.THINGS.get(label)
    return max(NEAR_M, 0.4 * max(known.size[:2])) if known else NEAR_M


def _things(sightings: list[tuple[Sighting, float]]) -> list[Cluster]:
    """Greedy grouping of the sightings of one label, best first: each joins the nearest group or starts one."""
    radius = _radius(sightings[0][0].label)
    groups: list[Cluster] = []
    for s, weight in sightings:
        place, colour = centre(s), hue(s.rgb)
        slack = 1 + 0.15 * max(0.0, s.range_m - 2)
        best, best_distance = None, 1.0
        for group in groups:
            distance = _distance(group, place, colour, radius) / slack
            if distance < best_distance and s.ref not in group.refs:
                best, best_distance = group, distance
        if best is None:
            best = Cluster(furniture=False)
            groups.append(best)
        best.add(s, weight)
    return groups


def _distance(group: Cluster, place: np.ndarray, colour: np.ndarray, radius: float) -> float:
    """Distance in units of the radius; heights differ by occlusion only and count half."""
    dx, dy, dz = place - group.xyz
    if abs(dx) > radius * 2 or abs(dy) > radius * 2:
        return 9.0
    apart = float(np.linalg.norm(colour - group.hue)) / COLOUR_STEP
    return float(np.sqrt((dx * dx + dy * dy + dz * dz / 4) / radius**2 + apart**2))


def _furniture(
    label: str, sightings: list[tuple[Sighting, float]], seeds: list[tuple[int, np.ndarray, np.ndarray]]
) -> list[Cluster]:
    limit = _largest(label)
    groups = [Cluster(True, low=low.copy(), high=high.copy(), seed=track) for track, low, high in seeds]
    for s, weight in sightings:
        low, high = np.array(s.low), np.array(s.high)
        best, best_share = None, OVERLAP
        for group in groups:
            share = footprint_overlap(low, high, group.low, group.high)
            if share > best_share and s.ref not in group.refs and _fits(group, low, high, limit):
                best, best_share = group, share
        if best is None:
            best = Cluster(furniture=True)
            groups.append(best)
        best.add(s, weight)
    return [g for g in groups if g.sightings]


def _largest(label: str) -> np.ndarray:
    """The shorter and the longer side that furniture of a kind may have."""
    return STRETCH * np.array(sorted(ontology.FURNITURE[label].size[:2])) + SLACK_M


def _fits(group: Cluster, low: np.ndarray, high: np.ndarray, limit: np.ndarray) -> bool:
    """Whether the union of the boxes is not larger than the kind can be."""
    size = np.sort((np.maximum(group.high, high) - np.minimum(group.low, low))[:2])
    return bool((size <= limit).all())


def footprint_overlap(low: np.ndarray, high: np.ndarray, other_low: np.ndarray, other_high: np.ndarray) -> float:
    """Area common to two footprints over the smaller area (each at least 10 cm wide)."""
    pad_a, pad_b = _padded(low, high), _padded(other_low, other_high)
    width = np.minimum(pad_a[1], pad_b[1]) - np.maximum(pad_a[0], pad_b[0])
    if (width <= 0).any():
        return 0.0
    areas = [float(np.prod(b - a)) for a, b in (pad_a, pad_b)]
    return float(np.prod(width)) / min(areas)


def _padded(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    grow = np.maximum(0.0, (0.1 - (high[:2] - low[:2])) / 2)
    return low[:2] - grow, high[:2] + grow


def _absorb(groups: list[Cluster], same) -> list[Cluster]:
    """Give small groups to the larger group that shows the same thing, smallest first."""
    kept = sorted(groups, key=lambda g: (-len(g.sightings), g.sightings[0].id))
    for small in reversed(list(kept)):
        fits = [g for g in kept if g is not small and len(g.sightings) >= len(small.sightings) and same(small, g)]
        if small.seed is None and fits:
            home = max(fits, key=lambda g: len(g.sightings))
            for s, weight in zip(small.sightings, small.weights, strict=True):
                home.add(s, weight)
            kept.remove(small)
    return kept


def compatible(a: str, b: str) -> bool:
    """Whether a detector may call one thing by both labels."""
    known = {**ontology.THINGS, **ontology.FURNITURE}
    return a == b or b in known[a].similar or a in known[b].similar


def _same_thing(small: Cluster, large: Cluster) -> bool:
    """Same spot, compatible label, like colour, hardly ever both in one frame."""
    if not compatible(small.label, large.label) or len(small.refs & large.refs) > 0.1 * len(small.refs):
        return False
    radius = max(_radius(small.label), _radius(large.label))
    if _distance(large, small.xyz, small.hue, radius) < 1.0:
        return True
    # Two things side by side are mostly seen in one frame. Two groups that never are, and that one thing has room
    # for, are parts of it (cut by the image's edge, half hidden); a part may have a colour of its own.
    apart = float(np.linalg.norm(small.hue - large.hue)) / COLOUR_STEP
    return small.label == large.label and (apart < 2 or len(small.refs) > 2) and _one_fits(small, large)


def _astray(small: Cluster, large: Cluster) -> bool:
    """Whether a few sights, from far off or cut by the image's edge, are of a like thing beside them that is never seen
    together with what they show."""
    few = len(small.sightings) <= STRAYS and len(small.refs) < 0.2 * len(large.refs)
    if not few or not compatible(small.label, large.label) or small.refs & large.refs:
        return False
    alike = float(np.linalg.norm(small.hue - large.hue)) / COLOUR_STEP < 1.0
    return alike and float(np.linalg.norm(small.xyz - large.xyz)) < STRAY_M


def _one_fits(small: Cluster, large: Cluster) -> bool:
    """Whether the boxes of both together are not larger than a thing of the label."""
    size = np.maximum(small.high, large.high) - np.minimum(small.low, large.low)
    known = np.array(ontology.THINGS[large.label].size)
    limit = 1.25 * np.array((*sorted(known[:2]), known[2])) + 0.05
    # A thing that stands askew has a wider box.
    limit[0] = max(limit[0], 0.7 * limit[1])
    return bool((np.array((*sorted(size[:2]), size[2])) <= limit).all())


def _same_piece(small: Cluster, large: Cluster) -> bool:
    if not compatible(small.label, large.label) or len(small.refs & large.refs) > 0.1 * len(small.refs):
        return False
    overlap = footprint_overlap(small.low, small.high, large.low, large.high)
    return overlap > 0.5 and _fits(large, small.low, small.high, _largest(large.label))


def _in_one_place(small: Cluster, large: Cluster) -> bool:
    """As :func:`_same_piece`, also where the far sights of a piece have drawn it out of shape: no two pieces of like
    kind stand in one place."""
    if not compatible(small.label, large.label) or len(small.refs & large.refs) > 0.1 * len(small.refs):
        return False
    middle = (small.low + small.high)[:2] / 2
    inside = bool((middle > large.low[:2]).all() and (middle < large.high[:2]).all())
    few = len(small.refs) < 0.2 * len(large.refs)
    return inside and few and footprint_overlap(small.low, small.high, large.low, large.high) > 0.5
