"""Three days in a world of boxes, recorded through the default noise: what the palace understood of them."""

from __future__ import annotations

import itertools

import pytest

from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.recorder import Recorder
from embodied_mem.ontology import THINGS
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from tests.memory.boxworld import DAY, day_one, patrol, thing

START = 1_803_805_200.0
STAYING = {"vase": "dining table", "ball": "floor", "kettle": "kitchen counter"}


def days() -> list[dict]:
    """The mug goes to the living room and comes back; the book leaves for a day; a bottle comes for a day."""
    first, second, third = day_one(), day_one(), day_one()
    second[1000] = thing("mug", "red", 6.6, 2.0, 0.42)
    second[1005] = thing("bottle", "green", 1.5, 3.6, 0.9)
    del second[1002]
    return [first, second, third]


@pytest.fixture(scope="module")
def palace(tmp_path_factory):
    made = MindPalace.create(tmp_path_factory.mktemp("boxes") / "palace")
    sidecar, noise = Sidecar(None, capacity=1000), NoiseConfig()
    recorder = Recorder(made, SimulatedDetector(sidecar, noise, seed=3))
    for n, things in enumerate(days()):
        recorder.record(f"v{n:03d}", patrol(f"v{n:03d}", START + n * DAY, things, sidecar, noise, seed=3))
    yield made
    made.close()


def the(palace: MindPalace, label: str, visit: str):
    """The one object of a label that a visit is sure of."""
    found = [o for o in palace.objects(visit=visit, label=label) if o.confidence > 0.5]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("label", STAYING)
def test_what_stays_is_one_track_on_its_surface(palace, label):
    states = [the(palace, label, v.id) for v in palace.visits()]
    assert len({s.track for s in states}) == 1
    assert {s.surface for s in states} == {STAYING[label]}
    assert all(s.hits <= s.looks and s.frames for s in states)


def test_rooms_are_named_and_hold_their_things(palace):
    assert {r.label for r in palace.rooms()} == {"kitchen", "living room"}
    assert the(palace, "kettle", "v000").room == "kitchen" and the(palace, "mug", "v001").room == "living room"
    assert {p.room for p in palace.places()} == {r.id for r in palace.rooms()}


def test_the_mug_keeps_its_identity_through_its_moves(palace):
    states = [the(palace, "mug", v.id) for v in palace.visits()]
    assert len({s.track for s in states}) == 1
    assert [s.surface for s in states] == ["dining table", "coffee table", "dining table"]
    moves = palace.changes(track=states[0].track)
    assert [(c.kind, c.from_room, c.to_room) for c in moves] == [
        ("moved", "kitchen", "living room"), ("moved", "living room", "kitchen"),
    ]  # fmt: skip
    ends = [(v.start, v.end) for v in palace.visits()]
    assert [(c.after, c.before) for c in moves] == [(a[1], b[0]) for a, b in itertools.pairwise(ends)]


def test_what_left_was_looked_for_and_what_came_was_not_there_before(palace):
    book, bottle = the(palace, "book", "v000"), the(palace, "bottle", "v001")
    assert the(palace, "book", "v002").track == book.track
    gone = palace.absences(track=book.track, visit="v001")[0]
    assert gone.views >= 3 and gone.overlooked < 0.1 and gone.frames
    assert [c.kind for c in palace.changes(track=book.track)] == ["removed", "appeared"]
    assert [c.kind for c in palace.changes(track=bottle.track)] == ["appeared", "removed"]


def test_nothing_else_changed(palace):
    assert {c.label for c in palace.changes()} == {"mug", "book", "bottle"}
    assert {t.label for t in palace.tracks(fixed=True)}.isdisjoint(THINGS)


def test_the_graph_shows_a_day_as_it_was_known(palace):
    visits = palace.visits()
    past, late = palace.graph(at=visits[1].end), palace.graph()
    book, mug = the(palace, "book", "v000").track, the(palace, "mug", "v000").track
    assert not past.nodes["object", book]["present"] and late.nodes["object", book]["present"]
    assert past.nodes["object", mug]["surface"] == "coffee table"
    early = palace.graph(known_at=visits[0].end)
    assert [n for n in early if n[0] == "visit"] == [("visit", "v000")]
    doors = [d["weight"] for a, b, k, d in late.edges(keys=True, data=True) if k == "adjacent" and a[0] == "room"]
    assert len(doors) == 2 and 3 < doors[0] < 8
    assert late.has_edge(("object", mug), ("object", the(palace, "dining table", "v002").track), key="on")


def test_a_broken_recording_leaves_the_earlier_days(tmp_path):
    sidecar, noise = Sidecar(None, capacity=1000), NoiseConfig()

    def cut(frames):
        yield from itertools.islice(frames, 20)
        raise KeyboardInterrupt

    with MindPalace.create(tmp_path / "p") as palace:
        recorder = Recorder(palace, SimulatedDetector(sidecar, noise, seed=3))
        first = list(itertools.islice(patrol("v000", START, day_one(), sidecar, noise), 30))
        recorder.record("v000", first)
        with pytest.raises(KeyboardInterrupt):
            recorder.record("v001", cut(patrol("v001", START + DAY, day_one(), sidecar, noise)))
        assert [v.id for v in palace.visits()] == ["v000"]
        recorder.record("v001", itertools.islice(patrol("v001", START + DAY, day_one(), sidecar, noise), 30))
        assert [v.frames for v in palace.visits()] == [30, 30]
