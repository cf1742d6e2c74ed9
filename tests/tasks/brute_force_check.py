"""The verdict of the second opinion: answer, evidence and fairness of one item, each recomputed and compared."""

from __future__ import annotations

from tests.tasks.brute_force import (
    ABSTAIN,
    ASKABLE,
    Ambiguous,
    Case,
    Verdict,
    answer,
    in_scope,
    matching,
    resolve,
    scoped,
)


def check(item: dict, case: Case) -> Verdict:
    """Whether the item's answer, evidence and flags follow from the log and from what the camera saw."""
    query, now = item["gold_query"], item["question_time"]
    if item["unanswerable"]:
        reason = unanswerable(query, case, now)
        return Verdict(bool(reason), ABSTAIN, "" if reason else "it can be answered: the thing was seen at that time")
    try:
        mine = answer(query, case, now)
    except Ambiguous as error:
        return Verdict(False, ABSTAIN, f"no single answer: {error}")
    faults = [] if same(mine, item["answer_value"]) else [f"answer {item['answer_value']}, the log says {mine}"]
    faults += unseen(query, case, now) + evidence_faults(item, case) + static_fault(item, case)
    faults += pattern_fault(query, mine, case) if query["kind"] == "predict" else []
    return Verdict(not faults, mine, "; ".join(faults))


def same(mine: dict, theirs: dict) -> bool:
    """Equal values; times and durations to a second."""
    if mine["type"] != theirs["type"]:
        return False
    a, b = mine["data"], theirs["data"]
    if mine["type"] in ("time", "duration"):
        return abs(a - b) <= 1.0
    return sorted(a) == sorted(b) if mine["type"] == "set" else a == b


def unanswerable(query: dict, case: Case, now: float) -> str:
    """Why nobody could know the answer, or "" if somebody could."""
    for key in ("when", "until"):
        if query.get(key) and not resolve(query[key], case, now):
            return "no visit at that time"
    if query.get("target") is None:
        return ""
    ids = {i for t in _moments(case, now) for i in matching(case.world(t), query)}
    if not any(case.shows(name, ids, ASKABLE) for name, _, _ in case.visits) and not matching(case.world(now), query):
        return "the thing was never seen and is not there"
    return "" if _known(query, case, now) else "the log has no single answer"


def _known(query: dict, case: Case, now: float) -> bool:
    try:
        answer(query, case, now)
    except Ambiguous:
        return False
    return True


def unseen(query: dict, case: Case, now: float) -> list[str]:
    """The rule of fair questions: the target had 60 pixels in some recorded frame, or is there now."""
    if query.get("target") is None:
        return []
    ids = {i for t in _moments(case, now) for i in matching(case.world(t), query)}
    now_ids = matching(case.world(now), query)
    there_now = bool(now_ids if case.reachable is None else now_ids & case.reachable)
    seen = any(case.shows(name, ids, ASKABLE) for name, _, _ in case.visits)
    return [] if seen or there_now else ["the target was never in view and is not there now"]


def _moments(case: Case, now: float) -> list[float]:
    return [start for _, start, _ in case.visits] + [now]


# --- evidence ---------------------------------------------------------------------------------------------------------


def requirements(query: dict, case: Case, now: float) -> list[tuple[str, frozenset]]:
    """(visit, instance ids) pairs that an answer rests on, one a thing and moment; absences ask for no frame."""
    kind, aspect = query["kind"], query.get("aspect", "")
    if kind == "changes":
        return _of_changes(query, case, now)
    if kind in ("when", "how_long", "predict", "routine") or aspect == "visits":
        return []  # which visits bound the event is checked by soundness below, visit by visit
    needed = []
    for key in ("when", "until") if kind == "compare" else ("when",):
        for visit, t in resolve(query.get(key) or {}, case, now)[:1]:
            ids = scoped(case.world(t), query)
            many = aspect in ("objects", "count")
            needed += [(visit, frozenset([i])) for i in sorted(ids)] if many else [(visit, frozenset(ids))] * bool(ids)
    return needed


