"""How right a typed answer is, without a model: by a typed key, or by a free text that says one thing and no more.

OpenEQA's own score (LLM-Match) needs a language model. Here a reference answer counts only where it reads as a typed
value word for word ("yes", "eight chairs", "blue", "on the desk in the study"); all else is left unjudged, never wrong.
"""

from __future__ import annotations

import re

from embodied_mem import ontology
from embodied_mem.planner.names import find_mentions
from embodied_mem.planner.parser import normalise
from embodied_mem.planner.times import NUMBERS
from embodied_mem.tasks.la_eqa.judge import accepts
from embodied_mem.types import Value

_SMALL = frozenset(re.findall(r"\w+", "a an the it is are was were they there its of in on at to my our some"))
_VOCABULARIES = (
    frozenset(ontology.COLOURS), frozenset(ontology.MATERIALS), frozenset(ontology.PRINTS),
    *(frozenset(values) for values in ontology.STATES.values()),
)  # fmt: skip
_SPELT = {"gray": "grey", "opened": "open", "shut": "closed", "wooden": "wood", "metallic": "metal"}


def credit(
    answer: Value, references: tuple[str, ...], key: Value | None = None, tolerance_s: float = 0.0
) -> float | None:
    """Credit in [0, 1], or None where only a language model (or a person) could tell.

    key: the typed truth, where the question has one; else each reference is read as the answer's type. An honest
    "I don't know" is worth nothing here: every question of these datasets has an answer.
    """
    if key is not None:
        return accepts(key, answer, tolerance_s)[1]
    if answer.type == "abstain":
        return 0.0
    read = _READERS.get(answer.type)
    found = [read(normalise(text), answer.data) for text in references] if read else []
    judged = [float(right) for right in found if right is not None]
    if 1.0 in judged:
        return 1.0
    # One reference that cannot be read may be the one that agrees.
    return max(judged) if judged and len(judged) == len(found) else None


def _words(text: str) -> list[str]:
    return [_SPELT.get(word, word) for word in re.findall(r"[a-z0-9']+", text) if word not in _SMALL]


def _bool(text: str, answer: bool) -> bool | None:
    first = re.match(r"(yes|no)\b", text)
    return None if first is None else (first[1] == "yes") is answer


def _count(text: str, answer: int) -> bool | None:
    numbers = [int(w) if w.isdigit() else NUMBERS[w] for w in _words(text) if w.isdigit() or w in NUMBERS]
    return None if len(numbers) != 1 else numbers[0] == answer


def _label(text: str, answer: str) -> bool | None:
    words = _words(text)
    said = " ".join(words)
    if said == answer.lower():
        return True
    alike = any(answer in values and said in values for values in _VOCABULARIES)
    return False if alike else None


def _place(text: str, answer: tuple[str, str]) -> bool | None:
    mentions = find_mentions(text)
    for mention in reversed(mentions):
        text = text[: mention.start] + text[mention.end :]
    kinds = {"furniture", "surface", "room"}
    if not mentions or _words(text) or {m.kind for m in mentions} - kinds:
        return None  # "left of the china cabinet" says more than a surface and a room
    surface, room = answer
    for mention in mentions:
        if mention.kind == "room" and mention.label != room:
            return False
        if mention.kind != "room" and mention.label != surface and not surface.endswith(f" of the {mention.label}"):
            return False
    return True


_READERS = {"bool": _bool, "count": _count, "label": _label, "place": _place}
