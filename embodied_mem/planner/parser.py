"""A question in English → a Query. Rules first; a sentence encoder for wordings and names they do not know.

It says so when it does not understand: ``Parsed.understood`` is False and ``reason`` tells the asker what to change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from embodied_mem import ontology
from embodied_mem.errors import InputError
from embodied_mem.planner import kinds
from embodied_mem.planner.encoder import shared_encoder
from embodied_mem.planner.examples import nearest_kind
from embodied_mem.planner.names import Mention, find_mentions, vocabulary
from embodied_mem.planner.query import ObjectRef, Query, TimeRef
from embodied_mem.planner.times import find_times, habit_part

MAX_CHARACTERS = 500
SAME_NAME = 0.60  # cosine above which an unknown name is taken for one of the vocabulary
NO_TARGET = ("changes",)
PLACE_WORDS = r"(?:on|in|at|to|onto|into|under|by|near|from|inside|of|off|upon|beside|atop)"
ENGLISH = frozenset(
    re.findall(
        r"\w+",
        "the a an is are was were do does did will has have had where what when which who how many long there my our "
        "your of on in at to you i it its can could please tell me been be any and or that this",
    )
)


@dataclass(frozen=True)
class Parsed:
    """A parse. ``query`` is None when not understood, ``by`` names the door: "rules" or "encoder"."""

    query: Query | None
    understood: bool
    reason: str = ""
    by: str = "rules"


def parse(text: str, now: float) -> Parsed:
    """Parse one question asked at ``now`` (UTC seconds).

    Raises InputError for what is no question at all: not a string, empty, or longer than ``MAX_CHARACTERS``.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError("the question is empty; ask something like 'Where was the red mug on Tuesday?'")
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the question has {len(text)} characters, the limit is {MAX_CHARACTERS}; shorten it")
    plain = normalise(text)
    if not _is_english(plain):
        return Parsed(None, False, "I understand questions in English only; please ask in English")
    future = kinds.is_future(plain)
    times, rest = find_times(plain, datetime.fromtimestamp(now, timezone.utc), future)
    mentions = find_mentions(rest)
    marked = mark(rest, mentions)
    found, by = kinds.find_kind(marked, future), "rules"
    if found is None:
        found, by = nearest_kind(marked), "encoder"
    if found is None:
        return Parsed(None, False, "I do not understand what is asked (where, when, how many, what changed, …?)")
    query = _fill(*found, plain, rest, marked, mentions, times)
    if query.target is not None and not query.target.label and not mentions and by == "encoder":
        return Parsed(None, False, "I know neither the kind of question nor any object in it")
    return Parsed(query, True, by=by)


def normalise(text: str) -> str:
    """Lower case, plain quotes, contractions written out, one space between words, no end punctuation."""
    text = text.lower().replace("’", "'").replace("`", "'")
    text = re.sub(r"\b(where|what|when|how|there|who|it|that)'s\b", r"\1 is", text)
    text = re.sub(r"\b(where|what|when|how)'d\b", r"\1 did", text)
    text = re.sub(r"n't\b", " not", text)
    text = re.sub(r"'ll\b", " will", text)
    text = re.sub(r"'ve\b", " have", text)
    return re.sub(r"\s+", " ", re.sub(r"[?!;\"]|\.(?=\s|$)", " ", text)).strip()


