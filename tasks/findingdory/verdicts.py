"""One prediction row, judged anew from the facts in it: every measure by the default rules and by the strict ones."""

from __future__ import annotations

import math

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.tasks.findingdory.items import CATEGORIES, GROUPS, Goal
from embodied_mem.tasks.findingdory.predicates import GoalFacts
from embodied_mem.tasks.findingdory.sequence import Verdict, judge, judge_strict, met_by
from embodied_mem.tasks.findingdory.settings import MIN_PIXELS
from embodied_mem.tasks.findingdory.tours import spl

ERRORS = ("", "unparsable", "no_answer", "out_of_range")
ANSWERABLE = ("answerable_from_log", "needs_exploration", "unanswerable")
QUANTIFIERS = ("any", "all", "ordered")
SLIGHTLY_M = 2.5  # a wrong stop nearer than that to a goal is "slightly far"
KINDS = ("object", "receptacle", "room")
STRICT = ("hl_sr", "dtg_sr", "sc_sr", "hl_spl", "ll_sr", "ll_spl")  # what the original measures
MEASURES = (*STRICT, "partial", "in_order", "precision", "recall")
_KEPT = (
    "key", "agent", "id", "house", "episode", "template", "category", "group", "answerable", "interactions", "error",
    "confidence", "images", "explored_m", "seconds",
)  # fmt: skip
_WORDS = {
    "category": CATEGORIES, "group": GROUPS, "quantifier": QUANTIFIERS, "answerable": ANSWERABLE, "error": ERRORS,
}  # fmt: skip


def judged(row: dict) -> dict:
    """What metrics need of a row: who, where and at what cost; ``MEASURES`` by the default rules, and under "strict"
    those of ``STRICT``; ``failure`` (why HL failed, or ""), ``ll_failure`` (why the drive failed, or "").

    A row with an error is worth nothing, whatever stops it has; an unparsable answer is never taken for a frame.
    Raises InputError, naming the row's key, where a field is missing or damaged.
    """
    name = row.get("key", "?") if isinstance(row, dict) else "?"
    try:
        _check(row)
        goals = [_goal(raw) for raw in row["goals"]]
        stops = _facts(row["stops"], goals)
        low = _drive(row["ll"], goals)
        result = {k: row[k] for k in _KEPT}
        verdict, result["strict"] = Verdict(False, failure=row["error"]), dict.fromkeys(STRICT, 0.0)
        result |= dict.fromkeys(MEASURES, 0.0) | {"precision": None}
        if row["error"]:
            low = None
        else:
            verdict, measures = _default(row, goals, stops, low)
            result |= measures | {"strict": _strict(row, goals, stops, low)}
    except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
        raise InputError(f"prediction {name}: {type(error).__name__} {error}; write the row anew") from error
    if row["answerable"] == "unanswerable":  # saying so is right, and nothing else is
        result["hl_sr"] = float(row["error"] == "no_answer")
    drove_wrong = low is not None and result["hl_sr"] and not result["ll_sr"]
    return result | {"failure": verdict.failure, "ll_failure": _ll_failure(goals, low) if drove_wrong else ""}


def _default(row: dict, goals: list[Goal], stops: list, low: dict | None) -> tuple[Verdict, dict]:
    quantifier, met = row["quantifier"], met_by(goals, stops)
    verdict = judge(quantifier, met)
    driven = verdict.success and low is not None and judge(quantifier, met_by(goals, low["stops"])).success
    return verdict, {
        "hl_sr": float(verdict.success),
        "dtg_sr": float(judge(quantifier, met_by(goals, stops, "coverage")).success),
        "sc_sr": float(judge(quantifier, met_by(goals, stops, "distance")).success),
        "hl_spl": spl(verdict.success, *_chosen_way(row, met)),
        "ll_sr": float(driven), "ll_spl": spl(driven, *_driven_way(low)),
        "partial": verdict.partial, "in_order": verdict.in_order,
        "precision": verdict.precision, "recall": verdict.recall,
    }  # fmt: skip


def _strict(row: dict, goals: list[Goal], stops: list, low: dict | None) -> dict:
    def success(stops: list, relax: str = "") -> bool:
        return judge_strict(row["quantifier"], goals, met_by(goals, stops, relax)).success

    right = success(stops)
    driven = right and low is not None and success(low["stops"])
    return {
        "hl_sr": float(right), "dtg_sr": float(success(stops, "coverage")), "sc_sr": float(success(stops, "distance")),
        "hl_spl": spl(right, *_chosen_way(row, met_by(goals, stops))),
        "ll_sr": float(driven), "ll_spl": spl(driven, *_driven_way(low)),
    }  # fmt: skip


