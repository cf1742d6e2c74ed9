"""Value of information: one decision, one currency. Pure functions on small arrays.

Notation: ``b`` (H) belief over answers, may sum to less than 1 (the rest is "something else");
``likelihood`` (O, H) = P(o | h), columns sum to 1; prices in units of one right answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embodied_mem.planner.costs import Prices

EXACT_PLACES = 8
BEAM = 64
BUNDLE_TRUST = 0.8  # share of the worth of error-free readings that a bundle of real ones is credited with


def answer_value(best: float, prices: Prices) -> float:
    """V: worth of stopping now, when the best answer is right with probability ``best``."""
    return max(best - prices.w * (1.0 - best), prices.u)


@dataclass(frozen=True)
class Tour:
    """A visiting order with its cut-off, and what setting out on it is worth. Empty where staying is better."""

    value: float
    order: tuple[int, ...] = ()


def best_tour(found: np.ndarray, distance: np.ndarray, prices: Prices, stop: float | None = None) -> Tour:
    """The best visiting order and cut-off over places.

    found: (N) q_k·b_k, the chance that looking at place k finds what was sought; distance: (N+1, N+1) geodesic
    metres, row and column 0 the robot; ``inf`` where there is no way. stop: what is gained where the tour ends
    with nothing found (default u). Exact up to eight places, a beam search beyond.
    """
    count = len(found)
    stop = prices.u if stop is None else stop
    if count == 0:
        return Tour(-np.inf)
    if count <= EXACT_PLACES:
        return _exact(np.asarray(found, float), np.asarray(distance, float), prices.metre, stop)
    return _beam(np.asarray(found, float), np.asarray(distance, float), prices.metre, stop)


def _exact(found: np.ndarray, distance: np.ndarray, metre: float, stop: float) -> Tour:
    """Held-Karp on sets. Worth is linear in path length, so a step of length d costs d·metre·(mass still unfound).

    Σ_k f_k(1 − λT_k) + (1 − Σf)(u − λT_n) = Σ_k f_k + (1 − Σf)u − λ Σ_k d_k·(1 − Σ_{j<k} f_j).
    """
    count, price = len(found), (metre * distance).tolist()
    cost = [[np.inf] * count for _ in range(1 << count)]
    before = [[-1] * count for _ in range(1 << count)]
    best, end = -np.inf, (0, -1)
    for k in range(count):
        cost[1 << k][k] = price[0][k + 1]
    for places in range(1, 1 << count):
        inside = [k for k in range(count) if places >> k & 1]
        mass = sum(float(found[k]) for k in inside)
        worth = mass + (1 - mass) * stop
        for last in inside:
            spent = cost[places][last]
            if worth - spent > best + 1e-12:
                best, end = worth - spent, (places, last)
            for k in range(count):
                if not places >> k & 1:
                    paid, following = spent + price[last + 1][k + 1] * (1 - mass), places | 1 << k
                    if paid < cost[following][k]:
                        cost[following][k], before[following][k] = paid, last
    order: list[int] = []
    places, last = end
    while last >= 0:
        order.append(last)
        places, last = places ^ 1 << last, before[places][last]
    return Tour(float(best), tuple(reversed(order)))


def _beam(found: np.ndarray, distance: np.ndarray, metre: float, stop: float) -> Tour:
    best, beam = Tour(-np.inf), [(0.0, ())]
    for _ in range(len(found)):
        grown = []
        for cost, order in beam:
            mass, last = sum(found[k] for k in order), (order[-1] + 1 if order else 0)
            for k in range(len(found)):
                if k not in order:
                    grown.append((cost + metre * distance[last, k + 1] * (1 - mass), (*order, k)))
        scored = []
        for cost, order in grown:
            mass = sum(found[k] for k in order)
            scored.append((mass + (1 - mass) * stop - cost, cost, order))
        scored.sort(key=lambda item: (-item[0], item[2]))
        if scored and scored[0][0] > best.value:
            best = Tour(scored[0][0], scored[0][2])
        beam = [(cost, order) for value, cost, order in scored[:BEAM] if np.isfinite(value)]
    return best


def state_value(b: np.ndarray, prices: Prices, tour: Tour | None = None) -> float:
    """W: the worth of a belief: stop now, or set out on the best tour."""
    stay = answer_value(float(np.max(b, initial=0.0)), prices)
    return max(stay, tour.value) if tour else stay


def posterior(b: np.ndarray, likelihood: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(o) (O) and the beliefs b_o (O, H) after each outcome; rows of impossible outcomes are 0."""
    joint = np.asarray(likelihood, float) * np.asarray(b, float)[None, :]
    chance = joint.sum(axis=1)
    after = np.divide(joint, chance[:, None], out=np.zeros_like(joint), where=chance[:, None] > 0)
    return chance, after


Worth = Callable[[np.ndarray], float]


def answer_masses(weights: np.ndarray, answers: np.ndarray, count: int) -> np.ndarray:
    """b (count) from weighted worlds (N), each with the index of its answer (-1: none of them)."""
    known = answers >= 0
    return np.bincount(answers[known], weights[known], minlength=max(count, 1))


