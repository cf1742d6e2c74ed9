"""Example instructions for the encoder: a wording that no rule knows is read as the query of its nearest example."""

from __future__ import annotations

import re
from dataclasses import replace

from embodied_mem import ontology
from embodied_mem.planner.encoder import shared_encoder
from embodied_mem.planner.goals.head import NAV, find_head
from embodied_mem.planner.goals.query import Anchor, GoalQuery
from embodied_mem.planner.goals.words import Marked
from embodied_mem.planner.names import Mention

SAME_GOAL = 0.62  # cosine below which the nearest example says nothing
LEAST_WORDS = 6  # "go to the object" says nothing about which
X, Y = Anchor("x"), Anchor("y")


def _object(role: str = "handled", **more) -> GoalQuery:
    return GoalQuery("object", role, **more)


def _piece(role: str, **more) -> GoalQuery:
    return GoalQuery("receptacle", role, **more)


def _room(role: str, **more) -> GoalQuery:
    return GoalQuery("room", role, **more)


#: A query, its slots filled with stand-ins, and how it may be said: mug, radio things; table furniture; third ordinal.
EXAMPLES: tuple[tuple[GoalQuery, str], ...] = (
    (_object("", label="x"), "go to a mug of the house"),
    (_piece("", label="x"), "go to a table of the house"),
    (_piece("handled"), "go to furniture that your work had to do with"),
    (_piece("unhandled"), "go to furniture that had no share in your work"),
    (_object(), "go to an object that is no longer where it was in the morning because of you"),
    (_object("unhandled"), "go to an object that is still in its old place"),
    (_piece("picked_from"), "go to furniture that is emptier because of you"),
    (_piece("placed_on"), "go to furniture that is fuller because of you"),
    (_object(label="x"), "go to the mug that has another place because of you"),
    (_object("unhandled", label="x"), "go to the mug that is still in its old place"),
    (_piece("unhandled", label="x"), "go to a table that had no share in your work"),
    (_piece("picked_from", label="x"), "go to a table that is emptier because of you"),
    (_piece("placed_on", label="x"), "go to a table that is fuller because of you"),
    (_piece("picked_from", anchor=X), "go to the old place of the mug"),
    (_object(source="x"), "go to the object whose old place was the table"),
    (_piece("handled", superlative="farthest"), "go to the furniture of your work that is a long way off, the longest"),
    (_piece("unhandled", superlative="farthest"), "go to furniture without a share in your work, a long way off"),
    (_object(superlative="farthest"), "go to the object of your work that is the longest way off"),
    (_room("picked_in", ordinal=3), "go to the room that the third object had its old place in"),
    (_room("placed_in", ordinal=3), "go to the room that the third object has its new place in"),
    (_room("picked_in", anchor=X), "go to the room that the mug had its old place in"),
    (_room("placed_in", anchor=X), "go to the room that the mug has its new place in"),
    (_room("unvisited"), "go to a room that is unknown to you"),
    (_object(ordinal=3), "go to the object that was third in your work"),
    (_piece("picked_from", ordinal=3), "go to the old place of the third object"),
    (_piece("placed_on", ordinal=3), "go to the new place of the third object"),
    (_object(anchor=X, offset=1), "go to the object that was the mug's successor"),
    (_object(anchor=X, offset=-1), "go to the object that was the mug's predecessor"),
    (_object(anchor=X, until=Y), "go to the object whose turn was in the middle of the mug and the radio"),
    (_piece("handled", at=(None, 0.0)), "go to the furniture that occupied you at noon"),
    (_object(at=(None, 0.0)), "go to the object that occupied you at noon"),
    (_object(superlative="longest"), "go to the object that held you up more than all others"),
    (_object(superlative="shortest"), "go to the object that held you up less than all others"),
    (_room("", superlative="longest"), "go to the room that had your company for most of the day"),
    (_piece("picked_from", many="all"), "go to the old places of all objects"),
    (_piece("placed_on", many="all"), "go to the new places of all objects"),
    (_object(many="all"), "go to all objects of your work"),
    (_piece("handled", many="all"), "go to all the furniture of your work"),
)
_WORDS = {"OBJS": "objects", "OBJ": "object", "RECS": "furniture", "REC": "furniture", "ROOMS": "rooms", "ROOM": "room"}


def nearest_query(marked: Marked) -> GoalQuery | None:
    """The query of the nearest example with this instruction's names and numbers, or None: no example is near or has
    room for all that is named, nothing is to be gone to, or the encoder is not installed."""
    too_little = len(marked.text.replace("|", " ").split()) < LEAST_WORDS
    if too_little or not NAV.search(marked.text) or re.match(r"(?:how|why|when|who)\b", marked.text):
        return None
    if (encoder := shared_encoder()) is None:
        return None
    head = find_head(marked.text)
    scores = encoder.encode([text for _, text in EXAMPLES]) @ encoder.encode([_plain(marked.text)])[0]
    for i in scores.argsort()[::-1]:
        if scores[i] < SAME_GOAL:
            return None
        query = _filled(EXAMPLES[i][0], marked)
        if query is not None and (head is None or head.target == query.target):
            return query
    return None


def _plain(text: str) -> str:
    """The marked text with the examples' stand-ins for its codes."""
    things = iter(("mug", "radio", "lamp"))
    text = re.sub(r"\bN\d+\b", lambda _: next(things, "thing"), text)
    text = re.sub(r"\bF\d+\b", "table", re.sub(r"#\d+", "third", text)).replace("@", "at noon")
    text = re.sub(r"\b(?:OBJS?|RECS?|ROOMS?)\b", lambda m: _WORDS[m[0]], text)
    return re.sub(r"\bA\d\b", "", text.replace("|", " ")).strip()


def _filled(query: GoalQuery, marked: Marked) -> GoalQuery | None:
    """An example's query with the slots of an instruction; None where these are not the ones it has."""
    things = [m for code, m in marked.names.items() if code[0] == "N"]
    pieces = [m for code, m in marked.names.items() if code[0] == "F"]
    ordinals = [int(n) for n in re.findall(r"#(\d+)", marked.text)]
    wants_thing = [query.label and query.target == "object", query.anchor, query.until]
    wants_piece = [query.source, query.label and query.target == "receptacle"]
    wants = (sum(map(bool, wants_thing)), sum(map(bool, wants_piece)), query.ordinal is not None, query.at is not None)
    if wants != (len(things), len(pieces), len(ordinals), marked.at is not None):
        return None
    if query.label or query.source:
        named = _label((things or pieces)[0])
        query = replace(query, **{"label" if query.label else "source": named})
    if query.anchor:
        until = Anchor(_label(things[1])) if query.until else None
        query = replace(query, anchor=Anchor(_label(things[0])), until=until)
    ordinal = ordinals[0] if ordinals else None
    return replace(query, ordinal=ordinal, at=marked.at, attribute=marked.look if query.target == "object" else None)


def _label(mention: Mention) -> str:
    label = mention.label.rpartition(" of the ")[2]
    return label if label in ontology.FURNITURE else mention.label
