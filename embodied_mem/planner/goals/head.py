"""What an instruction sends the robot to: the noun after "go to", or the one that "it" and "there" point back to."""

# ruff: noqa: E501  (a pattern is easier to read in one line)
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_BACK = r"(?: (?:back|over|along|straight|directly|again|on|out|up|down|around|right|once|off|yourself|once more|now|" \
        r"then|exactly|first|one by one|first of all|close|nearer|near|, please,?))*"  # fmt: skip
_TO = r"(?: (?:to|towards?|into|at|for|by|near|beside|next to|in front of|inside|in|on|over to|up to|with|through|off at))"
_MOVE = (r"(?:go|head|drive|navigate|return|come|travel|walk|proceed|roll|ride|run|hurry|journey|make (?:your|a) (?:way|"
         r"trip|stop|visit|tour|round)|find (?:your|the) way|(?:bring|take|get) yourself|steer|backtrack|set off|stand|"
         r"park|stop|halt|wait|pause|drop by|swing by|call|pay (?:a )?visits?|pay|get|be|position yourself|end up|arrive|"
         r"going|driving|heading|navigating|returning|be brought|retrace your steps)")  # fmt: skip
_SEEK = (r"(?:find|visit|revisit|re-visit|locate|look (?:for|up)|search (?:for|out)|seek(?: out)?|approach|reach|see|show|"
         r"track down|identify|enter|inspect|check(?: out| on)?|view|face|spot|tour|hunt down|pinpoint|point (?:me )?"
         r"(?:to|at|out)|get to|head|navigate|name|visiting|revisiting|finding|where is|where are|what is|what was|"
         r"remember|recall|do you remember|i am looking for|i need|i want|target|select|choose|be at)")  # fmt: skip
_LEAD = r"(?:bring|take|lead|guide|show|direct|get|drive|escort|navigate|steer|accompany|walk|move|point) (?:me|us)"
NAV = re.compile(
    rf"(?<![\w#])(?:{_LEAD}{_BACK}{_TO}?|(?:(?<=^)|(?<=please )|(?<=and )|(?<=then )|(?<=now )|(?<=to )|(?<=\| ))"
    rf"move{_BACK}{_TO}|{_MOVE}{_BACK}{_TO}|(?:{_SEEK})(?: again)?)(?=[ ,]|$)"
)
HEAD = re.compile(r"\b(?:OBJS?|RECS?|ROOMS?|N\d+|F\d+|R\d+)\b")
_STOP = re.compile(
    r"\||,|~|\b(?:that|which|you|we|i|whose|from|onto|into|on|in|among|made|it|is|was|were|and|but|before|after|between|"
    r"when|while|during|with|A\d|@|at|to|who|where|wherever|what|whatever|along|by|has|had)\b"
)
_QUANTITY = re.compile(
    r"^(?:(?:please|me|us|the|a|an|any|some|each|every|all|one|single|just|exactly|either|another|whichever|of|out|both|"
    r"your|those|these|that|this|of|once|again|back|up|to|at|into|in|on|by|in turn|which|what|first|precisely) )*"
)
_GAP = re.compile(r"^ (?:(?:original|initial|starting|start|source|old|previous|former|pick-?up|type|first|#\d+) )*$")
_KINDS: dict[str, Literal["object", "receptacle", "room"]] = {
    "O": "object", "N": "object", "F": "receptacle", "S": "receptacle", "E": "receptacle",
}  # fmt: skip


@dataclass(frozen=True)
class Head:
    """target: as in GoalQuery; name: code of the mention that names its category ("" for a general noun); plural: the
    noun is; code: as it stands in the marked text; start, end: where (−1: only implied)."""

    target: Literal["object", "receptacle", "room"]
    name: str = ""
    plural: bool = False
    code: str = ""
    start: int = -1
    end: int = -1


def _kind(code: str) -> Literal["object", "receptacle", "room"]:
    if code.startswith(("OBJ", "N")):
        return "object"
    return "receptacle" if code.startswith(("REC", "F")) else "room"


