"""What instructions mean: wordings of all 60 FindingDory templates, as people may say them, and the query of each."""

# ruff: noqa: E501  (one wording, one line)
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.errors import InputError
from embodied_mem.planner.goals.parser import parse_goal
from embodied_mem.planner.goals.query import Anchor, GoalQuery

MUG, BOOK, RADIO = Anchor("mug"), Anchor("book", 2), Anchor("radio")
OBJECT, RECEPTACLE, ROOM = "object", "receptacle", "room"


def thing(role: str = "handled", **more) -> GoalQuery:
    return GoalQuery(OBJECT, role, **more)


def piece(role: str, **more) -> GoalQuery:
    return GoalQuery(RECEPTACLE, role, **more)


def room(role: str = "", **more) -> GoalQuery:
    return GoalQuery(ROOM, role, **more)


#: template → what it means, and ways to say it.
SAID: dict[int, tuple[GoalQuery, tuple[str, ...]]] = {
    1: (thing("", label="mug"), (
        "Go to a mug.", "Navigate to any cup in the house.", "Find me a coffee mug", "Show me a mug, any mug will do.",
        "Head over to one of the mugs.", "I'd like you to drive to a mug", "Bring me to a mug, handled or not.",
        "Where is a mug? Go there.")),
    2: (piece("", label="sofa"), (
        "Go to a sofa.", "Navigate to the couch.", "Find a piece of furniture that is a sofa.", "Drive over to any sofa, please",
        "Bring me to a receptacle of category sofa.", "Stop in front of a settee whether or not you used it.")),
    3: (piece("handled"), (
        "Go to a receptacle you interacted with.", "Navigate to any surface you handled.",
        "Return to a piece of furniture you used, either to pick something up or to put something down.",
        "Revisit any receptacle that you picked an object from or placed an object on.",
        "Head back to a spot where you took or left something.", "Find a surface you've interacted with.",
        "Show me some furniture you used during the day.")),
    4: (piece("unhandled"), (
        "Go to a receptacle you did not interact with.", "Navigate to any surface that you haven't used.",
        "Find a piece of furniture you never touched.", "Head to a receptacle that was not involved in any of your interactions.",
        "Drive to an unused surface.", "Show me a receptacle you neither took anything from nor put anything on.",
        "Go to some furniture other than what you used.")),
    5: (thing(), (
        "Go to any object you handled.", "Navigate to something you moved.", "Find an item that you rearranged.",
        "Head back to one of the objects you interacted with.", "Bring me to a thing you relocated today.",
        "Return to any item you picked up and put down.", "Show me an object you transferred to another place.")),
    6: (thing("unhandled"), (
        "Go to any object you did not handle.", "Navigate to an item you didn't touch.", "Find something that you never moved.",
        "Head to an object that stayed where it was all day.", "Show me an untouched object.",
        "Drive to a thing you left alone.", "Find an item that you have not interacted with.")),
    7: (piece("picked_from"), (
        "Go to a receptacle you picked something up from.", "Navigate to any surface you took an object from.",
        "Return to a place where you grabbed an item.", "Head back to furniture off which you lifted a thing.",
        "Revisit a spot from which you collected something.", "Find a receptacle you removed an object from.",
        "Drive to any of the surfaces that you retrieved items from.")),
    8: (piece("placed_on"), (
        "Go to a receptacle you placed something on.", "Navigate to any surface where you put an object down.",
        "Return to a place where you dropped off an item.", "Head back to some furniture on which you set a thing down.",
        "Revisit a spot where you deposited something.", "Find a receptacle that you left an object on.",
        "Drive to any of the surfaces you moved items onto.")),
    9: (thing(label="mug"), (
        "Go to the mug you handled.", "Navigate to the mug that you moved.", "Find the cup you interacted with.",
        "Return to a mug that you picked up and placed somewhere.", "Bring me to the mug that was rearranged.",
        "Where is the mug you relocated? Go to it.")),
    10: (thing("unhandled", label="mug"), (
        "Go to a mug you did not handle.", "Navigate to a mug that you never moved.", "Find a cup you haven't touched.",
        "Head for a mug that remained where it was.", "Show me an untouched mug.", "Drive to any mug you didn't interact with.")),
    11: (piece("unhandled", label="desk"), (
        "Go to a desk you did not interact with.", "Navigate to a desk that you never used.",
        "Find a desk you haven't picked anything from or placed anything on.", "Drive to an unused desk.",
        "Show me a desk that was not part of any interaction.", "Head to any desk where you neither took nor left anything.")),
    12: (piece("picked_from", label="coffee table"), (
        "Go to the coffee table you picked an object from.", "Navigate to a coffee table you took something from.",
        "Return to any coffee table off which you grabbed an item.", "Find the coffee table from which you lifted a thing.",
        "Head back to the coffee table where you picked something up.", "Revisit a coffee table that you removed an object from.")),
    13: (piece("placed_on", label="coffee table"), (
        "Go to the coffee table you placed an object on.", "Navigate to a coffee table you put something on.",
        "Return to any coffee table where you dropped off an item.", "Find the coffee table onto which you moved a thing.",
        "Head back to the coffee table where you set something down.", "Revisit a coffee table on which you left an object.")),
    14: (piece("picked_from", anchor=MUG), (
        "Go to the receptacle you picked the mug up from.", "Navigate to where you took the mug from.",
        "Return to the surface from which you grabbed the mug.", "Where did you pick up the mug? Go there.",
        "Head back to the spot where the mug stood before you moved it.", "Find the piece of furniture the mug was taken from.",
        "Go to the mug's original location.", "Drive to the place the mug came from.")),
    15: (thing(source="coffee table"), (
        "Go to the object you picked up from the coffee table.", "Navigate to the item that you took off the coffee table.",
        "Find the thing that came from the coffee table.", "What did you take from the coffee table? Drive to it.",
        "Head to whatever you removed from the coffee table.", "Show me an item that was originally on the coffee table.",
        "You grabbed something from the coffee table; go to its current location.")),
    16: (thing(attribute=("shape", "round")), (
        "Go to the round object you handled.", "Navigate to an item with a round shape that you moved.",
        "Find the round-shaped thing you interacted with.", "Return to something round that you carried.",
        "Bring me to the object you rearranged that is round.", "Show me a handled object whose shape is round.")),
    17: (thing(attribute=("colour", "red")), (
        "Go to the red object you handled.", "Navigate to an item of red color that you moved.",
        "Find the red-coloured thing you interacted with.", "Return to something red that you carried.",
        "Bring me to the object you rearranged that is red.", "Show me a handled item whose colour is red.",
        "Go to an object you relocated that is red in color.")),
    18: (thing(attribute=("print", "striped")), (
        "Go to the striped object you handled.", "Navigate to an item with a striped pattern that you moved.",
        "Find the thing with stripes you interacted with.", "Return to something striped that you carried.",
        "Bring me to the object you rearranged whose print is striped.", "Show me a handled item with a striped design.")),
    19: (thing(attribute=("material", "glass")), (
        "Go to the glass object you handled.", "Navigate to an item made of glass that you moved.",
        "Find the thing made out of glass you interacted with.", "Return to something of glass that you carried.",
        "Bring me to the object you rearranged whose material is glass.", "Show me a handled item that is made from glass.")),
    20: (thing(attribute=("function", "playing music")), (
        "Go to the object for playing music that you handled.", "Navigate to an item used for playing music that you moved.",
        "Find the thing you interacted with that is used to play music.", "Return to something meant for playing music that you carried.",
        "Bring me to the object you rearranged whose function is playing music.",
        "Show me a handled item that serves for playing music.", "Go to an object you relocated that you can play music with.")),
    21: (piece("handled", superlative="farthest"), (
        "Go to the farthest receptacle you interacted with.", "Navigate to the surface you used that is furthest away from here.",
        "Of all receptacles you handled, head to the most distant one.",
        "Find the furthest piece of furniture from your current position among those you interacted with.",
        "Drive to the handled receptacle with the longest way from where you are now.",
        "Which surface that you used is the farthest from you? Go to it.")),
    22: (piece("unhandled", superlative="farthest"), (
        "Go to the farthest receptacle you did not interact with.", "Navigate to the unused surface that is furthest away.",
        "Of all receptacles you never handled, head to the most distant one.",
        "Find the furthest piece of furniture from your current position that you haven't touched.",
        "Drive to the most remote surface you did not use.", "Which receptacle you left alone is the farthest from here? Go there.")),
    23: (piece("picked_from", superlative="farthest"), (
        "Go to the farthest receptacle you picked an object from.", "Navigate to the surface you took something from that is furthest away.",
        "Of all receptacles you grabbed items from, head to the most distant one.",
        "Among the places where you picked things up, find the one farthest from your current position.",
        "Drive to the most remote surface from which you removed an object.", "Which of the pick-up spots is farthest from here? Go there.")),
    24: (piece("placed_on", superlative="farthest"), (
        "Go to the farthest receptacle you placed an object on.", "Navigate to the surface you put something on that is furthest away.",
        "Of all receptacles you dropped items off at, head to the most distant one.",
        "Among the places where you put things down, find the one farthest from your current position.",
        "Drive to the most remote surface on which you left an object.", "Which of the drop-off spots is farthest from here? Go there.")),
    25: (thing(superlative="farthest"), (
        "Go to the farthest object you handled.", "Navigate to the item you moved that is furthest away now.",
        "Of all objects you interacted with, head to the most distant one.",
        "Find the furthest thing from your current position among those you carried.",
        "Drive to the rearranged object that is the longest drive away.", "Which item that you relocated is the farthest from here? Go to it.")),
    26: (room("picked_in", ordinal=3), (
        "Go to the room where you picked up the third object.", "Navigate to the room you took the 3rd item from.",
        "Return to the room in which the third thing you moved originally was.", "In which room did you grab the third object? Drive there.",
        "Head back to the room that the third object you interacted with came from.",
        "Visit the room where you found the third item that you handled.")),
    27: (room("placed_in", ordinal=3), (
        "Go to the room where you placed the third object.", "Navigate to the room you took the 3rd item to.",
        "Return to the room in which the third thing you moved ended up.", "In which room did you put the third object down? Drive there.",
        "Head back to the room that you carried the third object into.", "Visit the room where you dropped off the third item you handled.")),
    28: (room("picked_in", anchor=MUG), (
        "Go to the room where you picked up the mug.", "Navigate to the room you took the mug from.",
        "Return to the room in which the mug originally was.", "In which room did you grab the mug? Drive there.",
        "Head back to the room that the mug you interacted with came from.", "Visit the room where the mug was before you moved it.")),
    29: (room("placed_in", anchor=MUG), (
        "Go to the room where you placed the mug.", "Navigate to the room you took the mug to.",
        "Return to the room in which the mug ended up.", "In which room did you put the mug down? Drive there.",
        "Head back to the room that you carried the mug into.", "Visit the room where you dropped the mug off.")),
    30: (room("unvisited"), (
        "Go to a room you have not visited.", "Navigate to a room that you never entered.",
        "Find an unvisited room, or go back to the start room if there is none.", "Head to any room you haven't been in; otherwise return to where you began.",
        "Show me a room you did not go into.", "Drive to an unexplored room. If you have seen every room, go to the room in which you started.")),
    31: (thing(ordinal=3), (
        "Go to the third object you handled.", "Navigate to the 3rd item you interacted with.", "Find the thing that you moved third.",
        "Return to object number three that you carried.", "Head to the third thing you picked up.", "What was the third object you rearranged? Drive to it.",
        "Bring me to the third item you relocated.", "Go to where the third object you moved is now.")),
    32: (piece("picked_from", ordinal=3), (
        "Go to the third receptacle you picked an object from.", "Navigate to the 3rd surface you took something from.",
        "Return to the place of your third pick-up.", "Find the receptacle that you removed an object from in your third interaction.",
        "Head back to where you picked something up for the third time.", "Drive to the surface of pick-up number 3.")),
    33: (piece("placed_on", ordinal=3), (
        "Go to the third receptacle you placed an object on.", "Navigate to the 3rd surface you put something on.",
        "Return to the place of your third drop-off.", "Find the receptacle that you left an object on in your third interaction.",
        "Head back to where you put something down for the third time.", "Drive to the surface of placement number 3.")),
    34: (piece("picked_from", ordinal=3), (
        "Go to the receptacle from which you picked the third object.", "Navigate to the surface you took the 3rd item from.",
        "Where did the third object you handled come from? Go there.", "Return to where the third object was before you moved it.",
        "Find the furniture that the third thing you carried was taken from.", "Go to the original location of the third object you moved.")),
    35: (thing(ordinal=3), (
        "Go to the object you picked from the third receptacle.", "Navigate to the item taken from the 3rd surface you picked from.",
        "Find the thing that you removed from the third receptacle.", "What did you take at your third pick-up? Go to it.",
        "Head to the object that came from the third receptacle you picked up from.", "Bring me to whatever you lifted off the third surface.")),
    36: (thing(anchor=MUG, offset=1), (
        "Go to the object you handled right after the mug.", "Navigate to the item that you moved immediately after the mug.",
        "Find the thing you interacted with directly following the mug.", "What did you pick up next after the mug? Go to it.",
        "Head to the next object you carried after you had put down the mug.", "Return to the item you handled one interaction after the mug.",
        "After the mug, which object did you handle next? Drive to it.")),
    37: (thing(anchor=MUG, offset=-1), (
        "Go to the object you handled right before the mug.", "Navigate to the item that you moved immediately before the mug.",
        "Find the thing you interacted with directly preceding the mug.", "What did you pick up just before the mug? Go to it.",
        "Head to the last object you carried prior to the mug.", "Return to the item you handled one interaction before the mug.")),
    38: (thing(anchor=BOOK, offset=2), (
        "Go to the object you handled two interactions after the second book.", "Navigate to the item moved 2 interactions after the second book.",
        "Find the thing you interacted with two steps after the 2nd book.", "What did you pick up two interactions later than the second book? Go to it.",
        "Head to the second object you carried after the second book.", "Return to the object that came two after the second book.")),
    39: (thing(anchor=MUG, offset=-2), (
        "Go to the object you handled two interactions before the mug.", "Navigate to the item moved 2 interactions before the mug.",
        "Find the thing you interacted with two steps before the mug.", "What did you pick up two interactions earlier than the mug? Go to it.",
        "Head to the object you carried two objects prior to the mug.", "Return to the object that came two before the mug.")),
    40: (thing(anchor=MUG, until=RADIO), (
        "Go to the object you handled between the mug and the radio.", "Navigate to the item that you moved after the mug but before the radio.",
        "Find the thing you interacted with in between the mug and the radio.", "What did you pick up between handling the mug and handling the radio? Go to it.",
        "Head to the object that you carried before the radio and after the mug.", "Between the mug and the radio you moved something: return to it.")),
    41: (piece("placed_on", anchor=MUG, offset=-1), (
        "Go to the receptacle you placed an object on right before you picked up the mug.", "Navigate to the surface where you put something down just before you started with the mug.",
        "Return to the place where you dropped off an item immediately prior to handling the mug.",
        "Where did you put something down right before you began moving the mug? Go there.",
        "Find the furniture you left an object on directly before interacting with the mug.",
        "Head to the last surface you placed something on before you took the mug.")),
    42: (piece("picked_from", anchor=MUG, offset=1), (
        "Go to the receptacle you picked an object from right after you put down the mug.", "Navigate to the surface where you picked something up just after you finished with the mug.",
        "Return to the place where you grabbed an item immediately after handling the mug.",
        "Where did you pick something up right after you were done with the mug? Go there.",
        "Find the furniture you took an object from directly after placing the mug.",
        "Head to the next surface you removed something from once you had placed the mug.")),
    43: (piece("placed_on", anchor=MUG, offset=-2), (
        "Go to the receptacle you placed an object on two interactions before the mug.", "Navigate to the surface where you put something down 2 interactions before you handled the mug.",
        "Return to the place where you dropped off an item two steps prior to the mug.",
        "Where did you put something down two interactions before picking up the mug? Go there.",
        "Find the furniture you left an object on two interactions earlier than the mug.")),
    44: (piece("picked_from", anchor=MUG, offset=2), (
        "Go to the receptacle you picked an object from two interactions after the mug.", "Navigate to the surface where you picked something up 2 interactions after you handled the mug.",
        "Return to the place where you grabbed an item two steps after the mug.",
        "Where did you take something from two interactions after placing the mug? Go there.",
        "Find the furniture you removed an object from two interactions later than the mug.")),
    45: (piece("placed_on", anchor=MUG, until=RADIO), (
        "Go to the receptacle you placed an object on between the mug and the radio.", "Navigate to the surface where you put something down between handling the mug and the radio.",
        "Return to the place where you dropped off an item after the mug and before the radio.",
        "Find the furniture you left an object on in between interacting with the mug and the radio.",
        "Where did you put something down between the mug and the radio? Go there.")),
    46: (piece("picked_from", anchor=MUG, until=RADIO), (
        "Go to the receptacle you picked an object from between the mug and the radio.", "Navigate to the surface where you took something between handling the mug and the radio.",
        "Return to the place where you grabbed an item after the mug and before the radio.",
        "Find the furniture you removed an object from in between interacting with the mug and the radio.",
        "Where did you pick something up between the mug and the radio? Go there.")),
    47: (piece("handled", at=(None, 24120.0)), (
        "Go to the receptacle you were interacting with at 06:42.", "Navigate to the surface you were handling at 6:42.",
        "Find the furniture you were at, picking or placing, at 6:42 am.", "Which receptacle were you using at 06:42? Drive to it.",
        "At 6:42 in the morning you were busy at a surface. Return to it.", "Head back to the receptacle that you interacted with at 6:42 a.m.")),
    48: (thing(at=(2, 65100.0)), (
        "Go to the object you were handling on day 2 at 18:05.", "Navigate to the item you were carrying at 18:05 on day 2.",
        "Find the thing that you were moving at 6:05 pm on the second day.", "What were you holding on day two at 18:05? Go to it.",
        "Which object did you interact with at 18:05 on the 2nd day? Drive to it.", "On day 2, at 6:05 p.m., you were rearranging something. Return to it.")),
    49: (thing(superlative="longest"), (
        "Go to the object that took you the longest to rearrange.", "Navigate to the item you spent the most time handling.",
        "Find the thing that took the longest time to move.", "Which object needed the most time? Drive to it.",
        "Return to the object with the longest interaction.", "Bring me to the item you handled for the longest time.")),
    50: (room(superlative="longest"), (
        "Go to the room you spent the most time in.", "Navigate to the room where you stayed longest.",
        "In which room did you spend the most time? Drive there.", "Return to the room you were in for the longest time.",
        "Find the room in which most of your time was spent.", "Head to the room with your longest total stay.")),
    51: (thing(superlative="shortest"), (
        "Go to the object that took you the shortest to rearrange.", "Navigate to the item you spent the least time handling.",
        "Find the thing that took the shortest time to move.", "Which object was the quickest to relocate? Drive to it.",
        "Return to the object with the shortest interaction.", "Bring me to the item that you rearranged the fastest.")),
    52: (piece("picked_from", many="all"), (
        "Go to all receptacles you picked objects from.", "Navigate to every surface that you took something from.",
        "Revisit each place where you picked something up.", "Visit all the furniture you removed items from, in any order.",
        "Return to the surfaces from which you grabbed objects, all of them.", "Make a stop at each of the receptacles you lifted something off.")),
    53: (piece("placed_on", many="all"), (
        "Go to all receptacles you placed objects on.", "Navigate to every surface that you put something on.",
        "Revisit each place where you put something down.", "Visit all the furniture you left items on, in any order.",
        "Return to the surfaces on which you set objects down, all of them.", "Make a stop at each of the receptacles where you dropped something off.")),
    54: (piece("placed_on", label="desk", many="all"), (
        "Go to all desks you placed objects on.", "Navigate to every desk that you put something on.", "Revisit each desk where you put something down.",
        "Visit all the desks you left items on, in any order.", "Make a stop at every desk where you dropped something off.")),
    55: (piece("picked_from", label="desk", many="all"), (
        "Go to all desks you picked objects from.", "Navigate to every desk that you took something from.", "Revisit each desk where you picked something up.",
        "Visit all the desks you removed items from, in any order.", "Make a stop at every desk from which you grabbed something.")),
    56: (thing(many="all"), (
        "Go to all objects you handled.", "Navigate to every item that you moved.", "Revisit each thing you rearranged.",
        "Visit everything that you carried, in any order.", "Return to all the items you interacted with, whatever the order.",
        "Go to the objects that you relocated, one after the other.")),
    57: (piece("handled", many="all"), (
        "Go to all receptacles you interacted with.", "Navigate to every surface that you picked from or placed on.",
        "Revisit each place where you took or left something.", "Visit all the furniture you used, in any order.",
        "Return to all surfaces you handled objects at, no matter whether you picked up or put down there.")),
    58: (piece("picked_from", many="ordered", order=(3, 1, 2)), (
        "Go to the receptacles you picked objects from in this order: third, first, second.",
        "Navigate to the third, then the first, then the second receptacle you took something from.",
        "Revisit the surfaces you picked up from in the order 3rd, 1st, 2nd.",
        "First go to the third place where you picked something up, then to the first, and finally to the second.",
        "Visit the pick-up locations in the sequence third, first and second.")),
    59: (piece("placed_on", many="ordered", order=(3, 1, 2)), (
        "Go to the receptacles you placed objects on in this order: third, first, second.",
        "Navigate to the third, then the first, then the second receptacle you put something on.",
        "Revisit the surfaces you placed things on in the order 3rd, 1st, 2nd.",
        "First go to the third place where you put something down, then to the first, and finally to the second.",
        "Visit the drop-off locations in the sequence third, first and second.")),
    60: (thing(many="ordered", order=(3, 1, 2)), (
        "Go to the objects you handled in this order: third, first, second.", "Navigate to the third, then the first, then the second object you moved.",
        "Revisit the items you interacted with in the order 3rd, 1st, 2nd.",
        "First go to the third thing you carried, then to the first, and finally to the second.",
        "Visit the objects that you rearranged in the sequence 3, 1, 2.")),
}  # fmt: skip


