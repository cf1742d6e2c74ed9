"""What an instruction of each template means, as the fields of a ``GoalQuery`` that differ from the defaults."""

from __future__ import annotations

HANDLED, UNHANDLED, PICKED, PLACED = "handled", "unhandled", "picked_from", "placed_on"
# template: target, role, the rest
PLAIN = {
    3: ("receptacle", HANDLED), 4: ("receptacle", UNHANDLED), 5: ("object", HANDLED), 6: ("object", UNHANDLED),
    7: ("receptacle", PICKED), 8: ("receptacle", PLACED), 30: ("room", "unvisited"),
}  # fmt: skip
LABELLED = {
    1: ("object", ""), 2: ("receptacle", ""), 9: ("object", HANDLED), 10: ("object", UNHANDLED),
    11: ("receptacle", UNHANDLED), 12: ("receptacle", PICKED), 13: ("receptacle", PLACED),
}  # fmt: skip
OF_A_THING = {14: ("receptacle", PICKED), 28: ("room", "picked_in"), 29: ("room", "placed_in")}
SUPERLATIVE = {
    21: ("receptacle", HANDLED, "farthest"), 22: ("receptacle", UNHANDLED, "farthest"),
    23: ("receptacle", PICKED, "farthest"), 24: ("receptacle", PLACED, "farthest"), 25: ("object", HANDLED, "farthest"),
    49: ("object", HANDLED, "longest"), 50: ("room", "", "longest"), 51: ("object", HANDLED, "shortest"),
}  # fmt: skip
COUNTED = {
    26: ("room", "picked_in"), 27: ("room", "placed_in"), 31: ("object", HANDLED), 32: ("receptacle", PICKED),
    33: ("receptacle", PLACED), 34: ("receptacle", PICKED), 35: ("object", HANDLED),
}  # fmt: skip
BESIDE = {
    36: ("object", HANDLED, 1), 37: ("object", HANDLED, -1), 38: ("object", HANDLED, 2), 39: ("object", HANDLED, -2),
    41: ("receptacle", PLACED, -1), 42: ("receptacle", PICKED, 1), 43: ("receptacle", PLACED, -2),
    44: ("receptacle", PICKED, 2), 40: ("object", HANDLED, 0), 45: ("receptacle", PLACED, 0),
    46: ("receptacle", PICKED, 0),
}  # fmt: skip
ALL = {
    52: ("receptacle", PICKED), 53: ("receptacle", PLACED), 54: ("receptacle", PLACED), 55: ("receptacle", PICKED),
    56: ("object", HANDLED), 57: ("receptacle", HANDLED),
}  # fmt: skip
ORDERED = {58: ("receptacle", PICKED), 59: ("receptacle", PLACED), 60: ("object", HANDLED)}


def query_of(template: int, slots: dict) -> dict:
    """The meaning of a template with its slots filled (names of the slots: ``Item.slots``)."""
    if template in PLAIN:
        return _query(*PLAIN[template])
    if template in LABELLED:
        return _query(*LABELLED[template], label=slots["label"])
    if template in OF_A_THING:
        return _query(*OF_A_THING[template], anchor={"label": slots["label"]})
    if template == 15:
        return _query("object", HANDLED, source=slots["source"])
    if template in (16, 17, 18, 19, 20):
        return _query("object", HANDLED, attribute=[slots["attribute"], slots["value"]])
    if template in SUPERLATIVE:
        target, role, which = SUPERLATIVE[template]
        return _query(target, role, superlative=which)
    if template in COUNTED:
        return _query(*COUNTED[template], ordinal=slots["ordinal"])
    if template in BESIDE:
        target, role, offset = BESIDE[template]
        until = {"until": _anchor(slots["y"])} if "y" in slots else {}
        return _query(target, role, anchor=_anchor(slots["x"]), offset=offset, **until)
    if template in (47, 48):
        return _query("receptacle" if template == 47 else "object", "", at=[slots["day"], slots["seconds"]])
    if template in ALL:
        label = {"label": slots["label"]} if "label" in slots else {}
        return _query(*ALL[template], many="all", **label)
    return _query(*ORDERED[template], many="ordered", order=slots["order"])


def _query(target: str, role: str, **rest) -> dict:
    return {"target": target, "role": role, **rest}


def _anchor(named: dict) -> dict:
    return {"label": named["label"], "occurrence": named["occurrence"]}