def expected_worth(weights: np.ndarray, likelihood: np.ndarray, worth: Worth) -> float:
    """Σ_o P(o)·W(b_o) over weighted worlds (N); ``likelihood`` (O, N); ``worth`` maps normalised weights to W."""
    total = 0.0
    for row in likelihood:
        joint = weights * row
        chance = float(joint.sum())
        if chance > 1e-12:
            total += chance * worth(joint / chance)
    return total


def worth_of_kinds(weights: np.ndarray, kinds: np.ndarray, answers: np.ndarray, sure: float, prices: Prices) -> float:
    """Expected worth after it is told which kind of world (N, 0 .. K−1) this is; the rest errs with 1 − ``sure``."""
    count, known = int(kinds.max()) + 1, answers >= 0
    size = int(answers.max(initial=0)) + 1
    mass = np.bincount(kinds[known] * size + answers[known], weights[known], minlength=count * size)
    chance = np.bincount(kinds, weights, minlength=count)
    best = sure * mass.reshape(count, size).max(axis=1)
    return float(np.maximum(best - prices.w * (chance - best), prices.u * chance).sum())


def value_of_information(b: np.ndarray, likelihood: np.ndarray, cost: float, prices: Prices) -> float:
    """VoI(a) = Σ_o P(o | b)·V(b_o) − V(b) − c(a)."""
    chance, after = posterior(b, likelihood)
    gain = sum(p * state_value(row, prices) for p, row in zip(chance, after, strict=True) if p > 0)
    return float(gain - state_value(b, prices) - cost)


def joint_likelihood(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Outcomes of two looks that are independent given the truth: (O1, H), (O2, H) → (O1·O2, H)."""
    return (first[:, None, :] * second[None, :, :]).reshape(-1, first.shape[1])


@dataclass(frozen=True)
class Option:
    """One action the planner may take: what it may show, given each world (O, N), and its price.

    group: options of one group tell the same in another image; a bundle takes one of each.
    """

    likelihood: np.ndarray
    cost: float
    group: tuple = ()


@dataclass(frozen=True)
class Choice:
    """The best first action: its index (None: stop), its net worth with the look-ahead and alone.

    first: the index that ranks first by its worth alone, whether it pays or not (None: there is nothing to do).
    """

    index: int | None
    voi: float
    alone: float
    first: int | None = None


def choose(weights: np.ndarray, options: list[Option], worth: Worth, pairs: int = 5) -> Choice:
    """The action of highest value of information, with a bounded look-ahead.

    Where no single action pays, the ``pairs`` best of them are tried two at a time: two readings can be worth
    something together where each alone is not. weights: (N) of the worlds; worth: W of weights.
    """
    if not options:
        return Choice(None, 0.0, 0.0)
    now = worth(weights)
    gains = _gains(weights, options, worth, now)
    ranked = sorted(range(len(options)), key=lambda i: (-gains[i], i))
    best = ranked[0]
    if gains[best] > 1e-9:
        return Choice(best, gains[best], gains[best], best)
    answer = Choice(None, gains[best], gains[best], best)
    tried: dict[tuple[int, int], float] = {}
    for i, j in itertools.combinations(ranked[:pairs], 2):
        key = tuple(sorted((id(options[i].likelihood), id(options[j].likelihood))))
        if key not in tried:
            both = joint_likelihood(options[i].likelihood, options[j].likelihood)
            tried[key] = expected_worth(weights, both, worth) - now if len(both) <= 36 else -np.inf
        gain = tried[key] - options[i].cost - options[j].cost
        if gain > max(1e-9, answer.voi):
            answer = Choice(i, gain, gains[i], best)
    return answer if answer.index is not None else _bundle(weights, options, worth, now, answer)


def _gains(weights: np.ndarray, options: list[Option], worth: Worth, now: float) -> list[float]:
    """Net worth of each option alone; images that may tell the same share one array and are reckoned once."""
    known: dict[int, float] = {}
    for option in options:
        if id(option.likelihood) not in known:
            known[id(option.likelihood)] = expected_worth(weights, option.likelihood, worth) - now
    return [known[id(option.likelihood)] - option.cost for option in options]


def _bundle(weights: np.ndarray, options: list[Option], worth: Worth, now: float, answer: Choice) -> Choice:
    """A question over many visits needs a reading of each before anything can be decided: try one of every group."""
    first: dict[tuple, int] = {}
    for i, option in enumerate(options):
        first.setdefault(option.group, i)
    chosen = list(first.values())
    if len(chosen) < 2:
        return answer
    shown = np.column_stack([options[i].likelihood.argmax(axis=0) for i in chosen])
    kinds = np.unique(shown, axis=0, return_inverse=True)[1].ravel()
    likelihood = (kinds[None, :] == np.arange(kinds.max() + 1)[:, None]).astype(float)
    cost = sum(options[i].cost for i in chosen)
    gain = BUNDLE_TRUST * (expected_worth(weights, likelihood, worth) - now) - cost
    if gain <= 1e-9:
        return answer
    index = max(chosen, key=lambda i: (_spread(weights, options[i].likelihood), -i))
    return Choice(index, gain, answer.alone, answer.first)


def _spread(weights: np.ndarray, likelihood: np.ndarray) -> float:
    """Entropy of an option's outcome: how open it is what it will show."""
    chance = np.maximum(likelihood @ weights, 1e-12)
    return round(float(-(chance * np.log(chance)).sum()), 9)
