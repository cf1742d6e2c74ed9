"""Which interaction an instruction means: the objects it names before, after and between, and its ordinals."""

# ruff: noqa: E501  (a pattern is easier to read in one line)
from __future__ import annotations

import re
from dataclasses import dataclass

from embodied_mem.planner.goals.head import Head
from embodied_mem.planner.goals.query import Anchor
from embodied_mem.planner.goals.words import NUMBER, number
from embodied_mem.planner.names import Mention

_UNITS = (r"(?:interactions?|steps?|objects?|items?|things?|moves?|tasks?|pick-?ups?|placements?|rounds?|turns?|OBJS?|RECS?|"
          r"transfers?|jobs?|actions?|times?|places?|deliver(?:y|ies)|operations?|relocations?|rearrangements?|put-?downs?|"
          r"drop-?offs?|positions?|spots?|stops?|ones?|errands?|trips?|handlings?|carries|activit(?:y|ies)|events?|slots?)")  # fmt: skip
_COUNT = re.compile(
    rf"\b(?P<n>{NUMBER}|a couple of|a pair of)(?: (?:whole|full|more|other|handled|complete))?(?: {_UNITS})?"
    r"(?: (?:\w+ ){0,6}?)?(?= ?(?:later|earlier|before|after|prior|ahead|following|previous|further|preceding|behind|back|"
    r"past|removed|down the line|subsequent|since|on from|in advance))"
)
_APART = re.compile(rf"\bwith (?:exactly |just |only )?(?P<n>{NUMBER}) (?:\w+ )?{_UNITS} in ?between|\bskipping (?P<m>{NUMBER})\b")
_TWICE = re.compile(r"\b(?:next|last|previous) but one\b|\bone but (?:next|last)\b|\bafter next\b|\bbefore last\b")
_DONE = r"(?:done|finished|through|completed|ready|over)"
AFTER = (rf"(?:(?:when|once|as soon as) (?:you|we|i) (?:were|had|got|was|are) (?:{_DONE}|dealt|put|placed|handled|moved|"
         rf"carried)|after|following|succeeding|since|later than|subsequent to|behind|follow(?:s|ed)|succeed(?:s|ed)|once|as "
         rf"soon as|(?:up)?on (?=finish|complet|put|plac)|past|whose predecessor (?:is|was)|successor (?:of|to))")  # fmt: skip
BEFORE = (r"(?:when (?:you|we|i) (?:were|was) about to|before|prior to|preceding|preced(?:es|ed)|ahead of|earlier than|until|"
          r"in advance of|leading up to|whose successor (?:is|was)|predecessor (?:of|to))")  # fmt: skip
_FILL = r"(?:(?!\b(?:between|after|before|and|but|that|which)\b|OBJ|REC|ROOM|N\d)[\w'-]+ ){0,9}?"
_FILL_BETWEEN = r"(?:(?!\b(?:after|before)\b)[\w'#-]+,? ){0,7}?"
_NAME = r"(?:(?:the|a|an|your|that|any|some|this) )?(?:#\d+ )?(?:(?!that|which|you)[a-z][\w-]* ){{0,2}}?(?P<{0}>N\d+)(?: #\d+| OBJ)?"
_TRAIL = (r"(?: (?:was|were|is|had been|has been|got|getting|being|be)(?: \w+(?:ed|en|t|ld|aken|ut))(?: (?:up|down|away|off))?"
          r"(?: by you)?| (?:up|down|away)\b| (?:that |which )?(?:you|we|i) (?:had |have )?(?:handled|moved|carried|rearranged|"
          r"relocated|interacted with|transferred|transported)\b)?(?: (?:away|off|elsewhere))?")  # fmt: skip
_X, _Y = _NAME.format("x"), _NAME.format("y")
_JOIN = r",?(?: and| but| yet| and also)?(?: also)?,? "
_PAIRS = tuple(
    (re.compile(pattern), swap)
    for pattern, swap in (
        (rf"\b(?:in ?)?between (?:that of |those of )?{_FILL_BETWEEN}{_X}{_TRAIL} (?:and|&) {_FILL_BETWEEN}{_Y}{_TRAIL}", False),
        (rf"\b{AFTER} {_FILL}{_X}{_TRAIL}{_JOIN}(?:right |just |immediately )?{BEFORE} {_FILL}{_Y}{_TRAIL}", False),
        (rf"\b{BEFORE} {_FILL}{_X}{_TRAIL}{_JOIN}(?:right |just |immediately )?{AFTER} {_FILL}{_Y}{_TRAIL}", True),
        (rf"\bfrom {_FILL}{_X}{_TRAIL} (?:to|until|till) {_FILL}{_Y}{_TRAIL}", False),
    )
)
_RIGHT = r"(?:(?:right|immediately|just|directly|straight|shortly|instantly|next|last|one (?:interaction|step|object|OBJ|move|task|pick-?up|placement)) )*"
_ONE = re.compile(rf"{_RIGHT}\b(?:(?P<after>{AFTER})|(?P<before>{BEFORE})) {_FILL}{_X}{_TRAIL}")
_CLOSE = re.compile(  # what only says how near to the anchor it was
    rf"(?:\b(?:right|immediately|just|directly|straight|shortly|(?:exactly )?{NUMBER}(?: \w+)?(?: later| earlier)?) ?)+$"
)
_POSSESSIVE = re.compile(rf"\b{_X} (?:was|is|had|got|being)(?: \w+)? (?:(?P<after>followed)|(?P<before>preceded)) by")


