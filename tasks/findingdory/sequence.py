"""From the stops of an answer to a verdict: the original's rules (strict), and ours, which mend their flaws (default).

Both read a table ``met``: bool S G, whether stop s satisfies the predicate of goal g.

*Strict* (the original): the number of stops must be the number of different goals (1 for "any"). Each stop locks the
first goal in list order that it satisfies and that is not locked yet; a stop that locks none is fatal. In an order, a
goal that is locked before its predecessor is fatal too, and an entity named twice is one goal.

*Default*:
  any        the first stop decides, and must satisfy one of the goals
  all        every goal has a stop of its own under the best assignment of stops to goals, and every stop satisfies
             some goal
  ordered    the stops lock the goals one after the other; a stop may be repeated while its goal is locked already. An
             entity that is named twice is two visits, each with a stop of its own
  redundant  a stop that satisfies a goal again lowers precision and voids nothing
  wrong      a stop that satisfies no goal (in an order: none that is locked or due) fails the item; what the other
             stops reached stays as partial credit
  many       more than three stops a required goal are the error "too_many_stops", worth nothing: naming everything is
             no strategy
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embodied_mem.tasks.findingdory.items import Goal, Quantifier
from embodied_mem.tasks.findingdory.predicates import GoalFacts, Relax, holds

STOPS_PER_GOAL = 3


@dataclass(frozen=True)
class Verdict:
    """What the stops are worth.

    success    the instruction is fulfilled
    partial    share of the required goals that have a stop, whatever the order; for "any" 1 or 0 as success
    in_order   the same with the order kept (equals ``partial`` where none is asked for)
    precision  share of the stops that are some goal's own; None without stops; recall: share of required goals that
               have one (for "any" also where only a later stop does)
    failure    "" on success, else "no_stops", "too_many_stops", "wrong_count" (strict), "wrong_place" (a stop that
               satisfies nothing), "wrong_order" or "incomplete"
    visits     (stop, goal) of every goal's own stop, in the order of the stops
    """

    success: bool
    partial: float = 0.0
    in_order: float = 0.0
    precision: float | None = None
    recall: float = 0.0
    failure: str = ""
    visits: tuple[tuple[int, int], ...] = ()


def met_by(goals: Sequence[Goal], stops: Sequence[Sequence[GoalFacts]], relax: Relax = "") -> np.ndarray:
    """bool S G: which goals hold at which stop; ``stops`` has the facts of every goal at every stop."""
    table = [[bool(holds(g.kind, f, relax)) for g, f in zip(goals, facts, strict=True)] for facts in stops]
    return np.array(table, bool).reshape(len(stops), len(goals))


# -- default ---------------------------------------------------------------------------------------------------------


def judge(quantifier: Quantifier, met: np.ndarray) -> Verdict:
    """The default verdict of stops against goals (``met``: bool S G)."""
    count, required = len(met), 1 if quantifier == "any" else met.shape[1]
    if not count:
        return Verdict(False, failure="no_stops")
    if count > STOPS_PER_GOAL * required:
        return Verdict(False, precision=0.0, failure="too_many_stops")
    if quantifier == "any":
        return _judge_any(met)
    pairs = _assignment(met)
    chain = _chain(met) if quantifier == "ordered" else pairs
    success = _reaches_all(met) if quantifier == "ordered" else len(pairs) == required and bool(met.any(1).all())
    if success:
        failure = ""
    elif not met.any(1).all():
        failure = "wrong_place"
    else:
        failure = "wrong_order" if len(pairs) == required else "incomplete"
    return Verdict(
        success, len(pairs) / required, len(chain) / required, len(pairs) / count, len(pairs) / required, failure, chain
    )


def _judge_any(met: np.ndarray) -> Verdict:
    right = met.any(1)
    first, some = bool(right[0]), float(right.any())
    visits = ((0, int(met[0].argmax())),) if first else ()
    return Verdict(first, float(first), float(first), some / len(met), some, "" if first else "wrong_place", visits)


def _assignment(met: np.ndarray) -> tuple[tuple[int, int], ...]:
    """The most (stop, goal) pairs in which no stop and no goal is used twice, by stop."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    goal_of = maximum_bipartite_matching(csr_array(met.astype(np.int8)), perm_type="column")
    return tuple((s, int(g)) for s, g in enumerate(goal_of) if g >= 0)


def _chain(met: np.ndarray) -> tuple[tuple[int, int], ...]:
    """The longest run of (stop, goal) pairs in which both grow: as many goals as possible, visited in order."""
    stops, goals = met.shape
    best = np.zeros((stops + 1, goals + 1), int)  # best[s, g]: pairs possible with the stops from s, the goals from g
    for s in range(stops - 1, -1, -1):
        for g in range(goals - 1, -1, -1):
            best[s, g] = max(best[s + 1, g], best[s, g + 1], (best[s + 1, g + 1] + 1) if met[s, g] else 0)
    pairs, s, g = [], 0, 0
    while s < stops and g < goals:
        if met[s, g] and best[s, g] == best[s + 1, g + 1] + 1:
            pairs.append((s, g))
            s, g = s + 1, g + 1
        elif best[s, g] == best[s, g + 1]:
            g += 1
        else:
            s += 1
    return tuple(pairs)


def _reaches_all(met: np.ndarray) -> bool:
    """Whether the stops can lock all goals in order, each stop locking the next one or repeating a locked one."""
    stops, goals = met.shape
    locked = {0}  # every number of goals that may be locked by now
    for s in range(stops):
        step = {n + 1 for n in locked if n < goals and met[s, n]}
        locked = step | {n for n in locked if met[s, :n].any()}
    return goals in locked


# -- strict ----------------------------------------------------------------------------------------------------------


def judge_strict(quantifier: Quantifier, goals: Sequence[Goal], met: np.ndarray) -> Verdict:
    """The original's verdict; it knows no precision, and its partial counts are not part of its tables."""
    if not len(met):
        return Verdict(False, failure="no_stops")
    if quantifier == "any":
        if len(met) != 1:
            return Verdict(False, failure="wrong_count")
        return _judge_any(met)
    columns = [goals.index(g) for g in dict.fromkeys(goals)]  # an entity named twice is one goal
    if len(met) != len(columns):
        return Verdict(False, failure="wrong_count")
    met = met[:, columns]
    visits: list[tuple[int, int]] = []
    failure = ""
    for s in range(len(met)):
        locked = {g for _, g in visits}
        true = [g for g in range(len(columns)) if met[s, g] and g not in locked]
        if not true:
            failure = "wrong_place"
        elif quantifier == "ordered" and true[0] > len(locked):
            failure = "wrong_order"
        if failure:
            break
        visits.append((s, true[0]))
    share = len(visits) / len(columns)
    return Verdict(not failure, share, share, None, share, failure, tuple((s, columns[g]) for s, g in visits))
