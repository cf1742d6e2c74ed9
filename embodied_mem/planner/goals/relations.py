"""What was done to the target, by its verbs: picked up from, placed on, handled, never touched; and how many are meant."""

# ruff: noqa: E501  (a pattern is easier to read in one line)
from __future__ import annotations

import re
from dataclasses import dataclass

from embodied_mem.planner.goals.head import NAV, Head

_TAKE = r"(?:t(?:ake|akes|aking|aken|ook)|carr(?:y|ies|ied|ying)|mov(?:e|es|ed|ing)|transfer(?:s|red|ring)?|" \
        r"transport(?:s|ed|ing)?|haul(?:s|ed|ing)?|shift(?:s|ed|ing)?|relocat(?:e|es|ed|ing)|g(?:et|ot)|mov|" \
        r"rearrang(?:e|es|ed|ing)|convey(?:ed|s|ing)?|handl(?:e|ed|es|ing)|lug(?:ged)?|cart(?:ed)?)"  # fmt: skip
PICK = re.compile(
    r"\b(?:(?:un)?pick(?:ed|s|ing)?(?:[- ]?ups?)?|t(?:ake|akes|aking|aken|ook)|grab(?:s|bed|bing)?|lift(?:s|ed|ing)?|"
    r"collect(?:s|ed|ing|ions?)?|remov(?:e|es|ed|ing|als?)|fetch(?:es|ed|ing)?|retriev(?:e|es|ed|ing|als?)|grasp(?:s|ed|"
    r"ing)?|obtain(?:s|ed)?|gather(?:s|ed|ing)?|pull(?:ed)?|withdr[ae]wn?|acquire[ds]?|snatch(?:ed)?|got|c[ao]me(?:s)? "
    r"(?:\w+ )?(?:from|off)|coming from|originat\w*|sources?|picks?|scoop(?:ed)?|pluck(?:ed)?|raised|emptied|unload(?:ed)?|"
    r"clear(?:ed)?|seiz(?:e|ed)|lifted|starting (?:RECS?|location|place|point)|start (?:RECS?|location|place)|"
    r"initial(?:ly)?|original(?:ly)?|start(?:s|ed|ing)? (?:out|off|from|on|in)|found|to begin with|at the start|at the "
    r"beginning|at the outset|pickups?|home RECS?|where it all started|"
    r"(?:#\d+|N\d+|OBJ|interaction|move|task|job|it) (?:began|started|begins|starts))\b"
)
PLACE = re.compile(
    r"\b(?:plac(?:e|es|ed|ing|ings)|placements?|put(?:s|ting)?(?:-?downs?)?|set(?:s|ting)?(?! foot)(?: (?:down|on|onto|it|the|"
    r"an?|off))?|la(?:y|id|ying|ys)|deposit(?:s|ed|ing)?|drop(?:s|ped|ping)?(?:[- ]?offs?)?|deliver(?:s|ed|ing|y|ies)?|"
    r"leave|leaves|left|leaving|releas(?:e|es|ed|ing)|position(?:ed|ing)|brought|bring(?:s|ing)?|end(?:s|ed|ing)? up|"
    r"destinations?|wound up|land(?:s|ed)|install(?:ed)?|park(?:ed)?|stow(?:ed)?|stor(?:ed|ing)|went (?:to|onto|into|on)|"
    r"go(?:es)? onto|let go|unloaded|finish(?:ed)? up|drop-?offs?|final RECS?|new RECS?|rested|stash(?:ed)?|plonked|sat|"
    r"receiv(?:e|ed)|loaded|arriv(?:e|ed)|target RECS?|"
    r"(?:#\d+|N\d+|OBJ|interaction|move|task|job|it) (?:ended|finished|concluded|ends|finishes))\b"
)
HANDLE = re.compile(
    rf"\b(?:{_TAKE}|interact(?:s|ed|ing|ions?)?|manipulat(?:e|es|ed|ing)|touch(?:es|ed|ing)?|deal(?:t|ing)?|work(?:ed|ing) "
    r"(?:with|at|on)|us(?:e|ed|es|ing)|busy|tid(?:y|ied)|reposition(?:ed|ing)?|displac(?:e|ed|ing)|h(?:eld|old|olding)|"
    r"handl(?:er|ings?)|reorgani[sz]ed|involved|engaged|disturb(?:ed)?|affected|visited|dealt|operated|accessed|had in your|"
    r"rearrang\w*|relocations?|served|unhandled|untouched|unmoved|unused|moved?|chang(?:e|ed))\b"
)
_NOT = re.compile(
    r"\b(?:not|never|neither|nor|un(?:handled|touched|moved|used|disturbed|interacted|manipulated|visited|explored|altered|"
    r"involved|changed|engaged|seen|entered|affected)|no (?:object|OBJS?|interaction|thing|item|REC|time|placement|pick-?up)|"
    r"nothing|none of (?:your|the|which|whose)|except|excluding|other than|apart from|besides|ignored|skipped|without|left "
    r"(?:alone|out|untouched|undisturbed|unmoved|unhandled|in place|in peace|as (?:it|they)|where|exactly where|standing|be|"
    r"it (?:alone|where|in place|be|as)|them (?:alone|where))|stay(?:s|ed)? (?:put|where|in place|exactly|at|right|in its|on)|"
    r"remain(?:s|ed|ing)? (?:in|where|at|exactly|un\w+|right|on)|yet to|nobody|avoided|missed|has yet|been spared|no(?:thing)? "
    r"(?:OBJ )?(?:was|were) ever|bypassed|neglected|kept (?:away|off|your hands off)|hands off|fail(?:ed)? to|non-\w+)\b"
)
_FROM = re.compile(r"\b(?:from|off|out of)\b(?! (?:here|you|now|your|where you|the (?:current|present|REC you are)|this|reaching))")
_TO = re.compile(
    r"\b(?:onto|into)\b|\b(?:to|on|upon|in|over to|on to|in to)(?: which| (?=\||,|~|$))|\b(?:to|on|upon|in)$|\bwhere(?! you (?:were|"
    r"picked|took))|\bto (?=#|A\d|@|in\b|in this|then)"
)
FARTHEST = re.compile(
    r"\b(?:f[au]rther?est|f[au]rthest|farest|most (?:distant|remote|far(?:away|-off| away)?)|remotest|(?:greatest|largest|maximum|"
    r"maximal|longest|biggest|most) (?:\w+ )?(?:distance|drive|way|walk|trip|journey|path|route|travel|ride|travell?ing)|"
    r"(?:longest|most|furthest) (?:time )?(?:to (?:drive|reach|get to|walk|travel|go)|away|off)|longest to (?:reach|get)|as far "
    r"(?:away )?as possible|far(?:thest|thermost)|furthermost|outermost|distance (?:\w+ )*(?:greatest|largest|longest))\b"
)
NEAREST = re.compile(r"\b(?:nearest|closest|least far|shortest (?:way|distance|drive|walk) (?:from|to))\b")
LONGEST = re.compile(
    r"\b(?:longest|most (?:of (?:your |the )?)?(?:\w+ )?(?:time|minutes|hours|seconds|frames|steps|duration)|most of (?:your|the) "
    r"(?:\w+ )?(?:time|day)|slowest|most (?:time-consuming|lengthy|protracted|prolonged|drawn-out)|lengthiest|(?:greatest|largest|"
    r"maximum|maximal|biggest|highest|longest) (?:\w+ ){0,3}(?:time|duration|period)|took (?:you )?(?:the )?most|longer than any|"
    r"most slowly|the most|for longest)\b"
)
SHORTEST = re.compile(
    r"\b(?:shortest(?! (?:route|path|tour|way|trip|order|possible))|(?:least|less|fewest|smallest|minimum|minimal|lowest|briefest) "
    r"(?:\w+ ){0,3}(?:time|duration|minutes|seconds|steps|while|period)|quickest(?! (?:route|path|tour|way))|fastest(?! (?:route|"
    r"path|tour|way))|briefest|least time-consuming|swiftest|most (?:quickly|swiftly|briefly|rapidly)|speediest|the least|faster "
    r"than|quicker than)\b"
)
_ALL = re.compile(
    r"\b(?:all|every(?: single| one)?|each|everything|everywhere|both|one by one|one after (?:the other|another)|in turn|"
    r"any order|whatever order|no (?:particular|specific|special|fixed|set) order|order (?:\w+ )?(?:does not|is (?:un\w+|not|up|"
    r"free|irrelevant)|you (?:like|want|prefer|choose|wish))|do not care about the order|regardless of (?:the )?order|arbitrary "
    r"order|random order|complete (?:list|set|tour)|entire|full set|whole set|without (?:missing|exception|leaving|omitting|"
    r"skipping)|order of your (?:choice|choosing|liking)|whichever order|the (?:full|whole) (?:set|list|collection))\b"
)
_SINGLE = re.compile(
    r"\b(?:one|any(?: one)?|some|either|a single|at least one|whichever|just one|only one|the one|a random|an arbitrary|"
    r"a few)(?: \w+)? (?:of|among|out of|from among|from)\b|\bany (?:single )?(?:OBJ|REC|[NF]\d)|\b(?:one|some) (?:OBJ|REC|[NF]\d)|"
    r"\b(?:one|any) will do\b|\bwhichever one\b|\bjust one\b"
)
_SELECTS = re.compile(r"\b(?:all|every|each) (?:day|morning|night|the (?:time|while|day|way)|time|along)\b|\bat all\b(?! (?:the\b|of\b|my\b|your\b|those\b|REC|OBJ|[NFR]\d))|\b(?:of|among|amongst|out of) (?:all|every|each)\b")
_IN_ORDER = re.compile(
    r"\bin (?:the )?(?:same |exact |correct |very |right |original )*(?:order|sequence) (?:in which |that |as |of )?(?:you|they|it|"
    r"handling|the interactions|your interactions)\b|\bin (?:chronological|temporal) order\b|\bchronologically\b"
)
_INDIFFERENT = tuple(
    re.compile(p)
    for p in (
        r"\bsomewhere new\b|\bREC new\b",
        r",? ?\b(?:(?:the |in which |whose |what |which )?(?:order|sequence)(?: \w+){0,4} (?:does|do|is|are) (?:not|no|un\w+|irrelevant|up)\b[^|,]*|(?:the )?order "
        r"(?:matters not|is free)|no matter (?:the|what|which|in (?:what|which)) order|(?:you|i) (?:do not|need not) (?:care|mind|follow|worry)[^|,]*order[^|,]*)",
        r"\b(?:no matter|regardless of|irrespective of|never mind|it (?:does|do|is) not (?:matter|important)|(?:does|do) not matter|i do "
        r"not (?:care|mind)|it is (?:all the same|irrelevant|unimportant)|independent(?:ly)? of|whether)(?! (?:the )?order)"
        r"(?: to me)?(?:,)?(?: (?:if|whether|which|what|where|how|who|or not|about))+\b[^|,]*",
        r"\b(?:regardless|whether)\b(?! of (?:the )?order)(?! the order)[^|,]*",
        r",? (?:be it |either )?(?:handled|moved|touched|used|carried|interacted with|rearranged) or (?:not|un\w+|otherwise)\b"
        r"(?: (?:handled|moved|touched|used))?",
        r"\b(?:from )?where you (?:(?:are|stand)(?: standing)?(?: right)?(?: now)?|(?:currently |now )(?:are|stand))\b",
        r"\bnot at all\b(?= important)|\bat all\b(?! (?:the\b|of\b|my\b|your\b|those\b|REC|OBJ|[NFR]\d))|\bif (?:you can|possible|need be|any|necessary)\b|\bthis (?:does|is) not\b[^|,]*",
        r"\b(?:that|which|where|on which) (?:OBJS?|you|one|they|it) (?:can|could|may|might|is able to) (?:be )?(?:put|placed|hold|"
        r"set|kept|stand|stood|rest|used|carry|support|store)\w*(?: (?:OBJS?|down|on|upon|onto|to|for|it|in))*",
        r"\b(?:that|which) (?:can|could|may|might|is able to|are able to) (?:hold|carry|support|bear|take|store)(?: \w+)?",
        r"\b(?:do not|without) (?:mov|touch|pick|go|driv|stop)\w* (?:\w+ ){0,3}(?:anywhere|anything|else|now|at other)\w*",
    )
)  # fmt: skip
_INNER = re.compile(
    r"(?<=[ ])(?P<what>(?:OBJS?|one|#\d+|N\d+))(?:,? (?:that|which))? (?:you|we|i)(?: have| had| ever)? (?P<verb>[a-z]+)(?: (?:up|down))?"
    r"(?: and (?:then )?(?:plac|put|set|mov|drop|carr|deliver)\w*(?: down)?)?(?: first)?\b(?! (?:from|on|onto|into|off|in|at|out))"
)
_SAW = r"(?:see|saw|seen|notice|noticed|spot|spotted|came|come|pass|passed|know|remember|recorded|met|observed|encountered|can|like|would|to|the|a|be|in|at|on|of|is|was|there|now|then|just|also|and|or|" \
       r"find|are|were|will|should|must|please|go|drive|want|wish|prefer|choose|did|do|went|think)"  # fmt: skip


