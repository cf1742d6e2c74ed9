"""``metrics.json`` from single trials: curves by the index of the episode, and how much of the oracle's is reached.

A prediction is one trial: an agent with one seed in one house.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.policies.trials import Curves, interval, late, shares, summary

_CURVES = ("success", "returns", "steps", "spl", "seen")  # fields of Curves and of a row
_FIELDS = ("agent", "seed", "house", *_CURVES)


def rows_of(task: str, agent: str, seed: int, houses: list[int], curves: Curves, **more: Any) -> list[dict]:
    """The predictions of some trials; ``more`` stands in each of them."""
    values = {name: np.round(getattr(curves, name), 6).tolist() for name in _CURVES}
    return [
        {"key": f"{agent}/{seed}/{house}", "task": task, "agent": agent, "seed": seed, "house": house,
         "correct": round(float(np.mean(values["success"][i])), 4), **{k: v[i] for k, v in values.items()}, **more}
        for i, house in enumerate(houses)
    ]  # fmt: skip


def score(rows: list[dict]) -> dict:
    """Metrics of predictions alone. Raises InputError for a damaged row or seeds that were not in the same houses."""
    trials: dict[str, dict[int, dict[int, dict]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        check_row(row)
        trials[row["agent"]][row["seed"]][row["house"]] = row
    houses = sorted({row["house"] for row in rows})
    runs: dict[str, list[Curves]] = {}
    for agent, seeds in trials.items():
        for seed, there in seeds.items():
            if sorted(there) != houses:
                raise InputError(f"{agent}, seed {seed}, was in {len(there)} of {len(houses)} houses; finish the run")
        runs[agent] = [_curves([there[h] for h in houses]) for _, there in sorted(seeds.items())]
    # Returns of another environment than the oracle's, of another reward say, are no share of its.
    lived = {row["agent"]: row.get("environment", {}) for row in rows}
    agents = {}
    for agent, own in runs.items():
        oracle = runs.get("oracle") if lived[agent] == lived.get("oracle") else None
        agents[agent] = _figures(agent, own, oracle)
    for agent, figures in agents.items():
        figures |= {"seeds": sorted(trials[agent]), "environment": lived[agent]}
        sizes = {row.get("context_bytes") for there in trials[agent].values() for row in there.values()} - {None}
        figures |= {"context_bytes": max(sizes)} if sizes else {}
    return {"task": rows[0]["task"], "agents": agents, "houses": len(houses), "first_house": houses[0],
            "episodes": len(rows[0]["returns"])}  # fmt: skip


def check_row(row: dict) -> None:
    """Raises InputError for a prediction that is damaged or of another make."""
    missing = [name for name in ("task", *_FIELDS) if name not in row]
    if missing:
        raise InputError(f"{row.get('key')}: field {missing[0]!r} is missing; make the predictions anew")
    lengths = {len(row[name]) if isinstance(row[name], list) else 0 for name in _CURVES}
    numbers = all(isinstance(x, int | float) and np.isfinite(x) for name in _CURVES if row[name] for x in row[name])
    if len(lengths) > 1 or 0 in lengths or not numbers:
        raise InputError(f"{row['key']}: {', '.join(_CURVES)} must be lists of finite numbers, one for each episode")


def _curves(rows: list[dict]) -> Curves:
    lengths = {len(row["returns"]) for row in rows}
    if len(lengths) > 1:
        raise InputError(f"{rows[0]['agent']} has trials of {sorted(lengths)} episodes; all must have as many")
    return Curves(*(np.array([row[name] for row in rows], np.float64) for name in _CURVES))


def _figures(agent: str, runs: list[Curves], oracle: list[Curves] | None) -> dict:
    figures = summary(runs)
    figures["spl_ci95"] = interval(np.stack([r.spl for r in runs]))
    gains = [late(r.returns).mean() - r.returns[:, 0].mean() for r in runs]
    figures["gain_by_seed"] = [round(float(gain), 4) for gain in gains]  # a seed that failed shows here
    if oracle and agent not in ("oracle", "random"):
        figures |= _beside_oracle(np.stack([r.returns for r in runs]), oracle[0].returns)
        if "_demonstrations_" in agent:  # its first episode is not where it began
            figures |= {"gap_closed": None, "gap_closed_ci95": None}
    return figures


def _beside_oracle(returns: np.ndarray, oracle: np.ndarray) -> dict:
    """``of_oracle``: last return over the oracle's. ``gap_closed``: share of what lies between the first return and
    the oracle's last one that is caught up at the last episode. With 95 % intervals over seeds and houses, in which the
    oracle has the same houses. ``returns`` [seeds, houses, E], ``oracle`` [houses, E]."""
    rng = np.random.default_rng(0)
    seeds, houses, _ = returns.shape
    which, weight = shares(rng, seeds), shares(rng, houses)
    which[0], weight[0] = 1 / seeds, 1 / houses  # the first is the sample itself
    first, last = (np.einsum("rs,rh,sh->r", which, weight, returns[:, :, e], optimize=True) for e in (0, -1))
    best = weight @ oracle[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = {"of_oracle": last / best, "gap_closed": (last - first) / (best - first)}
    out: dict[str, Any] = {}
    for name, values in parts.items():
        sound = bool(np.isfinite(values).all())
        out[name] = round(float(values[0]), 4) if sound else None
        out[f"{name}_ci95"] = np.percentile(values, [2.5, 97.5]).round(4).tolist() if sound else None
    return out
