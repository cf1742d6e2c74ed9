"""The words of instructions: numbers, clock times, kinds of things, and what was done; text → marked text.

A marked text is lower case with upper-case codes for what was recognised: ``N1`` ``F1`` ``R1`` (a thing, furniture, a
room named), ``OBJ OBJS REC RECS ROOM ROOMS`` (general nouns, s: plural), ``#3`` (an ordinal), ``@`` (a clock time),
``A1`` (a look or purpose), ``|`` (end of a sentence or of its first half).
"""

# ruff: noqa: E501  (a pattern is easier to read in one line)
from __future__ import annotations

import re
from dataclasses import dataclass, field

from embodied_mem import ontology
from embodied_mem.planner.names import ATTRIBUTE_WORDS, Mention, find_mentions
from embodied_mem.planner.parser import normalise

_COUNTING = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_ONES = _COUNTING.split()
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
NUMBERS: dict[str, int] = {w: n for n, w in enumerate(_ONES)} | _TENS
NUMBERS |= {f"{t}{gap}{_ONES[k]}": n + k for t, n in _TENS.items() for k in range(1, 10) for gap in "- "}
_TH = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
       "twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth", "forty": "fortieth", "fifty": "fiftieth"}


def _ordinal_word(number: str) -> str:
    head, tail = re.fullmatch(r"(.*?)(\w+)", number).groups()
    return head + _TH.get(tail, tail + "th")


ORDINALS: dict[str, int] = {_ordinal_word(w): n for w, n in NUMBERS.items() if n}
NUMBER = r"(?:\d{1,2}|" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + ")"
ORDINAL = r"(?:\d{1,2} ?-?(?:st|nd|rd|th)|" + "|".join(sorted(ORDINALS, key=len, reverse=True)) + ")"


def number(word: str) -> int:
    """The value of a number or ordinal, in words or digits."""
    word = word.strip()
    digits = re.match(r"\d+", word)
    return int(digits[0]) if digits else NUMBERS[word] if word in NUMBERS else ORDINALS[word]


# -- clock times ------------------------------------------------------------------------------------------------------

_HALF = r"(?: ?(?P<half>[ap]\.?m\b\.?)| (?:in the|at|this|that) (?P<part>morning|afternoon|evening|night)\b)?"
_HOUR, _MINUTE = rf"(?P<hour>{NUMBER})", rf"(?P<minute>{NUMBER})"
_BEFORE = (r"(?:(?:when|as|while|just as) the clock (?:showed|read|said|struck|stood at|displayed|was at) |"
           r"\b(?:at|around|about|by) (?:exactly |precisely |about |around |the time |clock time )?|"
           r"\bwhen it was (?:exactly )?|\bas of )?")  # fmt: skip
_CLOCKS = tuple(
    re.compile(_BEFORE + form + _HALF)
    for form in (
        r"\b(?P<hour>\d{1,2})(?::|\.|h)(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?: ?(?:hours|hrs|h|o'clock)\b)?",
        r"\b(?P<hour>\d{2})(?P<minute>\d{2}) ?(?:hours|hrs|h)\b",
        rf"\b(?P<past>half|(?:a )?quarter|{NUMBER}(?: minutes?)?) (?P<side>past|after|to|before) {_HOUR}\b"
        r"(?! (?:inter|obj|thing|item|step|pick|pla))(?: o'clock)?",
        rf"\b{_HOUR} (?:hours|o'clock)(?: and {_MINUTE}(?: minutes?)?)?\b",
        r"\b(?P<word>noon|midday|midnight)\b",
    )
) + (
    re.compile(rf"\b(?:at |around )?(?P<hour>{NUMBER})(?: {_MINUTE})? ?(?P<half>[ap]\.?m\b\.?)"),
    re.compile(rf"\bat (?P<hour>{NUMBER}) (?:oh |o )?(?P<minute>{NUMBER})\b{_HALF}"),
)
_DAY = re.compile(rf"\b(?:on |during |of |in )?(?:the )?(?:day (?:number |no )?(?P<a>{NUMBER})|(?P<b>{ORDINAL}) day)\b")


