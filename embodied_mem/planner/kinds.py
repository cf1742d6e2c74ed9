"""Which kind of question is it? Rules over the words that carry the kind; the first that fits decides.

A rule sees the question in lower case with its moments replaced by "@" and its names by N (thing), F (furniture),
S (surface) and R (room), so that it reads like the sentence it stands for.
"""

# ruff: noqa: E501 (a rule is one line, however long)

from __future__ import annotations

import re

STATE_WORDS = {
    "power": {"on": "on", "off": "off", "running": "on", "lit": "on", "glowing": "on", "playing": "on", "burning": "on",
              "switched on": "on", "turned on": "on", "switched off": "off", "turned off": "off", "dark": "off"},
    "openness": {"open": "open", "opened": "open", "closed": "closed", "shut": "closed", "zipped up": "closed"},
    "fill": {"full": "full", "empty": "empty", "emptied": "empty", "filled": "full", "filled up": "full"},
}  # fmt: skip
_STATE = r"(?:switched on|turned on|switched off|turned off|zipped up|filled up|filled|on|off|open|opened|closed|shut|full|empty|emptied|running|lit|playing|burning|glowing)"
_BE = r"(?:is|are|was|were|be|been|being|'s|stay|stayed|stand|standing|left|get|got|become|became|remain|remained)"
_FUTURE = r"\b(?:will|going to|gonna|expect|predict|forecast|likely|would|shall|'ll|tomorrow|next time|bet|should i (?:look|find|search|expect|go))\b"

