"""Metrics from trials alone: shares of the oracle with intervals, seeds that failed in sight, damaged files refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.policies.metrics import rows_of, score
from embodied_mem.policies.trials import Curves

HOUSES = list(range(40))


def trials(agent: str, seed: int, curve: list[float], noise: float = 0.0) -> list[dict]:
    """Predictions of an agent whose return follows a curve."""
    returns = np.array(curve) + noise * np.random.default_rng(seed).normal(size=(len(HOUSES), len(curve)))
    flat = np.ones_like(returns)
    return rows_of("darkroom", agent, seed, HOUSES, Curves(flat, returns, flat, flat, 0 * flat))


def test_shares_of_the_oracle_and_single_seeds():
    rows = trials("oracle", 0, [10, 10, 10])
    rows += trials("relic", 0, [2, 5, 8], noise=1.0) + trials("relic", 1, [2, 2, 2], noise=1.0)
    relic = score(rows)["agents"]["relic"]
    assert relic["gap_closed"] == pytest.approx(3 / 8, abs=0.05) and relic["of_oracle"] == pytest.approx(0.5, abs=0.05)
    low, high = relic["gap_closed_ci95"]
    assert low < 0.05 < 0.7 < high, "one seed of two failed: that is what the interval must say"
    assert relic["gain_by_seed"] == pytest.approx([6, 0], abs=1) and relic["seeds"] == [0, 1]
    alone = score(trials("relic", 0, [2, 5, 8]))["agents"]["relic"]
    assert "gap_closed" not in alone, "nothing to compare with"


def test_returns_of_another_reward_are_no_share_of_the_oracles():
    shaped = [{**row, "environment": {"reward": "shaped"}} for row in trials("shaped", 0, [0.8, 1.1, 1.4])]
    agents = score(trials("oracle", 0, [17, 17, 17]) + trials("stay", 0, [8, 12, 15]) + shaped)["agents"]
    assert agents["stay"]["of_oracle"] == pytest.approx(15 / 17, abs=0.01)
    assert "of_oracle" not in agents["shaped"] and "gap_closed" not in agents["shaped"]


def test_damaged_or_unfinished_predictions_are_refused():
    rows = trials("relic", 0, [1, 2])
    with pytest.raises(InputError, match="relic, seed 1, was in 39 of 40 houses; finish the run"):
        score(rows + trials("relic", 1, [1, 2])[1:])
    with pytest.raises(InputError, match="field 'spl' is missing"):
        score([{k: v for k, v in rows[0].items() if k != "spl"}])
    for broken in ([1.0], "two", [1.0, float("nan")]):
        with pytest.raises(InputError, match="relic/0/0.*finite numbers, one for each episode"):
            score([{**rows[0], "returns": broken}])
    assert score([json.loads(json.dumps(row)) for row in rows]) == score(rows)