def find_clock(text: str) -> tuple[tuple[int | None, float] | None, str, bool]:
    """(day or None, seconds of the day) named in a normalised text or None, the text with "@" for it, and whether a
    time was named that does not exist (25:70)."""
    day = _DAY.search(text)
    for pattern in _CLOCKS:
        if (match := pattern.search(text)) is None:
            continue
        seconds = _seconds(match.groupdict())
        if seconds is None:
            return None, text, True
        rest = text[: match.start()] + " @ " + text[match.end() :]
        return (number(day["a"] or day["b"]) if day else None, seconds), _DAY.sub(" ", rest), False
    return None, text, False


def _seconds(found: dict) -> float | None:
    if found.get("word"):
        return 0.0 if found["word"] == "midnight" else 12 * 3600.0
    hour, minute = number(found["hour"]), number(found.get("minute") or "0")
    if past := found.get("past"):
        away = 30 if past == "half" else 15 if "quarter" in past else number(past.split(" minute")[0])
        hour, minute = (hour, away) if found["side"] in ("past", "after") else (hour - 1, 60 - away)
    half = (found.get("half") or {"morning": "a", None: ""}.get(found.get("part"), "p"))[:1]
    if half and hour <= 12 and (found.get("part") is None or hour < 12):
        hour = hour % 12 + (12 if half == "p" else 0)
    if not (0 <= hour < 24 and 0 <= minute < 60):
        return None
    return hour * 3600.0 + minute * 60.0 + float(found.get("second") or 0)


# -- looks and purposes -----------------------------------------------------------------------------------------------

_SHAPE_WORDS = {s: s for s in ontology.SHAPES} | {
    "circular": "round", "spherical": "round", "cylindrical": "round", "rectangular": "square", "boxy": "square",
    "cubic": "square", "cube": "square", "elongated": "long", "thin": "flat", "irregularly": "irregular",
    "rounded": "round", "squared": "square", "flattened": "flat",
}  # fmt: skip
_LOOK_WORDS: dict[str, dict[str, str]] = {
    **ATTRIBUTE_WORDS, "shape": _SHAPE_WORDS,
    "print": ATTRIBUTE_WORDS["print"] | {
        "stripes": "striped", "stripe": "striped", "dots": "dotted", "dot": "dotted", "polka dots": "dotted",
        "polka dot": "dotted", "checks": "checked", "check": "checked", "chequers": "checked", "checkers": "checked",
        "plaid": "checked", "polka-dotted": "dotted", "spots": "dotted", "checkerboard": "checked", "lined": "striped",
    },
}  # fmt: skip
_NAMES = {"colour": "colou?r", "material": "material", "print": "(?:print|pattern|design|decoration)", "shape": "shape"}
_THING = r"(?:objects?|things?|items?|one|something|anything|everything|article|stuff)"
_IS = r"(?:(?:is|was|are|being|of|in|as|called|:|=) )?(?:the |a |an )?(?:colou?r )?"


def _look_patterns() -> list[tuple[str, re.Pattern]]:
    rows = []
    for name, values in _LOOK_WORDS.items():
        value = "(?P<value>" + "|".join(re.escape(v) for v in sorted(values, key=len, reverse=True)) + ")"
        noun = _NAMES[name]
        named = [
            rf"\b(?:whose |with (?:the |a |an )?|of (?:the |a |an )?|has (?:the |a |an )?|its |the )?"
            rf"{noun}(?: or (?:print|design|pattern))? {_IS}{value}\b(?: {noun})?",
            rf"\b(?:of |in |with |has |having )?(?:a |an |the )?{value}(?:[- ](?:in )?(?:\w+ )?{noun}(?:ed|d)?\b)"
            r"(?: on it)?",
            rf"\b(?:with|having|has) {value} (?:as|for) (?:its|the|a) {noun}",
        ]
        if name == "colour":
            named += [rf"\bcolou?red {value}\b", rf"\b{value}[- ]colou?red\b"]
        if name == "shape":
            named += [rf"\bshaped (?:like )?(?:a )?{value}\b", rf"\b{value}[- ]shaped\b"]
        if name == "material":
            named += [rf"\b(?:made|built|constructed|crafted|manufactured|produced|consists?|consisting|fashioned) "
                      rf"(?:up |entirely |mostly |mainly )?(?:out )?(?:of|from|with|in) (?:some )?{value}\b",
                      rf"\b{value}[- ]made\b"]  # fmt: skip
        if name == "print":
            named += [rf"\b(?:printed|patterned|decorated) (?:with )?{value}\b", rf"\bwith {value}(?: on it)?\b"]
        rows += [(name, re.compile(p)) for p in named]
    for name, values in _LOOK_WORDS.items():  # without the attribute's name: only at a general noun or after "is"
        value = "(?P<value>" + "|".join(re.escape(v) for v in sorted(values, key=len, reverse=True)) + ")"
        rows.append((name, re.compile(rf"\b{value} (?={_THING}\b)")))
        rows.append((name, re.compile(rf"(?<=something ){value}\b")))
        rows.append((name, re.compile(rf"\b(?:is|was|looks|being|of|in|coloured|colored) {value}\b(?! of)")))
    return rows


