"""How instructions are said: wordings of the 60 templates and the words for their slots.

An object "that you handled" is one that was carried in an interaction; "picked from" and "placed on" are never mixed.
"""

from __future__ import annotations

from embodied_mem.ontology import category, plural

# {a}: "a mug", "any scissors"; {label}; {labels}: plural; {n}: "third"; {x}, {y}: objects of interactions; {value}: of
# an attribute; {at}: "at 14:05", "on day 2 at 14:05"; {order}: "third, first, second". Capital: at the start.
WORDINGS: dict[int, tuple[str, ...]] = {
    # Object Recall
    1: ("Go to {a}.", "Find {a} in this house and go to it.", "Please bring yourself to {a}; whichever one will do.",
        "Take me to {a}, no matter whether you handled it or not."),
    2: ("Go to {a}.", "Drive to {a} in this house; whichever one will do.", "Please stop at {a}.",
        "Take me to {a}, no matter whether you used it or not."),
    # Interaction
    3: ("Go back to a receptacle that you picked something up from or placed something on.",
        "Return to any piece of furniture that you handled objects at, be it picking up or putting down.",
        "Please revisit one of the receptacles that you interacted with.",
        "Drive to some piece of furniture that you took an object from or put an object on."),
    4: ("Go to a receptacle that you neither picked anything up from nor placed anything on.",
        "Drive to a piece of furniture that things can be put on, but that you did not interact with.",
        "Please find a receptacle that you never used, neither for picking up nor for putting down.",
        "Take me to any receptacle that you did not interact with."),
    5: ("Go to any object that you handled.", "Return to one of the things that you carried.",
        "Please find something that you moved and go to where it is now.",
        "Take me to an object that you rearranged; whichever one will do."),
    6: ("Go to any object that you did not handle.", "Find a thing that you never carried and stop at it.",
        "Please go to some object that you left where it was.",
        "Take me to an object that you did not move; whichever one will do."),
    7: ("Go to any receptacle that you picked an object up from.",
        "Return to a piece of furniture that you took something from.",
        "Please revisit one of the receptacles that you picked things up from.",
        "Drive to some furniture from which you took an object."),
    8: ("Go to any receptacle that you placed an object on.",
        "Return to a piece of furniture that you put something down on.",
        "Please revisit one of the receptacles on which you placed things.",
        "Drive to some furniture onto which you put an object."),
    # Conditional Interaction
    9: ("Go to {a} that you handled.", "Return to {a} that you carried, where it is now.",
        "Please find {a} that you moved from one place to another.", "Take me to {a} that you rearranged."),
    10: ("Go to {a} that you did not handle.", "Find {a} that you never carried and stop at it.",
         "Please go to {a} that you left where it was.", "Take me to {a} that you did not move."),
    11: ("Go to {a} that you neither picked anything up from nor placed anything on.",
         "Drive to {a} that you did not interact with.",
         "Please find {a} that you never used, neither for picking up nor for putting down.",
         "Take me to {a} that you took nothing from and put nothing on."),
    12: ("Go to {a} that you picked an object up from.", "Return to {a} that you took something from.",
         "Please revisit {a} from which you picked something up.", "Drive to {a} from which you took an object."),
    13: ("Go to {a} that you placed an object on.", "Return to {a} that you put something down on.",
         "Please revisit {a} on which you placed something.", "Drive to {a} onto which you put an object."),
    14: ("Go to a receptacle that you picked {a} up from.",
         "Return to a piece of furniture that you took {a} from.",
         "You picked up {a} somewhere: go back to the receptacle that you took it from.",
         "Please revisit a receptacle from which you picked up {a}."),
    15: ("Go to an object that you picked up from {a}.",
         "You took something from {a}: go to where it is now.",
         "Please find a thing that you picked up from {a}, wherever you put it.",
         "Take me to an object that you took from {a}."),
    # Object Attributes
    16: ("Go to an object that you handled and that is {value} in shape.",
         "Find a thing that you carried whose shape is {value}.",
         "Please return to something {value} in shape that you moved.",
         "Take me to an object of {value} shape that you rearranged."),
    17: ("Go to an object that is {value} and that you handled.",
         "Find a thing that you carried whose colour is {value}.",
         "Please return to something {value} that you moved.", "Take me to something {value} that you rearranged."),
    18: ("Go to an object that you handled and that has a {value} print.",
         "Find a {value} thing that you carried.", "Please return to something with a {value} pattern that you moved.",
         "Take me to an object with a {value} design that you rearranged."),
    19: ("Go to an object made of {value} that you handled.",
         "Find a thing that you carried whose material is {value}.",
         "Please return to something made of {value} that you moved.",
         "Take me to a thing made of {value} that you rearranged."),
    20: ("Go to an object for {value} that you handled.", "Find a thing that you carried whose function is {value}.",
         "Please return to something for {value} that you moved.",
         "Take me to a thing that is meant for {value} and that you rearranged."),
    # Spatial Relationship
    21: ("Go to the receptacle farthest from here, measured along the way, among those picked from or placed on.",
         "Of all the furniture that you interacted with, go to the piece that is farthest to drive to from here.",
         "Please go to the receptacle, picked from or placed on, that is farthest from you along the way.",
         "Which receptacle that you interacted with is farthest to drive to from here? Go there."),
    22: ("Go to the receptacle farthest from here, measured along the way, among those that you did not interact with.",
         "Of all the furniture that things can be put on and that you did not use, go to the piece that is farthest to"
         " drive to from here.",
         "Please go to the receptacle, neither picked from nor placed on, that is farthest from you along the way.",
         "Which receptacle that you did not interact with is farthest to drive to from here? Go there."),
    23: ("Go to the receptacle farthest from here, measured along the way, among those that you picked from.",
         "Of all the furniture that you took objects from, go to the piece that is farthest to drive to from here.",
         "Please go to the receptacle that you picked something up from and that is farthest from you along the way.",
         "Which receptacle that you took something from is farthest to drive to from here? Go there."),
    24: ("Go to the receptacle farthest from here, measured along the way, among those that you placed something on.",
         "Of all the furniture that you put objects on, go to the piece that is farthest to drive to from here.",
         "Please go to the receptacle that you placed something on and that is farthest from you along the way.",
         "Which receptacle that you put something down on is farthest to drive to from here? Go there."),
    25: ("Go to the object farthest from here, measured along the way, among those that you handled.",
         "Of all the things that you carried, go to the one that is farthest to drive to from here.",
         "Please go to the object that you moved and that is now farthest from you along the way.",
         "Which object that you rearranged is farthest to drive to from here? Go there."),
    # Room Visitation
    26: ("Go to the room where you picked up the {n} object that you handled.",
         "Return to the room that you took the {n} thing you carried from.",
         "Please drive into the room in which you picked up the {n} object.",
         "Which room did you pick up the {n} object in? Go there."),
    27: ("Go to the room where you placed the {n} object that you handled.",
         "Return to the room that you brought the {n} thing you carried to.",
         "Please drive into the room in which you put down the {n} object.",
         "Which room did you place the {n} object in? Go there."),
    28: ("Go to a room where you picked up {a}.", "Return to a room that you took {a} from.",
         "Please drive into a room in which you picked up {a}.", "Which room did you pick up {a} in? Go there."),
    29: ("Go to a room where you placed {a}.", "Return to a room that you brought {a} to.",
         "Please drive into a room in which you put down {a}.", "Which room did you place {a} in? Go there."),
    30: ("Go to a room that you never entered; if you were in all of them, go to the room that you started in.",
         "Drive into any room that you have not visited. If there is none, return to the room where you started.",
         "Please visit a room that you were never in, or the room you began in if no room is unvisited.",
         "Is there a room that you did not enter? Go there. If not, go back to the room where you started."),
    # Interaction Order
    31: ("Go to the {n} object that you handled.", "Go back to the {n} thing that you carried.",
         "Please return to the {n} object that you moved.", "Take me to the {n} object that you rearranged."),
    32: ("Counting every pick-up, go to the {n} receptacle that you picked something up from.",
         "Return to the piece of furniture where you picked something up for the {n} time.",
         "Please go to the receptacle of your {n} pick-up.",
         "Where did you pick something up for the {n} time? Drive to that receptacle."),
    33: ("Counting every placement, go to the {n} receptacle that you placed something on.",
         "Return to the piece of furniture where you put something down for the {n} time.",
         "Please go to the receptacle of your {n} placement.",
         "Where did you put something down for the {n} time? Drive to that receptacle."),
    34: ("Go to the receptacle that you picked the {n} object up from.",
         "Return to the piece of furniture that you took the {n} thing you carried from.",
         "Please go to the receptacle from which you took the {n} object that you handled.",
         "Where did you pick up the {n} object? Drive to that receptacle."),
    35: ("Counting every pick-up, go to the object that you took from the {n} receptacle that you picked from.",
         "Find the object that you took from the piece of furniture where you picked something up for the {n} time.",
         "Please go to the object that you picked up from the receptacle of your {n} pick-up.",
         "Which object did you take from the receptacle of your {n} pick-up? Go to where it is now."),
    36: ("Go to the object that you handled right after {x}.", "Find the next thing that you carried after {x}.",
         "Please return to the object that you moved immediately after {x}.",
         "What did you handle right after {x}? Go to it."),
    37: ("Go to the object that you handled right before {x}.", "Find the thing that you carried just before {x}.",
         "Please return to the object that you moved immediately before {x}.",
         "What did you handle right before {x}? Go to it."),
    38: ("Go to the object that you handled two interactions after {x}.",
         "Find the thing that you carried two interactions after {x}.",
         "Please return to the object that you moved two interactions later than {x}.",
         "What did you handle two interactions after {x}? Go to it."),
    39: ("Go to the object that you handled two interactions before {x}.",
         "Find the thing that you carried two interactions before {x}.",
         "Please return to the object that you moved two interactions earlier than {x}.",
         "What did you handle two interactions before {x}? Go to it."),
    40: ("Go to the object that you handled between {x} and {y}.",
         "Find the thing that you carried after {x} and before {y}.",
         "Please return to the one object that you moved between {x} and {y}.",
         "What did you handle between {x} and {y}? Go to it."),
    41: ("Go to the receptacle that you placed something on right before you started with {x}.",
         "Return to the piece of furniture where you last put something down before picking up {x}.",
         "Please go to the receptacle that you placed an object on immediately before handling {x}.",
         "Right before you started with {x} you put something down: go to that receptacle."),
    42: ("Go to the receptacle that you picked something up from right after you had finished with {x}.",
         "Return to the piece of furniture where you next picked something up after putting down {x}.",
         "Please go to the receptacle that you picked an object up from immediately after handling {x}.",
         "Right after you had finished with {x} you picked something up: go to that receptacle."),
    43: ("Go to the receptacle that you placed something on two interactions before {x}.",
         "Return to the piece of furniture that you put something down on two interactions before you handled {x}.",
         "Please go to the receptacle that you placed an object on two interactions earlier than {x}.",
         "Where did you put something down two interactions before {x}? Drive to that receptacle."),
    44: ("Go to the receptacle that you picked something up from two interactions after {x}.",
         "Return to the piece of furniture that you took something from two interactions after you handled {x}.",
         "Please go to the receptacle that you picked an object up from two interactions later than {x}.",
         "Where did you pick something up two interactions after {x}? Drive to that receptacle."),
    45: ("In the one interaction between {x} and {y} you placed an object: go to the receptacle it went onto.",
         "Go to the receptacle that you placed something on in the interaction between {x} and {y}.",
         "Return to the piece of furniture that you put the one thing down on that you carried between {x} and {y}.",
         "In the interaction after {x} and before {y}, where did you put something down? Drive to that receptacle."),
    46: ("In the one interaction between {x} and {y} you picked up an object: go to the receptacle it came from.",
         "Go to the receptacle that you picked something up from in the interaction between {x} and {y}.",
         "Return to the piece of furniture that you took the one thing from that you carried between {x} and {y}.",
         "In the interaction after {x} and before {y}, where did you pick something up? Drive to that receptacle."),
    # Time-Based
    47: ("Go to the receptacle where you were picking something up or putting something down {at}.",
         "{At} you were busy at a piece of furniture, picking up or putting down: go back to it.",
         "Please return to the receptacle that you were interacting with {at}.",
         "{At}, which receptacle were you picking from or placing on? Drive there."),
    48: ("Go to the object that you were handling {at}.", "{At} you were busy moving a thing: go to where it is now.",
         "Please return to the object that you were rearranging {at}.",
         "Which object were you picking up, carrying or putting down {at}? Go to it."),
    # Duration Tracking
    49: ("Go to the object that took you the longest to rearrange.",
         "Of all things that you handled, find the one that took most time from reaching out to putting down.",
         "Please return to the object that you needed the longest time to move.",
         "Which object took you the longest to rearrange? Go to it."),
    50: ("Go to the room that you spent the most time in.", "Return to the room where you stayed the longest in total.",
         "Please drive into the room in which you spent most of your time.",
         "Which room did you spend the most time in? Go there."),
    51: ("Go to the object that took you the shortest time to rearrange.",
         "Of all things that you handled, find the one that took least time from reaching out to putting down.",
         "Please return to the object that you needed the shortest time to move.",
         "Which object took you the shortest time to rearrange? Go to it."),
    # Unordered Revisitation: surfaces, since two shelves of one bookcase are two goals
    52: ("Go to all the receptacles that you picked objects up from, in any order; each shelf counts as one.",
         "Visit every surface that you took something from, each of them once, in any order.",
         "Please revisit each surface from which you picked something up; the order does not matter.",
         "Stop once at every surface that you picked an object up from, in whatever order you like."),
    53: ("Go to all the receptacles that you placed objects on, in any order; each shelf counts as one.",
         "Visit every surface that you put something down on, each of them once, in any order.",
         "Please revisit each surface on which you placed something; the order does not matter.",
         "Stop once at every surface that you placed an object on, in whatever order you like."),
    54: ("Go to all the {labels} that you placed objects on, in any order; each shelf counts as one.",
         "Visit every {label} surface that you put something down on, each of them once, in any order.",
         "Please revisit each {label} surface on which you placed something; the order does not matter.",
         "Stop once at every {label} surface that you placed an object on, in whatever order you like."),
    55: ("Go to all the {labels} that you picked objects up from, in any order; each shelf counts as one.",
         "Visit every {label} surface that you took something from, each of them once, in any order.",
         "Please revisit each {label} surface from which you picked something up; the order does not matter.",
         "Stop once at every {label} surface that you picked an object up from, in whatever order you like."),
    56: ("Go to all the objects that you handled, in any order.",
         "Visit every thing that you carried, each of them once, in any order.",
         "Please return to each object that you moved; the order does not matter.",
         "Stop once at every object that you rearranged, in whatever order you like."),
    57: ("Go to all the receptacles that you picked from or placed on, in any order; each shelf counts as one.",
         "Visit every surface that you interacted with, each of them once, in any order.",
         "Please revisit each surface from which you picked something up or on which you put something down; the order"
         " does not matter.",
         "Stop once at every surface that you took an object from or put an object on, in whatever order you like."),
    # Ordered Revisitation
    58: ("Counting every pick-up, go to the receptacles that you picked objects up from in this order: {order}.",
         "Return to the receptacles of your pick-ups, in this order: {order}.",
         "Please visit, one after the other as listed, the receptacles of these pick-ups: {order}.",
         "Drive to the furniture that you took things from, numbered pick-up by pick-up, in this order: {order}."),
    59: ("Counting every placement, go to the receptacles that you placed objects on in this order: {order}.",
         "Return to the receptacles of your placements, in this order: {order}.",
         "Please visit, one after the other as listed, the receptacles of these placements: {order}.",
         "Drive to the furniture that you put things on, numbered placement by placement, in this order: {order}."),
    60: ("Numbering the objects that you handled from the first one on, go to them in this order: {order}.",
         "Return to the things that you carried, numbered from the first you carried, in this order: {order}.",
         "Please visit, one after the other as listed, these of the objects that you moved: {order}.",
         "Drive to the objects that you rearranged, numbered in the order of rearranging, in this order: {order}."),
}  # fmt: skip
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def ordinal(n: int) -> str:
    """``1`` → ``"first"``, from 11 on ``"11th"``, ``"21st"``."""
    if n <= len(_ORDINALS):
        return _ORDINALS[n - 1]
    return f"{n}{'th' if n % 100 in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def some(label: str) -> str:
    """``"a mug"``, ``"an umbrella"``; what has no singular: ``"any scissors"``."""
    if category(label).plural == label:
        return f"any {label}"
    return f"{'an' if label[0] in 'aeiou' else 'a'} {label}"


