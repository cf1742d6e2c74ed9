"""From a belief to a calibrated confidence: one monotone map per query kind, fitted on development houses."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "data" / "calibration.json"
CAUTION = 25.0  # pseudo-observations that pull a kind's map towards the map of all kinds


@lru_cache(maxsize=4)
def _maps(file: Path) -> dict[str, list[list[float]]]:
    return json.loads(file.read_text()) if file.exists() else {}


def calibrated(kind: str, chance: float, file: Path = FILE) -> float:
    """The share of right answers among those of this kind that were believed with ``chance``; itself where unfitted."""
    return mapped(_maps(file), kind, chance)


def mapped(maps: dict[str, list[list[float]]], kind: str, chance: float) -> float:
    """``chance`` through the map of its kind, or of all kinds."""
    points = maps.get(kind) or maps.get("all")
    if not points:
        return float(chance)
    return _at(points, chance)


def _at(points: list[list[float]], chance: float) -> float:
    xs, ys = zip(*points, strict=True)
    return float(np.interp(chance, xs, ys))


def isotonic(chance: np.ndarray, right: np.ndarray) -> list[list[float]]:
    """Pool adjacent violators: the points (belief, share right) of the best non-decreasing map."""
    order = np.argsort(chance, kind="stable")
    blocks: list[list[float]] = []  # sum of beliefs, sum right, count
    for c, r in zip(np.asarray(chance, float)[order], np.asarray(right, float)[order], strict=True):
        blocks.append([c, r, 1.0])
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    return [[round(c / n, 4), round(r / n, 4)] for c, r, n in blocks]


def fit(predictions: list[tuple[str, float, bool]], bins: int = 8) -> dict[str, list[list[float]]]:
    """(kind, raw belief, right) of development questions → the maps. Kinds with few questions lean on all."""
    data = [(k, float(c), float(r)) for k, c, r in predictions]
    if not data:
        return {}
    everything = _binned(np.array([c for _, c, _ in data]), np.array([r for *_, r in data]), bins)
    maps = {"all": everything}
    for kind in sorted({k for k, *_ in data}):
        chance = np.array([c for k, c, _ in data if k == kind])
        right = np.array([r for k, _, r in data if k == kind])
        own = _binned(chance, right, bins)
        trust = len(chance) / (len(chance) + CAUTION)
        # At the beliefs of both maps: a kind with a single bin still tells the surer answer from the less sure one.
        xs = sorted({x for x, _ in (*own, *everything)})
        maps[kind] = [[x, round(trust * _at(own, x) + (1 - trust) * _at(everything, x), 4)] for x in xs]
    return maps


def _binned(chance: np.ndarray, right: np.ndarray, bins: int) -> list[list[float]]:
    """Isotonic over bins of equal size with one right and one wrong added to each, so that no map says 0 or 1."""
    groups = np.array_split(np.argsort(chance, kind="stable"), min(bins, max(1, len(chance) // 12)))
    xs = np.array([chance[g].mean() for g in groups if len(g)])
    ys = np.array([(right[g].sum() + 1) / (len(g) + 2) for g in groups if len(g)])
    return isotonic(xs, ys)