@pytest.mark.parametrize("template", sorted(SAID))
def test_every_template_is_understood_in_many_wordings(template):
    query, wordings = SAID[template]
    for text in wordings:
        assert parse_goal(text).query == query, text


@pytest.mark.parametrize(
    "text",
    ["Go to the trombone.", "Find the unicorn that you handled.", "Go to the receptacle that you took the trombone from.",
     "Return to what you handled right after the trombone.", "Go to the object that you picked up from the fireplace.",
     "What is the weather like?", "How many mugs did you move?", "Tell me a joke.", "Geh zur roten Tasse.", "asdf qwer",
     "Pick up the mug.", "Go to the object that you were handling at 25:70.", "Go to the nearest receptacle that you used.", "..."],
)  # fmt: skip
def test_what_is_not_understood_is_said_with_a_reason(text):
    parsed = parse_goal(text)
    assert parsed.query is None and not parsed.understood and parsed.reason


def test_a_time_is_read_as_people_say_it():
    for said in ("at 18:05", "at 6:05 pm", "at 6:05 p.m.", "at five past six in the evening", "when the clock showed 18:05"):
        assert parse_goal(f"Go to the object that you were handling {said}.").query.at == (None, 65100.0), said


def test_a_name_with_an_ordinal_is_one_of_several():
    query = parse_goal("Go to the second mug that you handled.").query
    assert query.anchor == Anchor("mug", 2) and query.ordinal is None


@pytest.mark.parametrize("text", ["", "   ", "a" * 501, None])
def test_what_is_no_instruction_is_refused(text):
    with pytest.raises(InputError):
        parse_goal(text)


SOME_WORDS = """go to the a object mug sofa room where which that you picked up from placed on third 2nd first after before
between and all not never in order farthest longest at 14:05 day 2 , . : ? 7 pm one two interactions red made of for reading
' " # @ | N1 OBJ A1"""
WORDS = st.sampled_from(SOME_WORDS.split())


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=120), st.lists(WORDS, max_size=25).map(" ".join)).filter(lambda t: t.strip()))
def test_no_text_breaks_the_parser(text):
    parsed = parse_goal(text)
    assert parsed.understood == (parsed.query is not None)