def _of_changes(query: dict, case: Case, now: float) -> list[tuple[str, frozenset]]:
    (before, t0), (after, t1) = (resolve(query.get(k) or {}, case, now)[0] for k in ("when", "until"))
    old, new = ({i for i, r in case.world(t).items() if i >= 1000 and in_scope(r, query)} for t in (t0, t1))
    return [(before, frozenset([i])) for i in sorted(old - new)] + [(after, frozenset([i])) for i in sorted(new - old)]


def evidence_faults(item: dict, case: Case) -> list[str]:
    """Each requirement of the item shows something the question is about; each of ours is among the item's."""
    query, now = item["gold_query"], item["question_time"]
    faults = []
    for wanted in item["evidence"]:
        if isinstance(wanted, dict):
            if not set(wanted["things"]) & _about(query, case, now):
                faults.append(f"present {wanted} is beside the point")
            continue
        for name in wanted:
            visit, index = name.split("/")
            frame = case.pixels.get(visit, {})
            seen = frame.get(int(index), frame.get(str(int(index)), {}))
            if not any(int(i) in _about(query, case, now) and n >= 30 for i, n in seen.items()):
                faults.append(f"{name} shows nothing the question is about")
    theirs = [set(r) for r in item["evidence"] if not isinstance(r, dict)]
    present = [set(r["things"]) for r in item["evidence"] if isinstance(r, dict)]
    for visit, ids in requirements(query, case, now):
        frames = set(case.shows(visit, ids)) if visit != "now" else set()
        met = any(ids & p for p in present) if visit == "now" else not frames or frames in theirs
        if not met:
            faults.append(f"no requirement for {sorted(ids)} in visit {visit}")
    return faults


def _about(query: dict, case: Case, now: float) -> set[int]:
    """Ids whose sight bears on the answer: the target at any moment, and what stands at the named place."""
    about, when = set(), [t for key in ("when", "until") for _, t in resolve(query.get(key) or {}, case, now)]
    for t in [*_moments(case, now), *when]:
        world = case.world(t)
        about |= matching(world, query)
        named = query.get("surface") or query.get("room")
        about |= {i for i, r in world.items() if named and in_scope(r, query)}
        about |= {i for i, r in world.items() if query.get("surface") and r["label"] in query["surface"]}
    return about


def static_fault(item: dict, case: Case) -> list[str]:
    """A question of one moment is static exactly if every single visit, and now, would give its answer."""
    query, now = item["gold_query"], item["question_time"]
    if item["unanswerable"] or query["kind"] not in ("where", "exists", "count", "attribute", "state"):
        return []
    if query.get("aspect") == "visits" or (query.get("when") or {}).get("kind") == "ever":
        return []
    alone = []
    for t in _moments(case, now):
        moment = Case(case.log, [("one", t, t)], {}, None, case._worlds)
        try:
            alone.append(same(answer({**query, "when": {"kind": "first"}}, moment, now), item["answer_value"]))
        except Ambiguous:
            alone.append(False)
    return [] if all(alone) == item["static"] else [f"static is {item['static']}, but alone visits say {alone}"]


def pattern_fault(query: dict, value: dict, case: Case) -> list[str]:
    """A prediction rests on a value that three recorded visits had, or a count that changed evenly in the last four."""
    history = []
    for _, start, _ in case.visits:
        moment = Case(case.log, [("one", start, start)], {}, None, case._worlds)
        try:
            history.append(answer({**query, "when": {"kind": "first"}}, moment, start))
        except Ambiguous:
            history.append(None)
    if sum(h is not None and same(h, value) for h in history) >= 3:
        return []
    counts = [h["data"] for h in history[-4:] if h is not None and h["type"] == "count"]
    steps = {b - a for a, b in zip(counts, counts[1:], strict=False)}
    if len(counts) == 4 and len(steps) == 1 and steps != {0}:
        return []
    return [f"no pattern: the visits say {[h and h['data'] for h in history]}, predicted is {value['data']}"]
