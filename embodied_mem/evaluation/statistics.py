"""Means, intervals over houses and calibration: what every task's metrics are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from embodied_mem.sim.schedule import rng_of

BINS = 10
RESAMPLES = 1000


def mean(values: Iterable) -> float | None:
    """The mean, rounded to 6 digits; None of nothing."""
    values = [float(v) for v in values]
    return round(float(np.mean(values)), 6) if values else None


def house_draws(houses: int, seed: int = 0) -> np.ndarray:
    """The bootstrap's draws, with replacement: int R H, each row the indices of as many houses as there are."""
    return rng_of(seed, "bootstrap").integers(houses, size=(RESAMPLES, houses))


def percentile_interval(values: np.ndarray) -> list[float] | None:
    """The middle 95 % of resampled values (NaN ones left out), rounded to 6 digits; None of nothing."""
    values = values[~np.isnan(values)]
    return [round(float(q), 6) for q in np.quantile(values, (0.025, 0.975))] if len(values) else None


def confidence_measures(sure: Sequence[float], right: Sequence[bool]) -> dict[str, float | None]:
    """ece (10 bins), brier, brier_base (always saying the base rate), auroc; all None without answers."""
    sure, right = np.asarray(sure, float), np.asarray(right, float)
    if not len(sure):
        return {"ece": None, "brier": None, "brier_base": None, "auroc": None}
    gaps = [b["count"] * abs(b["confidence"] - b["correct"]) for b in calibration_bins(sure, right) if b["count"]]
    return {
        "ece": mean([sum(gaps) / len(sure)]),
        "brier": mean((sure - right) ** 2),
        "brier_base": mean((right.mean() - right) ** 2),
        "auroc": auroc(sure, right > 0.5),
    }


def auroc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Probability that a right answer has the higher confidence (ties half); None without both kinds."""
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return None
    ranks = rankdata(scores)
    return round(float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m)), 6)


def calibration_bins(sure: Sequence[float], right: Sequence[bool]) -> list[dict]:
    """Ten equal-width bins of confidence: low, high, count, mean confidence, share of right answers."""
    sure, right = np.asarray(sure, float), np.asarray(right, float)
    index = np.minimum((sure * BINS).astype(int), BINS - 1)
    return [
        {
            "low": i / BINS, "high": (i + 1) / BINS, "count": int((index == i).sum()),
            "confidence": mean(sure[index == i]), "correct": mean(right[index == i]),
        }
        for i in range(BINS)
    ]  # fmt: skip


def risk_coverage(sure: Sequence[float], right: Sequence[bool], asked: int) -> list[dict]:
    """Answers from the surest on (equally sure ones as given): coverage (share of all ``asked``) and risk (share of
    wrong ones among them)."""
    order = np.argsort(-np.asarray(sure, float), kind="stable")
    wrong = np.cumsum(~np.asarray(right, bool)[order])
    return [
        {"coverage": round((i + 1) / asked, 6), "risk": round(float(wrong[i] / (i + 1)), 6),
         "confidence": sure[int(order[i])]}
        for i in range(len(order))
    ]  # fmt: skip
