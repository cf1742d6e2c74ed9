"""From a query to targets: a hand-made memory of five handlings in three rooms, and one test for each kind of query."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem import ontology
from embodied_mem.memory.records import Handling, ObjectState, RoomNode, Spot, Track
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.goals.memory import GoalMemory, label_belief
from embodied_mem.planner.goals.query import Anchor, GoalQuery
from embodied_mem.planner.goals.resolver import resolve
from embodied_mem.sim.catalog import ASSETS, surfaces_of
from embodied_mem.types import Camera, Detection, Frame, FrameRef, planar_pose

DAY, VISIT = 20000 * 86400.0, "experience"
# Rooms side by side along x: kitchen 0..5, living room 5..10, study 10..15 (never entered: bedroom 15..20).
ROOMS = {1: ("kitchen", 0.0), 2: ("living room", 5.0), 3: ("study", 10.0), 4: ("bedroom", 15.0)}
#: Furniture: track → (label, x, y); 0.8 m wide and deep.
PIECES = {
    1: ("kitchen counter", 1.0, 1.0), 2: ("dining table", 3.5, 3.5), 3: ("sofa", 6.0, 1.0), 4: ("bookcase", 9.0, 4.0),
    5: ("desk", 11.0, 1.0), 6: ("filing cabinet", 14.0, 4.0), 7: ("wardrobe", 12.0, 4.5), 8: ("bookcase", 6.0, 4.5),
}  # fmt: skip
#: Handlings: label, colour, votes for another label, from, to (piece, surface), minutes of the day t1 t2 t3 t4, track.
DONE = (
    ("mug", "red", {}, (1, "kitchen counter"), (4, "upper shelf of the bookcase"), (400, 402, 410, 412), 11),
    ("book", "blue", {}, (3, "sofa"), (5, "desk"), (450, 453, 470, 480), 12),
    ("radio", "brown", {}, (2, "dining table"), (4, "lower shelf of the bookcase"), (520, 521, 523, 525), 13),
    ("book", "green", {"magazine": 1}, (5, "desk"), (3, "sofa"), (560, 562, 570, 574), 14),
    ("vase", "white", {}, (4, "upper shelf of the bookcase"), (2, "dining table"), (600, 602, 606, 608), 0),
)
#: Things nobody touched: label, colour, x, y, track, confidence.
OTHERS = (
    ("mug", "blue", 3.4, 3.4, 21, 0.95), ("plant", "green", 14.0, 4.0, 22, 0.95), ("radio", "red", 7.0, 7.0, 23, 0.1),
)  # fmt: skip


def state(track: int, label: str, colour: str, xyz, half: float, votes: dict, sure: float, **more) -> ObjectState:
    low, high = tuple(c - half for c in xyz), tuple(c + half for c in xyz)
    frames = tuple(FrameRef(VISIT, 100 + 10 * track + i) for i in range(3))
    return ObjectState(
        track, VISIT, label, votes, colour, (90.0, 90.0, 90.0), xyz, low, high, more.get("room", ""),
        more.get("surface", ""), more.get("furniture"), 8, 6, frames, sure, {}, {colour: 1.0},
    )  # fmt: skip


def spot(piece: int, surface: str) -> Spot:
    _, x, y = PIECES[piece]
    return Spot((x, y, 0.8), ROOMS[int(x // 5) + 1][0], surface, piece)


class Memory:
    """A palace of these rows; its images show the attributes in ``looks`` (track → name → value)."""

    looks = {11: {"material": "metal"}, 12: {"material": "paper"}, 13: {"material": "plastic"}}

    def __init__(self) -> None:
        self._handlings = []
        self._tracks = [Track(t, label, "brown", True, DAY, DAY + 1e5, (VISIT,)) for t, (label, *_) in PIECES.items()]
        self._objects = [
            state(t, label, "brown", (x, y, 0.4), 0.4, {label: 9}, 1.0) for t, (label, x, y) in PIECES.items()
        ]
        for k, (label, colour, also, start, goal, minutes, track) in enumerate(DONE):
            refs = tuple(FrameRef(VISIT, 10 * k + i) for i in range(4))
            held = tuple(FrameRef(VISIT, 10 * k + 4 + i) for i in range(3))
            times = tuple(DAY + 60.0 * m for m in minutes)
            self._handlings.append(
                Handling(VISIT, k, label, {label: 6} | also, {colour: 0.9, "grey": 0.1}, times, refs, held,
                         spot(*start), spot(*goal), track)
            )  # fmt: skip
            if track:
                self._see(track, label, colour, spot(*goal).xyz, 0.95, times[3])
        for label, colour, x, y, track, sure in OTHERS:
            self._see(track, label, colour, (x, y, 0.8), sure, DAY)

    def _see(self, track, label, colour, xyz, sure, since):
        self._objects.append(state(track, label, colour, xyz, 0.05, {label: 6}, sure))
        self._tracks.append(Track(track, label, colour, False, since, since + 1e4, (VISIT,)))

    def handlings(self, visit=None):
        return self._handlings

    def objects(self, **_):
        return self._objects

    def tracks(self, label=None, fixed=None):
        return self._tracks

    def sightings(self, **_):
        return []

    def frames(self, visit=None):
        """Ten frames in the kitchen, thirty in the living room, five in the study; handlings begin at their piece."""
        xs = [2.0] * 10 + [7.0] * 30 + [12.0] * 5
        poses = [planar_pose(x, 2.0, 0.0) for x in xs]
        return [SimpleNamespace(ref=FrameRef(VISIT, 1000 + i), time=DAY + 6 * 3600 + i, base_to_map=p, camera_to_map=p)
                for i, p in enumerate(poses)]  # fmt: skip

    def load_frame(self, ref):
        k, image = divmod(ref.index, 10)
        eye = np.eye(4)
        color, depth = np.zeros((8, 6, 3), np.uint8), np.full((8, 6), 0.5, np.float32)
        return Frame(ref, 0.0, color, depth, eye, eye, Camera(6, 8), gripper_full=k < len(DONE) and image >= 4)


class Eyes:
    """A detector of the slow gear: it sees in the middle of the image what was held then."""

    def detect(self, frame, gear="index"):
        assert gear == "inspect"
        if not frame.gripper_full:
            return []
        label, *_, track = DONE[frame.ref.index // 10]
        mask = np.zeros((8, 6), bool)
        mask[3:7, 2:4] = True
        looks = Memory.looks.get(track, {})
        return [Detection(mask, label, 0.9, (2, 3, 4, 7), (0.0, 0.0, 0.0), looks, {})]


@dataclass
class Map:
    """A site map of four rooms side by side."""

    @property
    def rooms(self):
        return [RoomNode(i, label, 0.9, (x + 2.5, 2.5), (x, 0.0, x + 5, 5.0)) for i, (label, x) in self.known().items()]

    def known(self):
        return ROOMS

    def room_at(self, x, y):
        return next((r for r in self.rooms if r.rect[0] <= x < r.rect[2]), None)


MEMORY = GoalMemory(Memory(), Map())


def find(target: str, role: str = "", detector=None, memory: GoalMemory = MEMORY, **more):
    query = GoalQuery(target, role, **more)
    return resolve(query, memory, (0.0, 0.0), lambda t: math.dist(t.xyz[:2], (0, 0)), detector)


def best(target: str, role: str = "", **more) -> int:
    """The track (of rooms: id) of the surest target of a query for one goal."""
    first = find(target, role, **more).slots[0][0]
    return first.room or first.track


def likely(target: str, role: str = "", **more) -> set[int]:
    """Tracks of all that is likelier than not."""
    return {t.room or t.track for t in find(target, role, **more).slots[0] if t.confidence > 0.5}


# -- which objects --------------------------------------------------------------------------------------------------


def test_any_handled_object_offers_all_of_them_where_they_are_now():
    wanted = find("object", "handled")
    assert {t.track for t in wanted.slots[0]} == {11, 12, 13, 14, 0}
    mug = next(t for t in wanted.slots[0] if t.track == 11)
    assert mug.xyz[:2] == PIECES[4][1:] and mug.since == DAY + 60 * 412


def test_a_kind_finds_handled_and_other_ones_and_an_unhandled_one_is_not_the_handled_one():
    assert likely("object", label="mug") == {11, 21}
    assert likely("object", "handled", label="mug") == {11}
    assert likely("object", "unhandled", label="mug") == {21}


def test_a_phantom_has_little_confidence():
    (radio,) = find("object", "unhandled", label="radio").slots[0]
    assert radio.track == 23 and radio.confidence <= 0.1


def test_a_confusable_label_is_offered_with_less_confidence():
    found = {t.track: t.confidence for t in find("object", "handled", label="magazine").slots[0]}
    assert 0.01 <= found.get(14, 0.01) < 0.5


def test_the_source_names_the_furniture_it_was_picked_from():
    assert likely("object", "handled", source="sofa") == {12}
    assert likely("object", "handled", source="bookcase") == {0}


def test_order_offsets_and_what_lies_between():
    assert best("object", "handled", ordinal=3) == 13
    assert best("object", "handled", anchor=Anchor("radio"), offset=1) == 14
    assert best("object", "handled", anchor=Anchor("book", 2), offset=-2) == 12
    assert best("object", "handled", anchor=Anchor("mug"), until=Anchor("radio")) == 12
    assert best("object", "handled", anchor=Anchor("book"), until=Anchor("book", 2)) == 13


def test_what_does_not_exist_is_an_empty_slot():
    assert find("object", "handled", ordinal=9).slots == ((),)
    assert find("object", "handled", anchor=Anchor("radio"), offset=7).slots == ((),)
    assert find("object", label="iron").slots == ((),)


def test_clock_times_and_durations():
    assert best("object", "handled", at=(None, 60.0 * 460)) == 12
    assert best("object", "handled", at=(1, 60.0 * 523)) == 13
    assert best("object", "handled", superlative="longest") == 12
    assert best("object", "handled", superlative="shortest") == 13
    assert find("object", "handled", at=(3, 60.0 * 460)).slots == ((),)


def test_the_farthest_weighs_how_sure_the_farther_ones_are():
    assert best("object", "handled", superlative="farthest") == 12
    assert best("receptacle", "unhandled", superlative="farthest") == 6


# -- looks ----------------------------------------------------------------------------------------------------------


def test_colours_are_known_without_opening_an_image():
    wanted = find("object", "handled", attribute=("colour", "red"))
    assert wanted.slots[0][0].track == 11 and wanted.images == 0


def test_what_a_thing_is_for_is_known_from_its_kind():
    assert likely("object", "handled", attribute=("function", "playing music")) == {13}


def test_materials_are_read_from_few_images_of_the_things_that_may_have_them():
    wanted = find("object", "handled", Eyes(), attribute=("material", "plastic"))  # a mug's or a radio's
    assert wanted.slots[0][0].track == 13 and wanted.slots[0][0].confidence > 0.9
    assert 1 <= wanted.images <= 4 and wanted.trace[0]["action"] == "inspect"


def test_what_can_be_nothing_else_is_not_looked_at():
    wanted = find("object", "handled", Eyes(), attribute=("material", "metal"))  # only a mug's
    assert wanted.slots[0][0].track == 11 and wanted.slots[0][0].confidence > 0.9 and wanted.images == 0


def test_an_image_that_costs_more_than_it_tells_is_not_opened():
    query = GoalQuery("object", "handled", attribute=("material", "plastic"))
    dear = resolve(query, MEMORY, (0.0, 0.0), lambda t: 1.0, Eyes(), Prices(image=5.0))
    assert dear.images == 0 and dear.slots[0][0].confidence < 0.9


# -- which receptacles ----------------------------------------------------------------------------------------------


def test_receptacles_by_what_was_done_there():
    assert likely("receptacle", "picked_from") == {1, 2, 3, 4, 5}
    assert likely("receptacle", "placed_on") == {2, 3, 4, 5}
    assert likely("receptacle", "unhandled") == {6, 8}  # a wardrobe holds nothing


def test_receptacles_by_kind():
    assert likely("receptacle", label="bookcase") == {4, 8}
    assert likely("receptacle", "placed_on", label="bookcase") == {4}
    assert likely("receptacle", "unhandled", label="bookcase") == {8}


def test_receptacles_by_interaction():
    assert best("receptacle", "picked_from", ordinal=2) == 3
    assert best("receptacle", "placed_on", ordinal=2) == 5
    assert best("receptacle", "picked_from", anchor=Anchor("radio")) == 2
    assert best("receptacle", "placed_on", anchor=Anchor("radio"), offset=-1) == 5
    assert best("receptacle", "picked_from", anchor=Anchor("book"), until=Anchor("book", 2)) == 2
    assert best("receptacle", "handled", at=(None, 60.0 * 401)) == 1
    assert best("receptacle", "handled", at=(None, 60.0 * 411)) == 4
    assert best("receptacle", "picked_from", superlative="farthest") == 5


# -- several --------------------------------------------------------------------------------------------------------


def test_all_of_them_has_a_slot_each():
    assert [slot[0].track for slot in find("object", "handled", many="all").slots] == [11, 12, 13, 14, 0]
    assert [slot[0].track for slot in find("receptacle", "picked_from", many="all").slots] == [1, 3, 2, 5, 4]
    placed = find("receptacle", "placed_on", many="all").slots
    assert [slot[0].track for slot in placed] == [4, 5, 4, 3, 2]  # two shelves of one bookcase are two goals
    used = find("receptacle", "handled", many="all").slots
    assert len(used) == 6  # counter, upper and lower shelf, sofa, desk, table
    assert [s[0].track for s in find("receptacle", "placed_on", label="bookcase", many="all").slots] == [4, 4]


def test_an_order_is_kept_and_a_missing_ordinal_is_an_empty_slot():
    slots = find("object", "handled", many="ordered", order=(3, 1, 9)).slots
    assert [slot[0].track if slot else None for slot in slots] == [13, 11, None]
    again = find("receptacle", "placed_on", many="ordered", order=(1, 3, 2)).slots
    assert [slot[0].track for slot in again] == [4, 4, 5]


# -- rooms ----------------------------------------------------------------------------------------------------------


def test_rooms_of_interactions():
    assert best("room", "picked_in", ordinal=2) == 2
    assert best("room", "placed_in", ordinal=2) == 3
    assert best("room", "picked_in", anchor=Anchor("mug")) == 1
    assert best("room", "placed_in", anchor=Anchor("mug")) == 2


def test_the_longest_stay_and_the_unvisited_room():
    assert best("room", superlative="longest") == 2
    assert best("room", "unvisited") == 4


def test_where_every_known_room_was_visited_the_start_room_may_be_meant():
    class Small(Map):
        def known(self):
            return {i: r for i, r in ROOMS.items() if i < 4}

    (only,) = find("room", "unvisited", memory=GoalMemory(Memory(), Small())).slots[0]
    assert only.room == 1 and only.confidence < 0.8


# -- what must always hold ------------------------------------------------------------------------------------------


def test_holders_are_the_furniture_with_surfaces():
    for label, assets in ASSETS.items():
        for asset in assets:
            assert bool(surfaces_of(asset.name, asset.high)) == (label in ontology.HOLDERS), asset.name


def test_votes_make_beliefs():
    assert label_belief((("mug", 5),), 0.04)["mug"] > 0.95
    assert label_belief((("glass", 1), ("mug", 6)), 0.04)["mug"] > label_belief((("glass", 3), ("mug", 4)), 0.04)["mug"]


anchors = st.builds(Anchor, st.sampled_from(["mug", "book", "radio", "magazine", "iron"]), st.integers(1, 3))
queries = st.builds(
    GoalQuery, st.sampled_from(["object", "receptacle", "room"]),
    st.sampled_from(["", "handled", "unhandled", "picked_from", "placed_on", "picked_in", "placed_in", "unvisited"]),
    st.sampled_from(["", "mug", "bookcase", "kitchen"]),
    st.sampled_from([None, ("colour", "red"), ("material", "wood"), ("print", "striped"), ("function", "reading")]),
    st.sampled_from([None, 1, 5, 12]), st.none() | anchors, st.none() | anchors, st.integers(-2, 2),
    st.sampled_from(["", "desk"]), st.sampled_from([None, (None, 24000.0), (2, 24000.0)]),
    st.sampled_from(["", "farthest", "longest", "shortest"]), st.sampled_from(["any", "all", "ordered"]),
    st.lists(st.integers(1, 7), max_size=5).map(tuple),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(queries, st.booleans())
def test_every_query_has_an_answer_of_the_right_shape(query, empty):
    memory = GoalMemory(_nothing(), Map()) if empty else MEMORY
    wanted = resolve(query, memory, (2.0, 2.0), lambda t: math.dist(t.xyz[:2], (2, 2)), None if empty else Eyes())
    assert all(0.0 <= t.confidence <= 1.0 and t.kind == query.target for slot in wanted.slots for t in slot)
    if query.many == "ordered" and query.order and query.target != "room":
        assert len(wanted.slots) == len(query.order)
    if query.many == "any":
        assert len(wanted.slots) == 1
        assert list(wanted.slots[0]) == sorted(wanted.slots[0], key=lambda t: -round(t.confidence, 3))


def _nothing() -> Memory:
    memory = Memory()
    memory._handlings, memory._objects, memory._tracks = [], [], []
    return memory


@pytest.fixture(autouse=True)
def in_hand(monkeypatch):
    """The made-up images have no geometry: what is seen while the gripper is full is in the hand."""

    def split(frame, detections):
        return (detections[0], []) if frame.gripper_full else (None, list(detections))

    monkeypatch.setattr("embodied_mem.planner.goals.inspect.split", split)