_VERBS = {
    "carrying": "carry", "cooking": "cook", "cooling": "cool", "cutting": "cut", "boiling": "boil", "drinking": "drink",
    "brushing": "brush", "browsing": "browse", "calling": "call", "computing": "compute", "cuddling": "cuddle",
    "collecting": "collect", "drying": "dry", "frying": "fry", "holding": "hold", "ironing": "iron",
    "keeping": "keep", "lighting": "light", "listening": "listen", "mixing": "mix", "operating": "operate",
    "playing": "play", "reading": "read", "resting": "rest", "serving": "serve", "storing": "store",
    "taking": "take", "telling": "tell", "toasting": "toast", "walking": "walk", "washing": "wash",
    "watering": "water", "wearing": "wear", "wiping": "wipe", "writing": "write", "decoration": "decorate",
}  # fmt: skip
_OTHER_WORDS = {
    "decoration": "decorations?|decorating|decorative(?: purposes)?|decorate|ornament(?:al)?", "lighting": "lighting|illumination|"
    "giving light|light up|light", "computing": "computing|computer work|compute", "drying": "drying(?: off)?|dry(?: off)?",
    "telling the time": "tell(?:ing)? (?:the )?time", "taking photographs": "tak(?:ing|e) (?:photographs|photos|pictures)"
    "|photography", "operating the television": "(?:operat(?:ing|e)|control(?:ling)?) the (?:television|tv)",
    "calling": "calling|making (?:phone )?calls|make calls|call(?: people| someone)?|phoning",
    "resting the head": "rest(?:ing)? (?:the|your|one's|ones) head", "keeping dry": "keep(?:ing)? (?:you )?dry",
    "keeping warm": "keep(?:ing)? (?:you )?warm", "brushing hair": "brush(?:ing)? (?:your |one's |the )?hair",
    "brushing teeth": "brush(?:ing)? (?:your |one's |the )?teeth", "washing hands": "wash(?:ing)? (?:your |the )?hands",
    "carrying things": "carry(?:ing)? (?:things|stuff|items|objects)", "storing things": "stor(?:ing|e) (?:things|stuff|"
    "items|objects)", "wearing on the head": "wear(?:ing)? on (?:the|your|one's) head",
    "playing video games": "play(?:ing)? (?:video |computer )?games", "drinking": "drink(?:ing)?(?: from| out of)?",
    "keeping drinks warm": "keep(?:ing)? (?:drinks|a drink) (?:warm|hot)", "walking indoors": "walk(?:ing)? indoors",
}  # fmt: skip
FUNCTIONS = tuple(sorted({c.function for c in ontology.THINGS.values()}, key=lambda f: (-len(f), f)))


def _function_form(function: str) -> str:
    if function in _OTHER_WORDS:
        return _OTHER_WORDS[function]
    verb, _, rest = function.partition(" ")
    base = _VERBS.get(verb, verb)
    return rf"(?:{verb}|{base}s?){' ' + rest if rest else ''}"