@dataclass(frozen=True)
class Anchored:
    """rest: the text without the anchors and without ordinals that count objects of a name; codes: of the anchors (two:
    between them); occurrences: which of several of that name, parallel to codes; offset: as in GoalQuery; ordinals:
    the other ordinals of the text, in order."""

    rest: str
    codes: tuple[str, ...] = ()
    occurrences: tuple[int, ...] = ()
    offset: int = 0
    ordinals: tuple[int, ...] = ()

    def anchors(self, names: dict[str, Mention]) -> tuple[Anchor, ...]:
        return tuple(Anchor(names[c].label, o) for c, o in zip(self.codes, self.occurrences, strict=True))


def find_anchors(text: str, head: Head) -> Anchored:
    """The anchors of a marked instruction that is about ``head``."""
    counted, text = _counted(text)
    text = re.sub(r"\s+", " ", _without_numbering(text)).strip()
    for pattern, swap in _PAIRS:
        if (found := pattern.search(text)) and head.code not in (found["x"], found["y"]):
            codes = (found["y"], found["x"]) if swap else (found["x"], found["y"])
            return _made(text, found, codes, counted, 0)
    for pattern in (_ONE, _POSSESSIVE):
        if (found := pattern.search(text)) and found["x"] != head.code:
            return _made(text, found, (found["x"],), counted, 1 if found["after"] else -1)
    code = next(iter(re.findall(r"\bN\d+\b", text)), "")
    if code and (head.target != "object" or code in counted):
        return Anchored(text, (code,), (counted.get(code, 1),), 0, _ordinals(text))
    return Anchored(text, ordinals=_ordinals(text))


def _made(text: str, found: re.Match, codes: tuple[str, ...], counted: dict[str, int], sign: int) -> Anchored:
    before = _CLOSE.sub("", text[: found.start()]) if len(codes) == 1 else text[: found.start()]
    rest = f"{before.strip()} ~ {text[found.end() :].strip()}"
    offset, ordinals = 0, _ordinals(rest)
    if sign:
        steps = _steps(text) or (ordinals[0] if ordinals else 1)
        offset, ordinals = sign * steps, ordinals[1:]
    return Anchored(rest, codes, tuple(counted.get(c, 1) for c in codes), offset, ordinals)


def _steps(text: str) -> int:
    """How many interactions away the text says, 0 where it does not."""
    if found := _APART.search(text):
        return number(found["n"] or found["m"]) + 1
    if _TWICE.search(text):
        return 2
    if found := _COUNT.search(text):
        return 2 if found["n"].startswith("a ") else number(found["n"])
    return 0


def _counted(text: str) -> tuple[dict[str, int], str]:
    """Which of several of its name an object is: {code: number}, and the text without these ordinals."""
    counted: dict[str, int] = {}

    def take(found: re.Match) -> str:
        counted[found["code"]] = int(found["n"])
        return found["gap"] + found["code"]

    text = re.sub(r"#(?P<n>\d+)(?P<gap> (?:of (?:the|your) )?(?:(?!one|OBJ|you|that)[a-z][\w-]* ){0,2}?)(?P<code>N\d+)", take, text)
    return counted, re.sub(r"(?P<code>N\d+)(?P<gap>,? )#(?P<n>\d+)(?! (?:OBJ|REC))", lambda m: m["code"] if take(m) else "", text)


def _without_numbering(text: str) -> str:
    """The text without "numbered from the first one on", which orders nothing."""
    return re.sub(
        r"\b(?:(?:number|count|start|begin)(?:ed|ing|s)? )?(?:(?:up )?from|starting (?:with|from|at)|with) (?:the |your )?"
        r"(?:very )?#1(?= (?:one|OBJ|on|up|you|that|pick|pla|inter|being|as #1))(?: (?:one|OBJ|pick-?up|placement|"
        r"interaction))?(?: (?:that )?you \w+)?(?: on(?:wards?)?| up(?:wards?)?)?(?: being| as)?(?: #1)?(?: to #\d+)?",
        " ", text,
    )  # fmt: skip


def _ordinals(text: str) -> tuple[int, ...]:
    """The ordinals of a text; a "first" that only begins a list of stops ("first go to the third") is none."""
    found = [int(n) for n in re.findall(r"#(\d+)\b", text)]
    if len(found) > 1:
        text = re.sub(r"(?:(?<=^)|(?<=\| )|(?<=, )|(?<=please ))#1,? (?=(?:go|visit|return|drive|head|stop|navigate|move|to|the|at|"
                      r"revisit|find|with|your|by)\b)", " ", text)  # fmt: skip
        text = re.sub(r"\b(?:go|visit|return|drive|head|stop|navigate|revisit)(?: back)?(?: to)? #1 (?=(?:to|the|at)\b)", " ", text)
        found = [int(n) for n in re.findall(r"#(\d+)\b", text)]
    return tuple(found)