@dataclass(frozen=True)
class Done:
    """role: as in GoalQuery; picked, placed: verbs of that kind stand in the text; negated: it speaks of what was not
    done."""

    role: str
    picked: bool
    placed: bool
    negated: bool


def without_indifference(text: str) -> str:
    """The text without what does not narrow it: "no matter whether you handled it or not"."""
    for pattern in _INDIFFERENT:
        text = pattern.sub(" ", text)
    return re.sub(r"\s+", " ", text).strip()


def find(text: str, target: str) -> Done:
    """What the text (without its anchors) says was done to a target of that kind."""
    negated = bool(_NOT.search(text))
    text = NAV.sub(" go ", text)
    if target == "object":
        return _object(text, negated)
    inner = _INNER.sub(lambda m: m["what"], text)
    picked, placed = _ways(inner)
    if not (picked or placed):
        picked, placed = _ways(text)
    handled = bool(HANDLE.search(text))
    if target == "room":
        return Done(_room_role(text, picked, placed, negated), picked, placed, negated)
    if negated:
        role = "unhandled" if picked or placed or handled or re.search(r"\byou\b|_NOT", text) else ""
        return Done(role, picked, placed, True)
    if picked != placed:
        return Done("picked_from" if picked else "placed_on", picked, placed, False)
    return Done("handled" if picked or handled else "", picked, placed, False)