#: (kind, aspect, pattern). Aspect "state" is filled in with the state that is named.
RULES: tuple[tuple[str, str, str], ...] = (
    ("attribute", "print", r"\b(?:plain|striped|dotted|checked),? (?:or )?(?:plain|striped|dotted|checked)\b|\b(?:pattern|print|printed|design|decorated|motif)\b"),
    ("when", "first_seen", r"\b(?:when|what|which day|what day|on which|on what)\b.*\b(?:first time|earliest)\b|\b(?:when|what time|which day|what day|what date|on which)\b.*\bfirst (?:see|saw|seen|notice|noticed|spot|spotted|come across)\b|\bfirst (?:see|saw|seen|spot|spotted|notice|noticed)\b.*\bwhen\b"),
    ("when", "last_seen", r"\b(?:when|what|which day|what day|on which|on what)\b.*\b(?:last time|most recently)\b|\b(?:when|what time|which day|what day|what date|on which)\b.*\blast (?:see|saw|seen|notice|noticed|spot|spotted|come across)\b"),
    ("count", "visits", r"\bhow (?:many times|often)\b|\bhow many (?:of (?:your|the) )?(?:visits|days|patrols|rounds|mornings|evenings|tours|occasions)\b"),
    ("when", "appeared", r"\bsince when (?:has|have|is|are) there\b|\bsince when (?:do|have) we\b"),
    ("how_long", "state", rf"\b(?:how long|how much time|for how many (?:days|hours)|since when|how many (?:days|hours))\b.*\b{_BE} (?:\w+ )?(?:N|F)?\s*{_STATE}\b(?! (?:the |my |our )?[NFSR])"),
    ("how_long", "place", r"\b(?:how long|how much time|for how many (?:days|hours)|since when|how many (?:days|hours))\b"),
    ("compare", "count", r"\b(?:more|fewer|less|as many|same number|same amount)\b.*\b(?:than|as|or|compared)\b|\bnumber of\b.*\b(?:gone up|gone down|grown|changed|increased|decreased)\b|\b(?:has|have|did) the (?:number|amount|count)\b|\b(?:rise|risen|rose|fall|fallen|fell)\b.*\bsame\b|\bcompare the (?:number|amount|count)\b"),
    ("count", "objects", r"\b(?:how many|number of|count (?:the|all|up)|count of|what number)\b"),
    ("when", "state", rf"\b(?:when|what time|which day|what day|at what|on which)\b.*(?:\b(?:turn|switch|turned|switched|flip|flipped) (?:it )?(?:the )?[NF]?\s*(?:on|off)\b|\b(?:opened|closed|shut|emptied|filled)\b|\b(?:become|became|get|got|go|went|come|came|was|were|run) (?:{_STATE})\b(?! (?:the |my |our )?[NFSR]))"),
    ("when", "removed", r"\b(?:when|what time|which day|what day|at what|on which)\b.*\b(?:disappear|disappeared|vanish|vanished|removed|taken away|took away|taken out|take away|gone|go missing|went missing|thrown (?:out|away)|given away|get rid|leave the house|left the house|go away|went away|remove)\b"),
    ("when", "appeared", r"\b(?:when|what time|which day|what day|at what|on which)\b.*\b(?:appear|appeared|show up|showed up|turn up|turned up|arrive in (?:the|our) (?:house|home)|new|bought|added|enter the house|come into (?:the|our) (?:house|home)|brought (?:home|in|into the house)|join|joined)\b"),
    ("when", "arrived", r"\b(?:when|what time|which day|what day|at what|on which)\b.*\b(?:put|placed|arrive|arrived|get|got|end up|ended up|come|came|land|landed|brought|moved|move|carried|set down|left|reach|reached|relocated)\b.*\b(?:on|in|to|into|onto|at|there)\b.*[FSR]"),
    ("when", "moved", r"\b(?:when|what time|which day|what day|at what|on which day|on which)\b.*\b(?:move|moved|shifted|shift|relocated|change place|changed place|change its place|leave|left|change position|get moved|carried|taken)\b"),
    ("compare", "place", r"\bstill (?:where|in the same|at the same|on the same|there)\b|\bsame (?:place|spot|position|location)\b|\b(?:has|have) (?:the |my |our |that )?N.*\b(?:moved|been moved|changed (?:its )?place|shifted)\b|\bwhere (?:it|they) (?:was|were|stood|used to)\b"),
    ("compare", "state", rf"\bsame state\b|\bstate of\b.*\b(?:same|unchanged|changed)\b|\bstate\b.*\bstill the same\b|\b(?:is|are) (?:the |my |our |that )?[NF]\b.*\bstill\b.*\b{_STATE}\b(?! (?:the |my |our |a )?[NFSR])|\bchanged (?:its )?state\b|\b(?:kept|keep|keeps) (?:the|its) state\b|\bstill in the state\b|\bstate it had\b"),
    ("compare", "place", r"\b(?:is|are) (?:the |my |our |that )?N\b.*\bstill (?:on|in|at|under|by)\b|\bstill\b.*\bas (?:it|they) (?:was|were)\b"),
    ("changes", "", r"\bwhat(?:'s| has| is| was| things| all)?\b.*\b(?:changed?|different|differs?|new|missing|added|removed|appeared|disappeared|come and gone|came or went)\b|\b(?:list|tell me|name|describe|report|any|which|show)\b.*\b(?:changes?|differences?|differs?|changed|different|came or went|come or gone|added or removed|appeared or)\b|\b(?:anything|something) (?:\w+ )*(?:changed?|different|new|missing|moved)\b|\b(?:has|have|did) (?:anything|something)\b|\bwhich (?:things|objects|items)\b.*\b(?:appeared|disappeared|left|came|gone|added|removed|new|moved)\b|\bwhat (?:came|went|has gone|has come|did .* (?:gain|lose))\b"),
    ("routine", "place", r"\b(?:usual(?:ly)?|normal(?:ly)?|typical(?:ly)?|generally|as a rule|habit|habitually|tends? to|most (?:of the time|often|mornings|evenings|days)|mostly|kept|regularly|favourite|favorite|belong|home of|always)\b"),
    ("attribute", "colour", r"\bwh(?:at|ich) (?:\w+ )?colou?rs?\b|\bcolou?r (?:of|is|was|does|did|has)\b|\b(?:the|its) colou?r\b|\bhow .* colou?red\b|\bwhat shade\b"),
    ("attribute", "material", r"\bmade (?:of|from|out of)\b|\bwhat (?:kind of )?material\b|\b(?:which|the) material\b|\bwhat (?:is|was) .* made\b|\bconsists? of\b"),
    ("attribute", "shape", r"\b(?:shape|shaped)\b"),
    ("state", "state", rf"\b(?:on or off|off or on|open or (?:closed|shut)|(?:closed|shut) or open|full or empty|empty or full|running or not|lit or not)\b|\bwhat state\b|\bin which state\b|\bstate of\b|\b{_BE} (?:the |my |our |that |your )?[NF]\b[^.]*?\b{_STATE}\b(?! (?:the |my |our |a |top )?[NFSR@])|\bleft {_STATE}\b|\b(?:the |my |our |that )[NF] (?:{_BE} )?(?:still )?{_STATE}\b(?! (?:the |my |our |a )?[NFSR@])"),
    ("where", "", r"\b(?:where|whereabouts|wherever|which (?:room|place|spot|surface|piece of furniture|shelf)|what (?:room|place|spot|surface)|find|locate|location of|position of|looking for|track down|lost)\b"),
    ("exists", "", r"\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were|'s)\b|\b(?:did|do|have|had|can|could) (?:you|we|i) (?:\w+ )*(?:see|seen|have|spot|notice|spotted|noticed|find|found|got)\b|\b(?:is|are|was|were|did|does|has|have) (?:there |the |my |our |any |a |an |some |that )*N\b|\bany N\b|\bdo we\b|\bexist"),
)
_COMPILED = tuple((kind, aspect, re.compile(pattern)) for kind, aspect, pattern in RULES)


