"""The query algebra: what a question asks, typed. The parser writes it, beliefs read it.

Kinds and their answers:
    where      place        when      time          exists    bool       count      count
    compare    label/bool   changes   set           routine   place      how_long   duration
    predict    any          attribute label         state     label
"""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = (
    "where", "when", "exists", "count", "compare", "changes", "routine", "how_long", "predict", "attribute", "state",
)


@dataclass(frozen=True)
class TimeRef:
    """A moment as people name it, resolved to the calendar (UTC) by the parser.

    kind: "now", "visit" (a date and/or part of day in the past), "future" (likewise, to come),
    "first"/"last" (the first or latest recorded visit), "ever" (any time), "unknown" (named, but not resolvable).
    date: ISO ``YYYY-MM-DD`` or ""; part: "morning", "evening" or "".
    """

    kind: str = "now"
    date: str = ""
    part: str = ""


@dataclass(frozen=True)
class ObjectRef:
    """Which objects are meant: a label of the vocabulary and attributes to narrow it (``{"colour": "red"}``).

    ``label`` is "" when the question names no object the vocabulary knows; ``words`` keeps what was said.
    """

    label: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Query:
    """kind with its slots.

    target      the object(s) asked about; None for changes in a place
    room        restricts to a room (label); surface restricts to a named surface (furniture label or level name)
    when        the time asked about; until: the second time of compare/changes ("between when and until")
    aspect      attribute: colour | material | print | shape
                state and predict of a state: power | openness | fill
                when: appeared | removed | moved | arrived (came to ``room``/``surface``) | state (became ``value``)
                      | first_seen | last_seen
                how_long: place (stood at room/surface, or where it stands now) | state (was ``value``)
                compare: place (still where it was? bool) | count (more/fewer/same) | state (still the same? bool)
                predict: place | state | count | exists
                routine: place (usual place, part of day in ``when.part``)
                count: objects (how many there are) | visits (on how many visits was it at room/surface)
    value       a state's value ("on") where the kind needs one
    """

    kind: str
    target: ObjectRef | None = None
    room: str = ""
    surface: str = ""
    when: TimeRef = field(default_factory=TimeRef)
    until: TimeRef | None = None
    aspect: str = ""
    value: str = ""