_PURPOSE = (
    r"\b(?:(?:that|which) )?(?:(?:you |one |people |we |someone )(?!whose))?(?:can |could |may |would )?"
    r"(?:(?:is |was |are |be )?(?:meant|used|intended|made|designed|useful|suitable|good|there|serves?|serving|needed|"
    r"employed|usable) (?:for|to|in|when|as)|(?:is |was )?for|whose (?:function|purpose|use|job|role) (?:is|was)|"
    r"(?:with|has|having) (?:the |a )?(?:function|purpose|use)(?: of)?|(?:the |its )?(?:function|purpose|functionality)"
    r"(?: is| of| being|:| |)|to|you|one|people|we|someone|can|can be used to|of use for|use for|use to) "
    r"(?:the purpose of |purposes of |the |a |use in |use for |be used for )?"
)
_FUNCTION_PATTERNS = tuple(
    (function, re.compile(pattern))
    for function in FUNCTIONS
    for pattern in (rf"{_PURPOSE}(?:{_function_form(function)})(?: (?:purposes?|with)\b)?(?![\w-])",
                    rf"\b(?:{_function_form(function)}) (?={_THING}\b)")
)  # fmt: skip
_LOOKS = tuple(_look_patterns())


def find_look(text: str) -> tuple[tuple[str, str] | None, str]:
    """(name, value) of an attribute that the text asks for, and the text with "A1" in its place."""
    for function, pattern in _FUNCTION_PATTERNS:
        for match in pattern.finditer(text):
            if not _verb_of_the_day(text, match):
                return ("function", function), text[: match.start()] + " A1 " + text[match.end() :]
    for name, pattern in _LOOKS:
        if match := pattern.search(text):
            value = _LOOK_WORDS[name][match["value"]]
            return (name, value), text[: match.start()] + " A1 " + text[match.end() :]
    return None, text


def _verb_of_the_day(text: str, match: re.Match) -> bool:
    """Whether what looks like a purpose is what the robot did ("the thing you carried", "the mug you hold")."""
    said = match[0]
    return bool(re.match(r"(?:(?:that|which) )?(?:you|we) (?:carry|hold|store|take|call|light|rest)", said)) or bool(
        re.match(r"to (?:take|call|hold|carry|store|rest|walk|keep)\b(?! \w)", said)
        or said.startswith("to ") and re.search(r"\b(?:go|back|drive|return|navigate|head|me|over|way|come|get|travel|next|close"
                                                r"|yourself|again|up)\s*$", text[: match.start()])
    )  # fmt: skip


# -- general nouns ----------------------------------------------------------------------------------------------------

_DETERMINED = r"(?:(?<=the )|(?<=any )|(?<=one )|(?<=all )|(?<=some )|(?<=each )|(?<=that )|(?<=your )|(?<=every )|" \
              r"(?<=which )|(?<=those )|(?<=these )|(?<= a )|(?<=what )|(?<=same )|(?<=source )|(?<=original )|(?<=\d )|(?<=est )|" \
              r"(?<=distant )|(?<=used )|(?<=handled )|(?<=unused ))"