def _is_english(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text)
    return bool(words) and sum(w in ENGLISH for w in words) >= max(1, len(words) // 6)


def mark(rest: str, mentions: list[Mention]) -> str:
    """The text with its names replaced by N, F, S, R, and adjectives in front of them dropped."""
    letter = {"thing": "N", "furniture": "F", "surface": "S", "room": "R"}
    out, at = [], 0
    for mention in mentions:
        before = rest[at : mention.start]
        if mention.attributes:
            head = re.sub(r"(?:[\w-]+ ?)*$", "", before)
            before = head + _without_adjectives(before[len(head) :], mention)
        out += [before, letter[mention.kind]]
        at = mention.end
    return re.sub(r"\s+", " ", "".join(out) + rest[at:]).strip()


def _without_adjectives(words: str, mention: Mention) -> str:
    kept, dropped = words.split(), 0
    while kept and dropped < len(mention.attributes):
        dropped += kept[-1] not in ("and", "little", "small", "big", "large", "old", "new")
        kept.pop()
    return " ".join(kept) + " "


def _fill(
    kind: str, aspect: str, plain: str, rest: str, marked: str, mentions: list[Mention], times: list[TimeRef]
) -> Query:
    stateful = aspect == "state"
    state, value = kinds.find_state(marked) if stateful else ("", "")
    target = _target(kind, stateful, rest, mentions)
    ref = None if kind in NO_TARGET else _object_ref(target, rest)
    if stateful and ref is not None:
        state = _state_of(ref.label, state)
    room, surface = _scope(mentions, target)
    when, until = _moments(kind, aspect, plain, times)
    if kind == "state" or (kind == "predict" and stateful):
        aspect, value = state, ""
    if kind == "attribute" and ref is not None:  # what is asked cannot also narrow the target
        ref = replace(ref, attributes=tuple(p for p in ref.attributes if p[0] != aspect))
    return Query(kind, ref, room, surface, when, until, aspect, value)


def _target(kind: str, stateful: bool, rest: str, mentions: list[Mention]) -> Mention | None:
    """The name the question is about: the first thing; furniture only where its state or looks are asked."""
    if kind in NO_TARGET:
        return None
    things = [m for m in mentions if m.kind == "thing"]
    pieces = [m for m in mentions if m.kind == "furniture"]
    if things:
        after_place = rf"\b{PLACE_WORDS} (?:the |my |our )?(?:[\w-]+ )?$"
        free = [m for m in things if not re.search(after_place, rest[: m.start])]
        return (free or things)[0]
    if stateful or kind in ("attribute", "state"):
        stateful_pieces = [m for m in pieces if ontology.FURNITURE[m.label].states]
        return (stateful_pieces or pieces or [None])[0]
    free = [m for m in pieces if not re.search(rf"\b{PLACE_WORDS} (?:the |my |our |a )?(?:[\w-]+ )?$", rest[: m.start])]
    return free[0] if free else None


def _object_ref(target: Mention | None, rest: str) -> ObjectRef:
    if target is not None:
        return ObjectRef(target.label, target.attributes, target.words)
    words = unknown_name(rest)
    return ObjectRef(_nearest_label(words) if words else "", (), words)


def unknown_name(rest: str) -> str:
    """The first noun phrase after an article that is not in the vocabulary ("trombone"), or ""."""
    stop = (
        r"(?:on|in|at|to|is|are|was|were|be|been|stand|stood|made|of|from|now|right|still|and|or|that|which|move|moved|"
        r"get|got|first|last|for|seen|here|there|disappear|appear|usually|@|N|F|S|R)"
    )
    for match in re.finditer(r"\b(?:the|a|an|my|our|any|his|her|their) ((?:[a-z'-]+ ?)+)", rest):
        phrase = re.split(rf"\b{stop}\b", match[1])[0].strip()
        if phrase and not any(phrase == p for p, _, _ in vocabulary()) and phrase not in ("colour", "color", "state"):
            return phrase
    return ""


def _nearest_label(words: str) -> str:
    encoder = shared_encoder()
    if encoder is None:
        return ""
    labels = list(ontology.THINGS)
    score = encoder.encode(labels) @ encoder.encode([words])[0]
    return labels[int(score.argmax())] if score.max() >= SAME_NAME else ""


def _state_of(label: str, named: str) -> str:
    """The aspect asked about: the one that is named, or the only one that the object has."""
    category = ontology.THINGS.get(label) or ontology.FURNITURE.get(label)
    has = category.states if category else ()
    return named if named or not has else has[0]


def _scope(mentions: list[Mention], target: Mention | None) -> tuple[str, str]:
    room = next((m.label for m in mentions if m.kind == "room"), "")
    surface = next((m.label for m in mentions if m.kind in ("surface", "furniture") and m is not target), "")
    return room, surface


def _moments(kind: str, aspect: str, plain: str, times: list[TimeRef]) -> tuple[TimeRef, TimeRef | None]:
    past_tense = bool(re.search(r"\b(?:was|were|did|had|stood|lay|sat|saw|seen)\b", plain))
    if kind in ("compare", "changes"):
        named = sorted((t for t in times if t.kind != "now"), key=_order)
        if len(named) >= 2:
            return named[0], named[1]
        return (named[0] if named else TimeRef("last")), TimeRef("now")
    if kind == "routine":
        return TimeRef("ever", "", habit_part(plain)), None
    if kind in ("when", "how_long") or aspect == "visits":
        return TimeRef("ever"), None
    if kind == "predict":
        ahead = [t for t in times if t.kind in ("future", "unknown")]
        return (ahead or [TimeRef("future", "", habit_part(plain))])[0], None
    if times:
        return times[0], None
    for word in ("first", "last"):
        seen = rf"\b{word}\b (?:\w+ )?(?:see|saw|seen|spot|spotted|notice|noticed|find|found)|\b{word} time\b"
        if re.search(seen, plain):
            return TimeRef(word), None
    return TimeRef("ever" if past_tense else "now"), None


def _order(ref: TimeRef) -> tuple:
    rank = {"first": "0000", "last": "9998", "now": "9999"}.get(ref.kind, ref.date)
    return rank, ref.part == "evening"