def _chosen_way(row: dict, met: np.ndarray) -> tuple[float, float]:
    """L* and the way chosen, metres on foot from the end pose.

    any: to the nearest goal, and to the nearest of those at the first stop; ordered: both are the one way in this
    order; all: the shortest tour, and the tour in the order of the stops.
    """
    if row["quantifier"] == "any":
        starts = [_metres(v) for v in row["starts_m"]]
        reached = [far for far, right in zip(starts, met[0] if len(met) else [], strict=False) if right]
        return min(starts, default=math.inf), min(reached, default=math.inf)
    shortest, chosen = _metres(row["hl_shortest_m"]), _metres(row["hl_chosen_m"])
    # The order by which the tour was sought may miss the shortest by a little; the way chosen is a tour as well.
    return (shortest, shortest) if row["quantifier"] == "ordered" else (min(shortest, chosen), chosen)


def _ll_failure(goals: list[Goal], low: dict) -> str:
    """Why a drive failed: the reason it was given up for, else how the first wrong stop stands to the nearest goal."""
    if low["reason"] != "arrived":
        return low["reason"]
    wrong = [facts for facts, met in zip(low["stops"], met_by(goals, low["stops"]), strict=True) if not met.any()]
    if not wrong:
        return "not at every goal"
    nearest = min(wrong[0], key=lambda f: f.distance_m)
    seen = "in view" if nearest.pixels >= MIN_PIXELS else "not in view"
    return f"{seen}, {'slightly far' if nearest.distance_m < SLIGHTLY_M else 'too far'}"


def _driven_way(low: dict | None) -> tuple[float, float]:
    return (0.0, 0.0) if low is None else (_metres(low["shortest_m"]), _metres(low["metres"]))


# -- reading a row ---------------------------------------------------------------------------------------------------


def _check(row: dict) -> None:
    """ValueError or KeyError for what no row may be."""
    for field, values in _WORDS.items():
        if row[field] not in values:
            raise ValueError(f"{field} {row[field]!r} is none of {', '.join(map(repr, values))}")
    for field in ("key", "agent", "id"):
        if not isinstance(row[field], str) or not row[field]:
            raise ValueError(f"{field} must be a text, not {row[field]!r}")
    for field in ("template", "house", "episode", "interactions"):
        if type(row[field]) is not int or row[field] < 0:
            raise ValueError(f"{field} must be a whole number, not {row[field]!r}")
    for field, most in (("confidence", 1.0), ("images", math.inf), ("explored_m", math.inf), ("seconds", math.inf)):
        value = row[field]
        if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= most:
            raise ValueError(f"{field} must be a number from 0 to {most}, not {value!r}")
    if len(row["starts_m"]) != len(row["goals"]):
        raise ValueError(f"starts_m has {len(row['starts_m'])} ways for {len(row['goals'])} goals")
    if not row["goals"] and row["answerable"] != "unanswerable":
        raise ValueError("an item that can be fulfilled needs goals")


def _goal(raw: dict) -> Goal:
    goal = Goal(**raw)
    if goal.kind not in KINDS or type(goal.id) is not int:
        raise ValueError(f"goal {raw} is no object, receptacle or room with an id")
    return goal


def _drive(low: dict | None, goals: list[Goal]) -> dict | None:
    if low is None:
        return None
    return {
        "stops": _facts(low["stops"], goals), "reason": str(low["reason"]),
        "metres": low["metres"], "shortest_m": low["shortest_m"],
    }  # fmt: skip


def _facts(stops: list[dict], goals: list[Goal]) -> list[list[GoalFacts]]:
    for stop in stops:
        if len(stop["facts"]) != len(goals):
            raise ValueError(f"a stop has facts of {len(stop['facts'])} goals, the item has {len(goals)}")
    return [[GoalFacts.from_json(raw) for raw in stop["facts"]] for stop in stops]


def _metres(value: float | None) -> float:
    """Metres of a way; None is no way."""
    if value is None:
        return math.inf
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"a way must be metres >= 0 or null, not {value!r}")
    return float(value)