def find_head(text: str) -> Head | None:
    """The head of the goal in a marked instruction, or None where nothing says where to go."""
    starts = [m.end() for m in NAV.finditer(text)]
    for start in starts:
        if (head := _head_at(text, start)) is not None:
            return head
    if starts or re.search(r"^@|^(?:of|at|on|in|right|after|before|between|which|what|where|you|there|is there)\b|\b(?:which|what|where)\b", text):
        return _pointed_back(text)
    if re.match(r"(?:(?:please|now|ok|okay|next|robot|hey|and|,) ?)*(?:the|any|an?|all|every|each|one|some|"
                r"your|whichever|whatever|wherever|OBJ|REC|ROOM|[NFR#]\d)", text):  # fmt: skip
        return _head_at(text, 0)
    return None


def _head_at(text: str, start: int) -> Head | None:
    """The head of the noun phrase that begins at ``start``; None where that is a pronoun or nothing."""
    lead = len(text[start:]) - len(text[start:].lstrip(" ,"))
    start += lead
    if aside := re.match(r"(?:one after the other|in this order|in the order|in order|in turn|one by one)[^,|]*[,|] ", text[start:]):
        start += aside.end()
    part = text[start:]
    if re.match(r"(?:its|their|that OBJ's) (?:\w+ )?REC\b", part):
        return None
    skip = _QUANTITY.match(part).end()
    if moved := re.match(r"(?:where(?:ver)?|the REC where|the (?:current |present |new )?REC of) (?:the|an?|any|your|that) "
                         r"(?=[^|]*\b(?:is|are|stands?|lies?|sits?|rests?|now)\b)(?![^|]*\b(?:was|were|came|before|"
                         r"first|original\w*|from|initially|taken|took|picked)\b)", part):  # fmt: skip
        return _head_at(text, start + moved.end())
    if re.match(r"(?:the )?(?:current|present) REC of ", part[0:]):
        return _head_at(text, start + part.index(" of ") + 4)
    if where := re.match(r"where(?:ver)?\b(?! (?:it|they|that|this)(?: \w+)? (?:is|are|stands?|lies?|sits?|ended|now|end)\b)"
                         r"(?! you (?:put|left|placed) (?:it|them)\b)", part):  # fmt: skip
        return Head("receptacle", code="where", start=start, end=start + where.end())
    if what := re.match(r"(?:whatever|what|whichever)(?= (?:you|we|i|was|came|is|has|had|object)\b)", part):
        return Head("object", code="what", start=start, end=start + what.end())
    stop = _STOP.search(part, skip)
    limit = stop.start() if stop else len(part)
    found = [m for m in HEAD.finditer(part, 0, limit)]
    if not found:
        return None
    best = found[0]
    for other in found[1:]:
        if not _GAP.match(part[best.end() : other.start()]) or _kind(other[0]) == "object" != _kind(best[0]):
            break  # "the receptacle objects were taken from" is about the receptacle
        best = other
    name = next((m[0] for m in found[: found.index(best) + 1] if m[0][0] in "NF" and _kind(m[0]) == _kind(best[0])), "")
    if best[0][0] == "R" and best[0][1:].isdigit():
        name = best[0]
    return Head(_kind(best[0]), name, best[0] in ("OBJS", "RECS", "ROOMS"), best[0], start + best.start(), start + best.end())


def _pointed_back(text: str) -> Head | None:
    """What "it", "there", "the one" point back to: the noun that is asked for, else the first general one."""
    asked = re.search(r"\b(which|what|where)\b(?! (?:it|you put it)\b)", text)
    if asked and asked[1] != "where" and (head := _head_at(text, asked.end())) is not None:
        return head
    if asked and asked[1] == "what":
        return Head("object", code="what")
    if asked and asked[1] == "where" and not re.search(r"\bwhere (?:it|they|that)\b", text):
        return Head("receptacle", code="where")
    for found in HEAD.finditer(text):
        if found[0][0] in "OR" and not found[0][1:].isdigit():
            plural = found[0].endswith("S") and bool(re.search(r"\b(?:them|those|these)\b", text))
            return Head(_kind(found[0]), "", plural, found[0], found.start(), found.end())
    first = next(iter(HEAD.finditer(text)), None)
    return Head(_kind(first[0]), first[0], False, first[0], first.start(), first.end()) if first else None