def _room_role(text: str, picked: bool, placed: bool, negated: bool) -> str:
    if negated or re.search(r"\bnew ROOM\b", text):
        return "unvisited"
    if picked != placed:
        return "picked_in" if picked else "placed_in"
    if re.search(r"\b(?:now|currently|at present|today)\b", text):
        return "placed_in"
    return ""


def _ways(text: str) -> tuple[bool, bool]:
    """Whether things were picked up, and put down: by the verbs, else by the direction of carrying."""
    before = r"\bbefore (?:you|we|i|it|they|being|the \w+)\b[^|,~]*"
    origin = bool(re.search(before, text)) or bool(re.search(r"\bwhere\b.*\b(?:was|were|stood|lay)(?: \w+ing)?$", text))
    text = re.sub(before, " ", text)
    origin = origin or bool(re.search(r"\b(?:previous|former|old|at first|used to) ?(?:RECS?|ROOMS?|be|stand|lie|sit)?\b", text))
    picked, placed = bool(PICK.search(text)) or origin, bool(PLACE.search(text)) and not origin
    off, onto = bool(_FROM.search(text)), bool(_TO.search(text))
    if picked and not placed and not off and not origin and re.search(rf"\b{_TAKE}\b", text):
        other = re.search(r"\b(?:pick|grab|lift|collect|remov|fetch|retriev|grasp|c[ao]me|source|origin|initial|start|found)", text)
        if not other and re.search(r"\b(?:to|into|onto|over to)(?: which| where|$| (?=[|,~]))|\b(?:into|onto)\b|\bto which\b", text):
            return False, True
    if not picked and not placed and re.search(rf"\b{_TAKE}\b", text):
        return off, onto and not (off and not re.search(r"\b(?:onto|into|to)\b", text))
    return picked, placed


def _object(text: str, negated: bool) -> Done:
    picked, placed = bool(PICK.search(text)) or bool(_FROM.search(text)), bool(PLACE.search(text))
    unknown = re.search(rf"(?<!if )\b(?:you|we|i) (?:have |had |ever |just |also |once |previously )*(?!{_SAW}\b)[a-z]+(?:ed|t|e|s)?\b", text)
    touched = picked or placed or bool(HANDLE.search(text)) or bool(unknown)
    role = "unhandled" if negated else "handled" if touched else ""
    return Done(role, picked, placed, negated)


def superlative(text: str) -> str:
    """ "farthest", "longest", "shortest" or ""."""
    if FARTHEST.search(text):
        return "farthest"
    return "longest" if LONGEST.search(text) else "shortest" if SHORTEST.search(text) else ""


def is_ordered(text: str) -> bool:
    """Whether the order of the day is asked for."""
    return bool(_IN_ORDER.search(text))


def is_all(text: str, head: Head) -> bool:
    """Whether all that fit are meant."""
    kept = _SELECTS.sub(" ", text)
    if _ALL.search(kept):
        return True
    plural = head.plural and not _SINGLE.search(kept)
    return plural and not re.search(r"\b(?:one|any|some|either)\b", kept)