def is_future(text: str) -> bool:
    """Whether a lower-case question looks ahead."""
    return bool(re.search(_FUTURE, text)) and not re.search(r"\bi would (?:like|love)\b(?!.*\bwill\b)|\bwould you\b(?!.*\bwill\b)", text)


def find_kind(marked: str, future: bool) -> tuple[str, str] | None:
    """(kind, aspect) of a marked question, or None where no rule fits."""
    for kind, aspect, pattern in _COMPILED:
        if pattern.search(marked):
            return _ahead(marked, kind, aspect) if future else (kind, aspect)
    return _ahead(marked, "", "") if future else None


def _ahead(marked: str, kind: str, aspect: str) -> tuple[str, str]:
    """The same question about the future: predict, with what is to be predicted as its aspect."""
    if kind in ("count", "compare"):
        return "predict", "count"
    if kind == "state" or re.search(rf"\b(?:be|stand|find|left) (?:\w+ )?{_STATE}\b(?! (?:the |my |our |a )?[NFSR])", marked):
        return "predict", "state"
    if kind in ("where", "routine"):
        return "predict", "place"
    return "predict", "exists"


def find_state(text: str) -> tuple[str, str]:
    """(aspect, value) of the state that a question names: ("power", "on"); ("power", "") for "on or off"; ("", "") for none."""
    for aspect, pair in (("power", ("on", "off")), ("openness", ("open", "closed")), ("fill", ("full", "empty"))):
        if re.search(rf"\b{pair[0]} or {pair[1]}\b|\b{pair[1]} or {pair[0]}\b", text):
            return aspect, ""
    hits = []
    for aspect, words in STATE_WORDS.items():
        for word, value in words.items():
            moment = "@|" if word == "on" else ""  # "on @" is a date, "off @" is a state at a date
            for match in re.finditer(rf"\b{word}\b(?! (?:the |my |our |a |top |which |what )*(?:[NFSR]\b|{moment}day|visit))", text):
                hits.append((match.start() if word not in ("on", "off") else match.start() - 0.5, len(word), aspect, value))
    return max(hits)[2:] if hits else ("", "")
