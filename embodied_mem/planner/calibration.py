"""From a belief to a calibrated confidence: one logistic map, fitted on development houses.

    confidence = σ(slope · logit(belief) + bias + kind's offset + present's offset)

After Platt (1999), with an offset for each query kind and one for questions about the present, whose errors
(a thing overlooked) differ from those of recall. A ridge penalty keeps kinds with few questions near the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from embodied_mem.planner.query import KINDS

FILE = Path(__file__).parent / "data" / "calibration.json"
RIDGE = 1.0  # pull of the offsets towards 0; chosen by leaving out development houses
SLOPE_RIDGE = 0.02  # pull of the slope towards 1
LOW, HIGH = 0.02, 0.985  # beliefs are sampled from 240 worlds: nearer to 0 or 1 they say no more

Judged = tuple[str, bool, float, bool]  # kind, about the present, raw belief, right


@lru_cache(maxsize=4)
def _shipped(file: Path) -> dict:
    return json.loads(file.read_text()) if file.exists() else {}


def calibrated(kind: str, present: bool, chance: float, file: Path = FILE) -> float:
    """The share of right answers among those believed with ``chance``; ``chance`` itself where nothing was fitted."""
    return mapped(_shipped(file), kind, present, chance)


def mapped(weights: dict, kind: str, present: bool, chance: float) -> float:
    """``chance`` through fitted weights (see :func:`fit`)."""
    if not weights:
        return float(chance)
    score = weights["slope"] * _logit(chance) + weights["bias"] + weights["kinds"].get(kind, 0.0)
    return float(1 / (1 + np.exp(-(score + (weights["present"] if present else 0.0)))))


def fit(judged: Sequence[Judged]) -> dict:
    """The weights for answers of development houses: slope, bias, present, kinds (offsets); {} of nothing."""
    from scipy.optimize import minimize

    if not judged:
        return {}
    columns = [[_logit(c), 1.0, float(p), *(float(k == kind) for kind in KINDS)] for k, p, c, _ in judged]
    x, sign = np.array(columns), np.array([1.0 if right else -1.0 for *_, right in judged])
    ridge = np.array([SLOPE_RIDGE, 0.0, RIDGE, *(RIDGE for _ in KINDS)])
    middle = np.zeros(x.shape[1])
    middle[0] = 1.0

    def loss(w: np.ndarray) -> float:
        return float(np.logaddexp(0, -sign * (x @ w)).sum() + (ridge * (w - middle) ** 2).sum())

    slope, bias, present, *kinds = minimize(loss, middle).x.round(4).tolist()
    return {"slope": max(slope, 0.0), "bias": bias, "present": present, "kinds": dict(zip(KINDS, kinds, strict=True))}


def _logit(chance: float) -> float:
    clipped = min(max(float(chance), LOW), HIGH)
    return float(np.log(clipped / (1 - clipped)))