_GENERAL = tuple(
    (code, re.compile(pattern))
    for code, pattern in (
        ("RECS", r"\b(?:pieces|items|bits|articles|kinds) of (?:the )?furniture\b|\bfurniture (?:pieces|items)\b"),
        ("REC", r"\b(?:piece|item|bit|article|kind) of (?:the )?furniture\b|\bfurniture (?:piece|item)\b"),
        ("RECS", r"\breceptacles\b|\bsurfaces\b|\bfurnishings\b|\bfurnitures\b|\bcontainers\b|\bholders\b"),
        ("REC", r"\breceptacle\b|\bsurface\b|\bfurnishing\b|\bfurniture\b|\bcontainer\b|\bholder\b"),
        ("RECS", r"\bspots\b|\blocations\b|\bpositions\b|(?:" + _DETERMINED + r")places\b(?! (?:it|them|an?|the)\b)|"
                 r"\beverywhere\b"),
        ("REC", r"\bspot\b|\blocation\b|\bposition\b|(?:" + _DETERMINED + r")place\b|\b(?:any|some)where\b|"
                r"(?<=#\d )place\b|(?<=#\d\d )place\b"),
        ("OBJS", r"\b(?:objects|things|items|belongings|articles|possessions|everything|goods)\b"),
        ("OBJ", r"\b(?:object|thing|item|something|anything|article|possession|whatever)\b"),
        ("ROOMS", r"\brooms\b"), ("ROOM", r"\broom\b"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Marked:
    """What stands in an instruction. text: marked; names: mention by code ("N1"); at, look: as in ``GoalQuery``;
    lost: a time that does not exist was named."""

    text: str
    plain: str
    names: dict[str, Mention] = field(default_factory=dict)
    at: tuple[int | None, float] | None = None
    look: tuple[str, str] | None = None
    lost: bool = False


def mark(raw: str) -> Marked:
    """An instruction's text, as its asker wrote it, with its names, numbers and nouns marked."""
    text = re.sub(r"(?i)\b([ap])\.\s?m\.?(?!\w)", r"\1m", raw)
    text = re.sub(r"(?i)\b(?:no|nr)\.\s?(?=\d)|#\s?(?=\d)", "number ", text)
    text = re.sub(r"[.?!;:](?=\s|$)|\s[-–—]+\s|—|…|\n", " | ", text)
    text = re.sub(r"[()\[\]]", ", ", re.sub(r"->|=>|→|>|/", " , ", re.sub(r"[#@|](?=\w)", " ", text)))
    plain = normalise(text)
    plain = re.sub(r"\bi had (?=like|love|prefer)|\bi'd (?=like|love|prefer)", "i would ", plain)
    plain = re.sub(r"\b(?:each and every|any and all)\b", "every", plain)
    plain = re.sub(r"\bt(?:ook|ake|akes|aken|aking) part\b", "was involved", plain)
    plain = re.sub(r"\b(most|more) remote\b", "most distant", plain)
    plain = re.sub(r"\b(you|i|we)'d\b", r"\1 had", re.sub(r"\b(you|we|they)'re\b|\bi'm\b", r"\1 are", plain))
    at, text, lost = find_clock(plain)
    look, text = find_look(text)
    text, names = _names(text)
    if look is None:
        look = next((m.attributes[0] for code, m in names.items() if code[0] == "N" and m.attributes), None)
    text = _ordinals(text)
    for code, pattern in _GENERAL:
        text = pattern.sub(code, text)
    return Marked(re.sub(r"\s+", " ", text).strip(" ,"), plain, names, at, look, lost)


def _names(text: str) -> tuple[str, dict[str, Mention]]:
    letter = {"thing": "N", "furniture": "F", "surface": "F", "room": "R"}
    names: dict[str, Mention] = {}
    out, at = [], 0
    for mention in find_mentions(text):
        if mention.label == "floor":
            continue
        code = f"{letter[mention.kind]}{len(names) + 1}"
        names[code] = mention
        out += [text[at : mention.start], code]
        at = mention.end
    return "".join(out) + text[at:], names


_UNIT = r"(?:pick-?ups?|placements?|interactions?|(?:objects?|things?|items?|receptacles?|surfaces?|moves?|steps?))"


def _ordinals(text: str) -> str:
    text = re.sub(r"\bat first\b(?! \w+ (?:object|thing))|\bfirst of all\b", "initially", text)
    text = re.sub(rf"\b{ORDINAL}(?!-?\w)", lambda m: f"#{number(m[0])}", text)
    text = re.sub(rf"\b(?:number|no) ({NUMBER})\b", lambda m: f"#{number(m[1])}", text)
    text = re.sub(rf"\b({_UNIT}) ({NUMBER})\b(?! (?:inter|step|obj|move|task|time))",
                  lambda m: f"{m[1]} #{number(m[2])}", text)  # fmt: skip
    if len(re.findall(r"(?<![\w#])\d{1,2}(?![\w:])", text)) >= 2:
        text = re.sub(r"(?<![\w#])(\d{1,2})(?![\w:])", lambda m: f"#{int(m[1])}", text)
    listed = rf"\b{NUMBER}(?:(?:,| and|, and| then|, then) {NUMBER}\b)+"
    return re.sub(listed, lambda m: re.sub(rf"\b{NUMBER}\b", lambda n: f"#{number(n[0])}", m[0]), text)
