"""How questions and answers are said: wordings per template, times, places, values."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from embodied_mem.ontology import STATES
from embodied_mem.planner.query import TimeRef
from embodied_mem.types import Value

if TYPE_CHECKING:
    from embodied_mem.tasks.la_eqa.world import World

WORDINGS: dict[str, tuple[str, ...]] = {
    # past
    "past_where": ("Where was the {thing} {time}?", "Do you remember where the {thing} was {time}?",
                   "{Time}, where did you see the {thing}?", "Where did the {thing} lie or stand {time}?"),
    "past_count": ("How many {things} were there {place} {time}?", "{Time}, how many {things} did you see {place}?",
                   "What was the number of {things} {place} {time}?"),
    "past_state": ("Was the {thing} {choice} {time}?", "{Time}, was the {thing} {choice}?",
                   "Do you remember whether the {thing} was {choice} {time}?"),
    "past_colour": ("What colour was the {thing} {place} {time}?", "{Time}, which colour did the {thing} {place} have?",
                    "Do you remember the colour of the {thing} {place} {time}?"),
    "past_material": ("What was the {thing} {place} made of {time}?",
                      "{Time}, which material was the {thing} {place} made of?",
                      "What material was the {thing} that you saw {place} {time}?"),
    "past_print": ("Which pattern did the {thing} {place} have {time}?",
                   "{Time}, what print was on the {thing} {place}?",
                   "Was the {thing} {place} plain, striped, dotted or checked {time}?"),
    "past_exists": ("Was there {a} in the {room} {time}?", "{Time}, did you see {a} in the {room}?",
                    "Do you remember whether there was {a} in the {room} {time}?"),
    # present
    "present_where": ("Where is the {thing} now?", "Where can I find the {thing} right now?",
                      "Could you tell me where the {thing} is at the moment?",
                      "I am looking for the {thing}. Where is it?"),
    "present_count": ("How many {things} are there {place} now?", "How many {things} are {place} at the moment?",
                      "Count the {things} {place} right now, please."),
    "present_state": ("Is the {thing} {choice} now?", "Could you check whether the {thing} is {choice}?",
                      "At the moment, is the {thing} {choice}?"),
    "present_colour": ("What colour is the {thing} {place}?", "Which colour does the {thing} {place} have now?",
                       "Can you tell me the colour of the {thing} {place}?"),
    "present_material": ("What is the {thing} {place} made of?", "Which material is the {thing} {place} made of?",
                         "Can you tell me what material the {thing} {place} is?"),
    "present_print": ("Which pattern does the {thing} {place} have?", "What print is on the {thing} {place} now?",
                      "Is the {thing} {place} plain, striped, dotted or checked?"),
    "present_exists": ("Is there {a} in the {room} now?", "Right now, is there {a} in the {room}?",
                       "Could you check whether there is {a} in the {room} at the moment?"),
    # multi_past
    "when_moved": ("When was the {thing} moved?", "At what time did somebody move the {thing}?",
                   "Do you know when the {thing} was moved to another place?"),
    "when_arrived": ("When was the {thing} put {place}?", "When did the {thing} come to be {place}?",
                     "At what time did somebody put the {thing} {place}?"),
    "when_appeared": ("When did the {thing} first appear in the house?", "Since when has there been a {thing} here?",
                      "When did the {thing} turn up in the house?"),
    "when_removed": ("When did the {thing} disappear from the house?", "When was the {thing} taken away?",
                     "At what time was the {thing} removed from the house?"),
    "when_state": ("When was the {thing} {became}?", "At what time was the {thing} {became}?",
                   "Do you know when somebody {did} the {thing}?"),
    "first_seen": ("When did you first see the {thing}?", "When was the first time that you saw the {thing}?",
                   "On which occasion did you see the {thing} for the first time?"),
    "last_seen": ("When did you last see the {thing}?", "When was the last time that you saw the {thing}?",
                  "What was the last time the {thing} was seen?"),
    "past_changes": ("What changed {place} between {bare} and {bare2}?",
                     "Which things came {onto} or left it between {bare} and {bare2}?",
                     "Between {bare} and {bare2}, what was added or removed {place}?"),
    "how_long_past": ("For how long was the {thing} {place}?", "How long did the {thing} stay {place}?",
                      "How much time did the {thing} spend {place}?"),
    "usual_place": ("Where is the {thing} usually in the {part}?", "In the {part}s, where is the {thing} most often?",
                    "What is the usual place of the {thing} in the {part}?"),
    "visit_count": ("On how many of your visits was the {thing} {place}?",
                    "How often, out of all your visits, did you find the {thing} {place}?",
                    "During how many visits was the {thing} {place}?"),
    "past_compare": ("Were there more, fewer or the same number of {things} {place} {time2} compared with {bare}?",
                     "Compared with {bare}, were there more, fewer or just as many {things} {place} {time2}?",
                     "Did the number of {things} {place} rise, fall or stay the same between {bare} and {bare2}?"),
    # past_present
    "still_there": ("Is the {thing} still where it was {time}?", "Is the {thing} in the same place now as {time}?",
                    "Has the {thing} stayed in the place where it was {time}?"),
    "compare_now": ("Are there more, fewer or the same number of {things} {place} now compared with {bare}?",
                    "Compared with {bare}, are there more, fewer or just as many {things} {place} now?",
                    "Has the number of {things} {place} risen, fallen or stayed the same since {bare}?"),
    "changes_since": ("What has changed {place} since {bare}?",
                      "Which things have come {onto} or left it since {bare}?",
                      "What has been added or removed {place} since {bare}?"),
    "how_long_here": ("How long has the {thing} been where it is now?",
                      "For how long has the {thing} been in its present place?",
                      "How much time has the {thing} spent where it is now?"),
    "how_long_state": ("How long has the {thing} been {value}?", "For how long has the {thing} been {value} now?",
                       "How much time has the {thing} been {value} by now?"),
    "same_state": ("Is the {thing} in the same state now as {time}?",
                   "Is the state of the {thing} still the same as {time}?",
                   "Has the {thing} kept the state it had {time}?"),
    # past_present_future
    "predict_place": ("Where will the {thing} be {future}?", "Where should I look for the {thing} {future}?",
                      "{Future}, where will the {thing} most likely be?"),
    "predict_state": ("Will the {thing} be {choice} {future}?", "{Future}, will the {thing} be {choice}?",
                      "Do you expect the {thing} to be {choice} {future}?"),
    "predict_count": ("How many {things} will there be {place} {future}?",
                      "{Future}, how many {things} will be {place}?",
                      "How many {things} do you expect {place} {future}?"),
    "predict_exists": ("Will there be {a} {place} {future}?", "{Future}, will there be {a} {place}?",
                       "Do you expect {a} {place} {future}?"),
}  # fmt: skip
# Templates that share wordings.
_SAME = {
    "past_where_first": "past_where", "past_count_room": "past_count", "past_count_surface": "past_count",
    "present_count_room": "present_count", "present_count_surface": "present_count",
    "changes_surface": "past_changes", "changes_room": "past_changes",
    "compare_room": "past_compare", "compare_surface": "past_compare",
    "compare_now_room": "compare_now", "compare_now_surface": "compare_now",
    "changes_since_surface": "changes_since", "changes_since_room": "changes_since",
    "predict_place_next": "predict_place", "predict_place_later": "predict_place",
}  # fmt: skip
_BECAME = {"on": ("switched on", "switched on"), "off": ("switched off", "switched off"),
           "open": ("opened", "opened"), "closed": ("closed", "closed"),
           "full": ("filled", "filled"), "empty": ("emptied", "emptied")}  # fmt: skip


def wordings(template: str, aspect: str) -> tuple[str, ...]:
    """The wordings of a template; attribute templates have a set per aspect."""
    if template.endswith("_attribute"):
        return WORDINGS[template.replace("attribute", aspect)]
    return WORDINGS[_SAME.get(template, template)]


def say(wording: str, slots: dict[str, str]) -> str:
    """Fill a wording; ``{Time}`` is ``{time}`` with a capital."""
    full = dict(slots)
    if "aspect" in slots and slots["aspect"] in STATES:
        full["choice"] = " or ".join(STATES[slots["aspect"]])
    if "value" in slots and slots["value"] in _BECAME:
        full["became"], full["did"] = _BECAME[slots["value"]]
    full |= {k.capitalize(): v[:1].upper() + v[1:] for k, v in full.items()}
    return wording.format(**full)


def on_place(surface: str, room: str) -> str:
    """``"on the desk in the study"``, ``"in the study"``, ``"on the floor of the study"``."""
    if not surface:
        return f"in the {room}"
    if surface == "floor":
        return f"on the floor of the {room}"
    return f"on the {surface}" + (f" in the {room}" if room else "")


def onto_place(surface: str, room: str) -> str:
    """Where something comes to: ``"onto the desk in the study"``, ``"into the study"``."""
    return f"onto {on_place(surface, room)[3:]}" if surface else f"into the {room}"


def day_words(date: dt.date, today: dt.date) -> str:
    """"today", "yesterday", "tomorrow", a weekday within six days, else a date."""
    ahead = (date - today).days
    if ahead in (-1, 0, 1):
        return ("yesterday", "today", "tomorrow")[ahead + 1]
    if abs(ahead) <= 6:
        return date.strftime("%A")
    return f"{date.day} {date.strftime('%B')}"


def bare_time(day: str, part: str) -> str:
    """``"yesterday evening"``, ``"Tuesday morning"``, ``"the morning of 9 March"``."""
    if day == "today":
        return f"this {part}"
    return f"the {part} of {day}" if day[0].isdigit() else f"{day} {part}"


def time_words(world: World, k: int, when: TimeRef | None = None, bare: bool = False) -> str:
    """How to say moment ``k``: "on Tuesday evening", or bare: "Tuesday evening"."""
    if when is not None and when.kind == "first":
        return "your first visit" if bare else "on your first visit"
    if k == world.days:
        return "now"
    return date_words(world.stops[k].date, world.stops[k].part, world.today, bare)


def date_words(date: dt.date, part: str, today: dt.date, bare: bool = False) -> str:
    """How to say a date and part of day, seen from today."""
    words = bare_time(day_words(date, today), part)
    plain = bare or words.startswith(("yesterday", "tomorrow", "this "))
    return words if plain else f"on {words}"


def answer_words(value: Value) -> str:
    """A typed answer in words."""
    data = value.data
    if value.type == "place":
        return on_place(*data)
    if value.type == "time":
        return dt.datetime.fromtimestamp(data, dt.timezone.utc).strftime("%A %-d %B %Y, %H:%M")
    if value.type == "duration":
        return f"{data / 86400:.1f} days" if data >= 86400 else f"{data / 3600:.1f} hours"
    if value.type == "bool":
        return "yes" if data else "no"
    if value.type == "set":
        return ", ".join(sorted(data)) or "nothing"
    return "I don't know" if value.type == "abstain" else str(data)
