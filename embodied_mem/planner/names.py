"""Find the things, furniture and rooms that a question names: text → mentions, in the vocabulary's words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from embodied_mem import ontology

ROOM_WORDS = {
    "living room": ("living room", "lounge", "sitting room", "livingroom", "front room", "parlour"),
    "kitchen": ("kitchen",),
    "dining room": ("dining room", "dining area"),
    "bedroom": ("bedroom", "master bedroom", "main bedroom", "our bedroom"),
    "kids room": ("kids room", "kids' room", "kid's room", "children's room", "childrens room", "nursery",
                  "kids bedroom", "kids' bedroom", "children's bedroom", "playroom", "child's room"),
    "guest room": ("guest room", "guest bedroom", "spare room", "spare bedroom", "visitors' room", "guestroom"),
    "bathroom": ("bathroom", "washroom", "restroom", "shower room"),
    "study": ("study", "home office", "office", "work room"),
    "laundry room": ("laundry room", "utility room", "laundry", "wash house"),
    "hallway": ("hallway", "hall", "corridor", "entrance hall", "entryway", "entrance", "foyer"),
}  # fmt: skip
LEVEL_WORDS = {
    "lower": ("lower", "bottom", "lowest"), "middle": ("middle", "centre", "center", "second"),
    "upper": ("upper", "top", "highest", "topmost"),
}  # fmt: skip


@dataclass(frozen=True)
class Mention:
    """One name in the text: kind "thing", "furniture", "surface" (a named level) or "room"; start, end characters."""

    kind: str
    label: str
    start: int
    end: int
    words: str
    attributes: tuple[tuple[str, str], ...] = ()


def _plurals(word: str) -> tuple[str, ...]:
    if word.endswith(("s", "x", "ch", "sh")):
        return word, word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word, word[:-1] + "ies"
    if word.endswith("f"):
        return word, word + "s", word[:-1] + "ves"
    return word, word + "s"


@lru_cache(maxsize=1)
def vocabulary() -> tuple[tuple[str, str, str], ...]:
    """(phrase, kind, label) for every name that the vocabulary knows, longest phrase first."""
    rows = {}
    for kind, table in (("thing", ontology.THINGS), ("furniture", ontology.FURNITURE)):
        for label, category in table.items():
            for name in (label, category.plural, *category.synonyms):
                for phrase in _plurals(name.lower()):
                    rows.setdefault(phrase, (kind, label))
    for kind, table in (("thing", ontology.THINGS), ("furniture", ontology.FURNITURE)):
        for label, category in table.items():  # a label's own name wins over another's synonym
            rows[label], rows[category.plural] = (kind, label), (kind, label)
    for label, names in ROOM_WORDS.items():
        for name in names:
            rows[name] = ("room", label)
    rows.update(_level_phrases())
    rows["floor"] = rows["ground"] = ("surface", "floor")
    return tuple((p, *rows[p]) for p in sorted(rows, key=len, reverse=True))


def _level_phrases() -> dict[str, tuple[str, str]]:
    rows = {}
    for label in ontology.LEVELS:
        for surface in ontology.surface_names(label):
            level = surface.split()[0]
            names = (label, *ontology.FURNITURE[label].synonyms)
            for word in LEVEL_WORDS[level]:
                for name in names:
                    for phrase in (f"{word} shelf of the {name}", f"{name}'s {word} shelf", f"{word} {name} shelf",
                                   f"{word} shelf on the {name}", f"{word} shelf in the {name}",
                                   f"{word} level of the {name}",
                                   f"{word} part of the {name}", f"{name} {word} shelf"):  # fmt: skip
                        rows[phrase] = ("surface", surface)
    return rows


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern:
    return re.compile(r"(?<![\w'])(" + "|".join(re.escape(p) for p, _, _ in vocabulary()) + r")(?:'s|')?(?![\w])")


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, str]]:
    return {phrase: (kind, label) for phrase, kind, label in vocabulary()}


def find_mentions(text: str) -> list[Mention]:
    """All names in lower-case ``text``, left to right, longest first where they overlap, with their adjectives."""
    found = []
    for match in _pattern().finditer(text):
        kind, label = _table()[match[1]]
        found.append(Mention(kind, label, match.start(), match.end(), match[1], _adjectives(text, match.start())))
    return found


def _adjectives(text: str, start: int) -> tuple[tuple[str, str], ...]:
    """Colour, material and print words right before a name ("the red striped mug"), as sorted attributes."""
    found = {}
    for word in reversed(re.findall(r"[\w-]+", text[:start])[-4:]):
        for name, values in _ATTRIBUTE_WORDS.items():
            if word in values:
                found.setdefault(name, values[word])
                break
        else:
            if word not in _SKIP_BETWEEN:
                break
    return tuple(sorted(found.items()))


_SKIP_BETWEEN = {"and", "little", "small", "big", "large", "old", "new", "light", "dark", "bright", "one", "coloured"}
_ATTRIBUTE_WORDS = {
    "colour": {c: c for c in ontology.COLOURS} | {"gray": "grey", "violet": "purple"},
    "material": {m: m for m in ontology.MATERIALS}
    | {"wooden": "wood", "metallic": "metal", "cloth": "fabric", "cardboard": "paper", "steel": "metal"},
    "print": {p: p for p in ontology.PRINTS}
    | {"stripy": "striped", "spotted": "dotted", "chequered": "checked", "checkered": "checked", "dotty": "dotted",
       "polka-dot": "dotted", "stripey": "striped"},
}  # fmt: skip
ATTRIBUTE_WORDS = _ATTRIBUTE_WORDS
