"""Find the moments that a question names and put them on the calendar: text + now → TimeRefs, rest of the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from embodied_mem.planner.query import TimeRef

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {word: n for n, word in enumerate(_COUNTED)} | {"a": 1, "an": 1, "couple of": 2}

_DAY = "|".join(WEEKDAYS)
_MONTH = "|".join(MONTHS)
_NUMBER = r"\d{1,3}|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
_PART = r"(?:\s+(?:in the |at )?(?P<part>morning|evening|night|afternoon))?"
_ORDINAL = r"(?:st|nd|rd|th)?"

Resolve = Callable[[re.Match, "Calendar"], TimeRef]


@dataclass(frozen=True)
class Calendar:
    """What turns words into dates: the day of asking and whether the question looks ahead."""

    now: datetime
    future: bool

    @property
    def today(self) -> date:
        return self.now.date()

    def on(self, day: date | None, part: str | None = "") -> TimeRef:
        """A date (None: named, but no such day) with a part of day, as past or future of now."""
        part = {"night": "evening", "afternoon": "", None: ""}.get(part, part)
        if day is None:
            return TimeRef("unknown", "", part)
        ahead = day > self.today or (day == self.today and self.future)
        return TimeRef("future" if ahead else "visit", day.isoformat(), part)

    def weekday(self, name: str, part: str | None, which: str | None) -> TimeRef:
        """The nearest such weekday in the question's direction; today counts when its part of day is already over."""
        gap = (self.today.weekday() - WEEKDAYS.index(name)) % 7
        if self.future or which in ("next", "coming", "this coming", "upcoming"):
            gap = (-gap) % 7 or 7
            return Calendar(self.now, True).on(self.today + timedelta(days=gap), part)
        if gap == 0 and not (part == "morning" and self.now.hour >= 12 and which is None):
            gap = 7
        return self.on(self.today - timedelta(days=gap), part)


def _ago(m: re.Match, c: Calendar) -> TimeRef:
    days = _count(m["n"]) * (7 if m["unit"].startswith("week") else 1)
    return c.on(c.today - timedelta(days=days), m["part"])


def _ahead(m: re.Match, c: Calendar) -> TimeRef:
    days = _count(m["n"]) * (7 if m["unit"].startswith("week") else 1)
    return Calendar(c.now, True).on(c.today + timedelta(days=days), m["part"])


def _dated(m: re.Match, c: Calendar) -> TimeRef:
    groups = m.groupdict()
    month = MONTHS.index(m["month"]) + 1
    year = int(groups.get("year") or c.today.year)
    try:
        day = date(year, month, int(m["day"]))
    except ValueError:
        return c.on(None, m["part"])
    if not groups.get("year"):  # a date without a year is the nearest one in the question's direction
        if not c.future and (day - c.today).days > 182:
            day = day.replace(year=year - 1)
        elif c.future and day < c.today:
            day = day.replace(year=year + 1)
    return c.on(day, m["part"])


def _iso(m: re.Match, c: Calendar) -> TimeRef:
    try:
        return c.on(date.fromisoformat(m["iso"]), m["part"])
    except ValueError:
        return c.on(None, m["part"])


def _count(word: str) -> int:
    return int(word) if word.isdigit() else NUMBERS[word]