_NOUN_WORDS = """
    time times order house home flat apartment building way trip session experience log recording video memory one ones
    rest tour task tasks job interaction interactions step steps action actions move moves pick-up pick-ups pickup pickups
    placement placements day days turn turns sequence list listed list. robot start end beginning middle moment minute hour
    clock first last next same other others previous following right left whole longest shortest farthest furthest most
    least drive path route distance hand gripper arm map now here there remainder total round rounds occasion occasions
    category kind type sort class shape colour color print design pattern material function purpose manner fashion
    pick pickup drop drop-off delivery transfer relocation rearrangement carry handling number numbers floor visit go duration
    history past morning afternoon evening night front near vicinity presence point spot bit couple pair half numbering
    operation operations event events activity activities work mission journey stay stop stops set group amount period
    place-down put-down put-downs drop-offs deliveries transfers stage stages
    fastest quickest slowest briefest soonest lengthiest best worst earliest latest
    collection chronological piece pieces pose posture heading room distant remote away lot
"""
_NOUNS = frozenset(_NOUN_WORDS.split())  # of phrases that name nothing to go to
_LEADS = (
    r"(?:right |immediately |just |directly )?(?:after|before|between|following|preceding|(?:up )?from|off|onto|picked(?: "
    r"up)?|took|taken|grabbed|handled|moved|carried|placed|put(?: down)?|set down|dropped(?: off)?|rearranged|relocated|"
    r"deposited|lifted|collected|transferred|left)"
)
_PHRASE = re.compile(
    rf"\b(?P<lead>{_LEADS}) (?:the|an?|your|any|some|every|each) (?P<words>(?:[a-z#'][\w'-]*(?: |$|(?=[|,])))+)(?P<next>\S*)"
)
_NO_NOUN = re.compile(
    r"^(?:that|which|you|we|i|whose|from|onto|into|on|in|at|to|among|made|it|is|was|were|has|had|have|and|but|or|before|"
    r"after|between|when|while|up|down|right|immediately|just|directly|with|during|where|by|of|for|as|off|handled|moved|"
    r"carried|took|taken|picked|placed|put|came|then|two|three|four|\d+|so|until|exactly|already|started)$"
)


def unknown_noun(text: str) -> str:
    """The noun of a phrase that must name something and that the vocabulary does not know, or ""."""
    for found in _PHRASE.finditer(text):
        words = _noun_words(found["words"].split())
        whole = words == found["words"].split()
        if words and words[-1] not in _NOUNS and not words[-1].startswith("#") and not (whole and HEAD.match(found["next"])):
            return " ".join(w for w in words if not w.startswith("#"))
    for nav in NAV.finditer(text):
        part = text[nav.end() :].lstrip(" ,")
        named = re.match(r"(?:the|an?|your|my|any|some|all|every|each)(?: of)?(?: the)? (?P<words>(?:[a-z#'][\w'-]*(?: |$|(?=[|,])))+)"
                         r"(?P<next>\S*)", part)  # fmt: skip
        if named is None:
            continue
        words = _noun_words(named["words"].split())
        whole = words == named["words"].split()
        if words and words[-1] not in _NOUNS and not words[-1].startswith("#") and not (whole and HEAD.match(named["next"])):
            return " ".join(w for w in words if not w.startswith("#"))
    return ""


def _noun_words(words: list[str]) -> list[str]:
    """The words up to the end of the noun phrase."""
    cut = next((i for i, word in enumerate(words) if _NO_NOUN.match(word)), len(words))
    return words[:cut]