def clock(day: int | None, seconds: int) -> str:
    """``"at 09:05"``, ``"on day 2 at 14:05"``: the day (from 1; None: there is one only) and seconds of the day."""
    text = f"at {seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
    return text if day is None else f"on day {day} {text}"


def handled(label: str, occurrence: int, of: int) -> str:
    """A handled object: ``("book", 1, 1)`` → ``"the book"``, ``("book", 2, 3)`` → ``"the second book"`` of them."""
    return f"the {ordinal(occurrence)} {label}" if of > 1 else f"the {label}"


def say(wording: str, slots: dict) -> str:
    """A wording with its slots filled in (``templates.Draft.slots``)."""
    words = {}
    if label := slots.get("label") or slots.get("source"):
        words |= {"a": some(label), "label": label, "labels": plural(label)}
    if "ordinal" in slots:
        words["n"] = ordinal(slots["ordinal"])
    words |= {name: handled(**slots[name]) for name in ("x", "y") if name in slots}
    if "value" in slots:
        words["value"] = slots["value"]
    if "seconds" in slots:
        words["at"] = clock(slots["day"], slots["seconds"])
    if "order" in slots:
        words["order"] = ", ".join(ordinal(n) for n in slots["order"])
    words |= {k.capitalize(): v[:1].upper() + v[1:] for k, v in words.items()}
    return wording.format(**words)