_AT = r"(?:on |by |until |till |at )?(?:the )?"
_VISIT = r"(?:visit|patrol|round|tour|day|recording|run|walk|time (?:that )?you (?:came|went|looked|checked))s?"
#: Patterns, first match first; each resolves a match on the calendar.
RULES: tuple[tuple[str, Resolve], ...] = (
    (
        rf"(?:on |in )?(?:the )?(?P<part>morning|evening|night) of (?:the )?(?P<day>\d{{1,2}}){_ORDINAL} "
        rf"(?:of )?(?P<month>{_MONTH})",
        _dated,
    ),
    (
        rf"(?:on |by )?(?:the )?(?:(?:{_DAY}),? )?(?:the )?(?P<day>\d{{1,2}}){_ORDINAL} (?:of )?(?P<month>{_MONTH})"
        rf"(?:,? (?P<year>\d{{4}}))?{_PART}",
        _dated,
    ),
    (
        rf"(?:on |by )?(?:(?:{_DAY}),? )?(?P<month>{_MONTH}) (?:the )?(?P<day>\d{{1,2}}){_ORDINAL}\b"
        rf"(?:,? (?P<year>\d{{4}}))?{_PART}",
        _dated,
    ),
    (rf"(?:on |by )?(?P<iso>\d{{4}}-\d{{2}}-\d{{2}}){_PART}", _iso),
    (
        rf"(?:on |in )?(?:the )?(?P<part>morning|evening|night) (?:of|on) (?:(?P<which>last|next) )?(?P<name>{_DAY})",
        lambda m, c: c.weekday(m["name"], m["part"], m["which"]),
    ),
    (
        rf"(?:on |by )?(?:the )?(?P<which>last|past|this past|next|coming|this coming|upcoming|this)?\s*"
        rf"\b(?P<name>{_DAY})(?:'s)?\b{_PART}",
        lambda m, c: c.weekday(m["name"], m["part"], m["which"]),
    ),
    (rf"(?:on )?the day before yesterday{_PART}", lambda m, c: c.on(c.today - timedelta(days=2), m["part"])),
    (
        rf"(?:on )?the day after tomorrow{_PART}",
        lambda m, c: Calendar(c.now, True).on(c.today + timedelta(days=2), m["part"]),
    ),
    (rf"\byesterday(?:'s)?\b{_PART}", lambda m, c: c.on(c.today - timedelta(days=1), m["part"])),
    (r"\blast (?P<part>night|evening)\b", lambda m, c: c.on(c.today - timedelta(days=1), m["part"])),
    (rf"\btomorrow(?:'s)?\b{_PART}", lambda m, c: Calendar(c.now, True).on(c.today + timedelta(days=1), m["part"])),
    (rf"\b(?:about )?(?P<n>{_NUMBER}) (?P<unit>days?|weeks?) ago\b{_PART}", _ago),
    (rf"\b(?P<n>{_NUMBER}) (?P<unit>days?|weeks?) (?:earlier|back)\b{_PART}", _ago),
    (rf"\bin (?P<n>{_NUMBER}) (?P<unit>days?|weeks?)(?:'? time)?\b{_PART}", _ahead),
    (rf"\b(?P<n>{_NUMBER}) (?P<unit>days?|weeks?) from (?:now|today)\b{_PART}", _ahead),
    (r"\b(?:earlier )?this (?P<part>morning|evening|afternoon)\b", lambda m, c: c.on(c.today, m["part"])),
    (r"\btonight\b", lambda m, c: Calendar(c.now, True).on(c.today, "evening")),
    (r"\b(?:earlier |later )?today\b", lambda m, c: c.on(c.today)),
    (
        rf"(?:\b(?:on|during|at|in) )?(?:the|your) (?:very )?first {_VISIT}\b{_PART}",
        lambda m, c: TimeRef("first"),
    ),
    (
        rf"(?:\b(?:on|during|at|in) )?(?:the|your) (?:very )?(?:last|latest|most recent|previous) {_VISIT}\b{_PART}",
        lambda m, c: TimeRef("last"),
    ),
    (
        r"\b(?:right now|just now|now|at the moment|at this (?:very )?moment|currently|at present|presently|these days|"
        r"as we speak|this instant|this very minute)\b",
        lambda m, c: TimeRef("now"),
    ),
)


def find_times(text: str, now: datetime, future: bool) -> tuple[list[TimeRef], str]:
    """The moments named in lower-case ``text``, in its order, and the text with "@" in their place."""
    calendar, found = Calendar(now.astimezone(timezone.utc), future), []
    for pattern, resolve in RULES:
        for match in re.finditer(pattern, text):
            found.append((match.start(), resolve(match, calendar)))
        text = re.sub(pattern, lambda m: " @ ".ljust(len(m[0]), " ")[: max(len(m[0]), 3)], text)
    return [ref for _, ref in sorted(found, key=lambda pair: pair[0])], text


def habit_part(text: str) -> str:
    """The part of day a habit is asked for ("in the mornings"), or ""."""
    match = re.search(r"\b(?:in the|of an|of a|every|each|on|during the|at)?\s*(morning|evening|night)s?\b", text)
    return {"morning": "morning", "evening": "evening", "night": "evening"}[match[1]] if match else ""
