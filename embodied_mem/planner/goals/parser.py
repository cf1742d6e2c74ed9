"""An instruction in English → a GoalQuery, put together from what is sought, what was done to it, and which it is.

Rules first; a sentence encoder for wordings that they do not know. It says so when it does not understand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from embodied_mem.errors import InputError
from embodied_mem.planner.goals import relations
from embodied_mem.planner.goals.anchors import Anchored, find_anchors
from embodied_mem.planner.goals.head import Head, find_head, unknown_noun
from embodied_mem.planner.goals.query import GoalQuery
from embodied_mem.planner.goals.words import Marked, mark
from embodied_mem.planner.parser import MAX_CHARACTERS

EXAMPLE = "'Go to the third object that you handled.'"


@dataclass(frozen=True)
class ParsedGoal:
    """A parse. ``query`` is None when not understood, ``reason`` tells the asker what to change, ``by`` names the
    door: "rules" or "encoder"."""

    query: GoalQuery | None
    understood: bool
    reason: str = ""
    by: str = "rules"


class NotUnderstood(Exception):
    """The message is the reason for the asker; ``final``: no other wording rule may guess."""

    def __init__(self, reason: str, final: bool = False):
        super().__init__(reason)
        self.final = final


def parse_goal(text: str) -> ParsedGoal:
    """Parse one instruction.

    Raises InputError for what is no instruction at all: not a string, empty, or longer than ``MAX_CHARACTERS``.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"the instruction is empty; say something like {EXAMPLE}")
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the instruction has {len(text)} characters, the limit is {MAX_CHARACTERS}; shorten it")
    marked = mark(text)
    try:
        return ParsedGoal(read(marked), True)
    except NotUnderstood as why:
        if not why.final:
            from embodied_mem.planner.goals.examples import nearest_query

            if (query := nearest_query(marked)) is not None:
                return ParsedGoal(query, True, by="encoder")
        return ParsedGoal(None, False, str(why))


def read(marked: Marked) -> GoalQuery:
    """The query of a marked instruction by the rules; raises NotUnderstood."""
    if marked.lost:
        raise NotUnderstood("there is no such time of day; give one from 00:00 to 23:59", final=True)
    text = relations.without_indifference(marked.text)
    if noun := unknown_noun(text):
        raise NotUnderstood(f"I know no {noun!r}; name a thing, a piece of furniture or a room", final=True)
    head = find_head(text)
    if head is None:
        raise NotUnderstood(f"I do not understand where to go; say something like {EXAMPLE}")
    anchored = find_anchors(text, head)
    if head.target == "room":
        return _room(marked, head, anchored)
    return _single_or_many(marked, head, anchored)


def _room(marked: Marked, head: Head, anchored: Anchored) -> GoalQuery:
    label = marked.names[head.name].label if head.name else ""
    superlative = relations.superlative(anchored.rest)
    done = relations.find(anchored.rest, "room")
    if superlative in ("longest", "shortest"):
        return GoalQuery("room", label=label, superlative=superlative)
    named = bool(anchored.ordinals or anchored.codes)
    if done.negated or (done.role == "unvisited" and not named):
        return GoalQuery("room", "unvisited")
    if named and done.role in ("picked_in", "placed_in"):
        return _which(GoalQuery("room", done.role, label), marked, anchored)
    if label and not named:
        return GoalQuery("room", label=label)
    raise NotUnderstood("say whether the room is meant in which the object was picked up or put down")


def _which(query: GoalQuery, marked: Marked, anchored: Anchored) -> GoalQuery:
    """The query with the interaction that the instruction names: by its number, or by an object's name."""
    if anchored.codes:
        first, until = (*anchored.anchors(marked.names), None)[:2]
        return replace(query, anchor=first, until=until, offset=0 if until else anchored.offset)
    return replace(query, ordinal=anchored.ordinals[0]) if anchored.ordinals else query


def _single_or_many(marked: Marked, head: Head, anchored: Anchored) -> GoalQuery:
    receptacle = head.target == "receptacle"
    done = relations.find(anchored.rest, head.target)
    query = GoalQuery(head.target, done.role, at=marked.at, superlative=relations.superlative(anchored.rest))
    if relations.NEAREST.search(anchored.rest):
        raise NotUnderstood("I rank by what is farthest, not by what is nearest; leave it out", final=True)
    query = _narrowed(query, marked, head, anchored, done)
    if len(anchored.ordinals) > 1:
        query = replace(query, many="ordered", order=anchored.ordinals)
    else:
        query = _which(query, marked, anchored)
    special = query.ordinal or query.anchor or query.at or query.superlative or query.order
    if relations.is_ordered(marked.text) and not special:
        query = replace(query, many="ordered")
    elif relations.is_all(marked.text, head) and not special:
        query = replace(query, many="all")
    if not query.role and (special or query.source) and not (receptacle and query.label and not special):
        query = replace(query, role="handled")
    if receptacle and not (query.role or query.label):
        raise NotUnderstood("say which receptacle is meant: picked from, placed on, handled or not, or its kind")
    if receptacle and query.role == "handled" and (query.ordinal or query.order or query.anchor):
        raise NotUnderstood("say whether the receptacle is meant that was picked from, or the one that was placed on")
    if not receptacle and not (query.role or query.label or query.attribute):
        raise NotUnderstood("say which object is meant: its kind, how it looks, or what you did to it")
    return query


def _narrowed(query: GoalQuery, marked: Marked, head: Head, anchored: Anchored, done: relations.Done) -> GoalQuery:
    """Label, source and attribute: what the names in the instruction are to the target."""
    names = marked.names
    free = [code for code in names if code != head.name and code not in anchored.codes and code in anchored.rest]
    pieces = [code for code in free if code[0] == "F"]
    if any(code[0] == "R" for code in free):
        raise NotUnderstood("I cannot narrow a search to a room by its name; leave the room out", final=True)
    label = furniture_label(names[head.name].label) if head.name else ""
    if query.target == "receptacle":
        return replace(query, label=label or (furniture_label(names[pieces[0]].label) if pieces else ""))
    label = label or next((names[code].label for code in free if code[0] == "N"), "")
    source = ""
    if pieces:
        if done.placed and not done.picked:
            raise NotUnderstood("I find objects by where they were picked up, not by where they were put", final=True)
        source = furniture_label(names[pieces[0]].label)
    return replace(query, label=label, source=source, attribute=marked.look)


def furniture_label(name: str) -> str:
    """The piece of furniture of a named level: ``"upper shelf of the bookcase"`` → ``"bookcase"``."""
    return name.rpartition(" of the ")[2] if " shelf of the " in name else name
