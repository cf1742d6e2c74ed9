"""Chances of interactions: which one a name, a number or a moment means, and which of several is the farthest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from embodied_mem.planner.goals.query import Target

Chances = dict[int, float]  # interaction (from 0) → chance
KNOWN_ORDER = 0.97  # that an interaction's number is right
LEAST = 0.01
ELSE = 0.1  # weight of interactions between two named ones that are not exactly two apart
CLOCK_S = 15.0  # how exactly moments of the day are known
TIE_M, WAY_M = 0.5, 0.3  # ways that differ by less are equal; how exactly they are known
COUNTS = 0.05  # what is less likely at all is no rival for the farthest


def numbered(ordinal: int, count: int) -> Chances:
    """The ordinal-th of ``count`` interactions."""
    return {ordinal - 1: KNOWN_ORDER} if 1 <= ordinal <= count else {}


def named(chances: Chances, occurrence: int) -> Chances:
    """The chance of each interaction to be the n-th of a name; chances: to be of that name at all."""
    before, found = [1.0], {}  # before[n]: chance that n of the earlier ones have that name
    for k, p in chances.items():
        if occurrence <= len(before):
            found[k] = before[occurrence - 1] * p
        more = [0.0, *(b * p for b in before)]
        before = [stay * (1 - p) + came for stay, came in zip([*before, 0.0], more, strict=True)]
    total = sum(found.values())
    return {k: p / total for k, p in found.items() if p / total >= LEAST} if total > 1e-3 else {}


def moved(chances: Chances, offset: int, count: int) -> Chances:
    """The interactions ``offset`` after (+) or before (−)."""
    return {k + offset: p for k, p in chances.items() if 0 <= k + offset < count}


def between(first: Chances, last: Chances) -> Chances:
    """The interaction between two: they are two apart, or memory errs."""
    found: Chances = {}
    for i, p in first.items():
        for j, q in last.items():
            inner = range(i + 1, j)
            for k in inner:
                found[k] = found.get(k, 0.0) + p * q * (1.0 if j == i + 2 else ELSE / len(inner))
    return found


def at_moments(chances: dict, span: Callable[..., tuple[float, float]], moments: list[float]) -> dict:
    """The chances narrowed to what went on at one of the moments; span: when what a key stands for did (UTC s)."""
    weights = {}
    for key, p in chances.items():
        low, high = span(key)
        gap = min((max(low - t, t - high) for t in moments), default=math.inf)
        weights[key] = p * rises(-gap, 0.0, CLOCK_S)
    total = sum(weights.values())
    if total < 1e-6:
        return {}
    return {key: w / total * min(1.0, 2 * max(weights.values())) for key, w in weights.items()}


def given_one(chances: dict) -> dict:
    """Chances given that one at least is so: who asks for the red one that was handled knows that there is one."""
    none = math.prod(1.0 - min(p, 1.0) for p in chances.values())
    return {key: KNOWN_ORDER * p / (1.0 - none) for key, p in chances.items()} if none < 0.98 else chances


def farthest(found: Iterable[Target], distance: Callable[[Target], float], here: tuple[float, float]) -> list[Target]:
    """Each target with the chance that none that counts is farther away; ``here``: where no way is known."""
    ways = [(distance(t), t) for t in found if t.confidence >= COUNTS]
    if not any(math.isfinite(way) for way, _ in ways):  # as the crow flies
        ways = [(math.dist(t.xyz[:2], here), replace(t, confidence=t.confidence / 2)) for _, t in ways]
    ways = [(way, t) for way, t in ways if math.isfinite(way)]
    ranked = []
    for way, target in ways:
        chance = target.confidence
        for other_way, other in ways:
            if other is not target:
                chance *= 1 - other.confidence * rises(other_way - way - TIE_M, 0.0, WAY_M)
        ranked.append(replace(target, confidence=chance))
    return ranked


def rises(value: float, middle: float, width: float) -> float:
    """A smooth step from 0 to 1."""
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, (value - middle) / width))))
