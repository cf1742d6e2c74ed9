"""The palace keeps what it acknowledged, refuses what is broken, and says what it dropped."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embodied_mem.errors import InputError, PalaceError
from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.records import Handling, ObjectState, Spot, Track
from embodied_mem.perception.lifting import Lifted
from embodied_mem.types import Camera, Frame, FrameRef, planar_pose

CAMERA = Camera(width=32, height=24)
START = 1_803_805_200.0


def frame(index: int, visit: str = "v000", seed: int = 0, **changes) -> Frame:
    rng = np.random.default_rng([seed, index])
    base = planar_pose(0.1 * index, 0.0, 0.3)
    color = np.full((24, 32, 3), rng.integers(40, 200, 3), np.uint8)
    depth = np.full((24, 32), rng.uniform(0.5, 4.0), np.float32)
    made = Frame(FrameRef(visit, index), START + index, color, depth, base, base @ CAMERA.to_base(), CAMERA)
    return replace(made, **changes)


def lifted(label: str = "mug", x: float = 1.0, y: float = 2.0) -> Lifted:
    spot = (x, y, 0.8)
    return Lifted(label, 0.9, spot, spot, spot, 0.8, 100, 2.0, (200.0, 10.0, 10.0), "red", (1, 2, 9, 8))


def record(palace: MindPalace, visit: str = "v000", frames: int = 3, seed: int = 0) -> None:
    palace.begin_visit(visit, START)
    for i in range(frames):
        palace.add_frame(frame(i, visit, seed))
        palace.add_sightings(FrameRef(visit, i), [lifted(x=0.5 * i)])
    palace.end_visit(visit, START + frames)
    palace.commit()


@pytest.fixture
def palace(tmp_path):
    with MindPalace.create(tmp_path / "palace", site="flat") as made:
        yield made


def test_a_frame_comes_back_as_it_went_in(palace):
    given = frame(0, depth=np.full((24, 32), 1.234, np.float32), gripper_full=True, last_action="left",
                  mode="manipulation")  # fmt: skip
    palace.begin_visit("v000", START)
    palace.add_frame(given)
    got = palace.load_frame(given.ref)
    assert np.array_equal(got.base_to_map, given.base_to_map) and np.array_equal(got.camera_to_map, given.camera_to_map)
    assert np.abs(got.depth - given.depth).max() <= 0.0005 and got.depth.dtype == np.float32
    assert np.abs(got.color.astype(int) - given.color).max() <= 4 and got.color.dtype == np.uint8
    assert (got.time, got.camera) == (given.time, CAMERA)
    node = palace.frames("v000")[0]
    for one in (got, node):
        assert (one.mode, one.gripper_full, one.last_action) == ("manipulation", True, "left")


def test_everything_is_there_after_closing(tmp_path):
    with MindPalace.create(tmp_path / "p") as palace:
        record(palace)
    with MindPalace.open(tmp_path / "p", read_only=True) as again:
        assert [(v.id, v.frames, v.end) for v in again.visits()] == [("v000", 3, START + 3)]
        assert len(again.sightings(label="mug")) == 3 and not again.report
        with pytest.raises(PalaceError, match="read-only"):
            again.begin_visit("v001", START + 10)


BAD_FRAMES = {
    "NaN": {"depth": np.full((24, 32), np.nan, np.float32)},
    "infinite pixels": {"depth": np.full((24, 32), np.inf, np.float32)},
    "below 0": {"depth": np.full((24, 32), -1.0, np.float32)},
    "expected float32": {"depth": np.zeros((24, 31), np.float32)},
    "expected uint8": {"color": np.zeros((24, 32, 3), np.float32)},
    "runs back": {"time": START},
    "not finite": {"time": math.nan},
    "none of navigation, manipulation": {"mode": "flying"},
    "count upwards": {"ref": FrameRef("v000", 0)},
    "belongs to visit": {"ref": FrameRef("v009", 5)},
    "NaN or infinite entries": {"base_to_map": np.full((4, 4), np.nan)},
    "not a rigid motion": {"camera_to_map": np.diag((2.0, 1.0, 1.0, 1.0))},
    r"expected float64 \(4, 4\)": {"base_to_map": np.eye(3)},
}


@pytest.mark.parametrize("message", BAD_FRAMES)
def test_a_bad_frame_is_refused_by_name_and_nothing_is_lost(palace, message):
    palace.begin_visit("v000", START)
    palace.add_frame(frame(0))
    palace.add_frame(frame(1))
    with pytest.raises(InputError, match=message):
        palace.add_frame(frame(2, **BAD_FRAMES[message]))
    palace.add_frame(frame(2))
    assert len(palace.frames("v000")) == 3


def test_a_sighting_without_a_place_or_a_frame_is_refused(palace):
    palace.begin_visit("v000", START)
    palace.add_frame(frame(0))
    with pytest.raises(InputError, match="not finite"):
        palace.add_sightings(FrameRef("v000", 0), [lifted(), lifted(x=math.nan)])
    with pytest.raises(InputError, match="not in the palace"):
        palace.add_sightings(FrameRef("v000", 7), [lifted()])
    assert palace.sightings() == []


def test_visits_go_forward_and_are_recorded_once(palace):
    record(palace)
    for visit, start, message in (("v000", START + 9, "recorded already"), ("v001", START - 9, "runs back"),
                                  ("now", START + 9, "present"), ("v001", math.inf, "not finite")):  # fmt: skip
        with pytest.raises(InputError, match=message):
            palace.begin_visit(visit, start)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spots=st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20), st.integers(0, 9)), min_size=1, max_size=30),
    near=st.tuples(st.floats(-20, 20), st.floats(-20, 20), st.floats(0, 20)),
    span=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_search_in_space_and_time_is_exact(tmp_path_factory, spots, near, span):
    """The R*Tree rounds to float32; what comes out is what a plain comparison of the exact numbers gives."""
    between = (START + span[0], START + span[1])
    with MindPalace.create(tmp_path_factory.mktemp("p") / "palace") as palace:
        palace.begin_visit("v000", START)
        for i in range(10):
            palace.add_frame(frame(i))
            palace.add_sightings(FrameRef("v000", i), [lifted("mug", x, y) for x, y, t in spots if t == i])
        found = palace.sightings(near=near, between=between)
        expected = [(x, y, t) for x, y, t in spots
                    if math.dist((x, y), near[:2]) <= near[2] and between[0] <= START + t <= between[1]]  # fmt: skip
        assert sorted((*s.xyz[:2], s.ref.index) for s in found) == sorted(expected)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: f.unlink(), "holds no palace.sqlite"),
        (lambda f: f.write_bytes(b""), "is empty"),
        (lambda f: f.write_bytes(b"this is not a database at all" * 99), "not a readable palace"),
        (lambda f: f.write_bytes(f.read_bytes()[:9000]), "damaged|not a readable"),
        (lambda f: _set_version(f, 99), "schema version 99"),
    ],
)
def test_a_damaged_database_is_named(tmp_path, damage, message):
    with MindPalace.create(tmp_path / "p") as palace:
        record(palace)
    damage(tmp_path / "p" / "palace.sqlite")
    with pytest.raises(PalaceError, match=message):
        MindPalace.open(tmp_path / "p")


def _set_version(path, version):
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {version}")
    db.close()


def a_handling(index: int = 0, visit: str = "v000", track: int = 7) -> Handling:
    refs = tuple(FrameRef(visit, i) for i in range(4))
    here, there = Spot((1.0, 2.0, 0.8), "kitchen", "stove", 3), Spot((4.0, 2.0, 0.0), "study", "floor", None)
    times = (START, START + 1.0, START + 2.0, START + 3.0)
    return Handling(visit, index, "mug", {"mug": 9, "jar": 1}, {"red": 1.0}, times, refs, refs[1:3], here, there, track)


def test_what_was_handled_is_kept_by_visit_and_in_order(palace):
    record(palace, frames=4)
    palace.put_structure("v000", handlings=[a_handling(1), a_handling(0)])
    palace.commit()
    assert palace.handlings() == palace.handlings("v000") == [a_handling(0), a_handling(1)]
    assert palace.handlings("v001") == []
    palace.put_structure("v000", handlings=[a_handling(0)])
    assert len(palace.handlings()) == 1


def test_what_is_in_the_hand_is_in_no_place(palace):
    palace.begin_visit("v000", START)
    palace.add_frame(frame(0))
    palace.add_held(FrameRef("v000", 0), lifted("mug", 1.0, 2.0))
    (held,) = palace.held("v000")
    assert (held.label, held.ref, held.track) == ("mug", FrameRef("v000", 0), None)
    assert palace.sightings() == palace.sightings(near=(1.0, 2.0, 1.0)) == []
    with pytest.raises(InputError, match="not in the palace"):
        palace.add_held(FrameRef("v000", 7), lifted())
    with pytest.raises(InputError, match="not finite"):
        palace.add_held(FrameRef("v000", 0), lifted(x=math.nan))


def first_version(folder) -> None:
    """A recorded palace as version 1 of the schema had it."""
    with MindPalace.create(folder) as palace:
        record(palace)
    db = sqlite3.connect(folder / "palace.sqlite")
    db.executescript("ALTER TABLE frames DROP COLUMN mode; DROP TABLE held; DROP TABLE handlings;"
                     "PRAGMA user_version = 1")  # fmt: skip
    db.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_palace_of_the_first_version_is_brought_up_to_date(tmp_path, read_only):
    first_version(tmp_path / "p")
    with MindPalace.open(tmp_path / "p", read_only=read_only) as palace:
        assert len(palace.sightings()) == 3 and palace.handlings() == palace.held() == []
        assert {node.mode for node in palace.frames()} == {"navigation"}
    with MindPalace.open(tmp_path / "p") as palace:
        palace.begin_visit("v001", START + 10)
        palace.add_frame(frame(20, "v001", mode="manipulation"))
        assert palace.load_frame(FrameRef("v001", 20)).mode == "manipulation"


def test_a_palace_of_the_first_version_on_a_read_only_disk_is_refused_with_the_reason(tmp_path, monkeypatch):
    first_version(tmp_path / "p")
    real = sqlite3.connect

    def read_only(path, **options):
        uri = path if str(path).startswith("file:") else f"file:{path}?mode=ro"
        return real(uri, **{**options, "uri": True})

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(PalaceError, match="cannot be brought to version 2 .*make its folder writable"):
        MindPalace.open(tmp_path / "p", read_only=True)


def test_torn_and_missing_images_are_dropped_and_reported(tmp_path):
    with MindPalace.create(tmp_path / "p") as palace:
        record(palace, frames=4)
        state = ObjectState(
            1, "v000", "mug", {"mug": 4}, "red", (1.0, 2.0, 3.0), (1.0, 2.0, 0.8), (1.0, 2.0, 0.8), (1.0, 2.0, 0.9),
            "kitchen", "desk", None, 4, 4, tuple(FrameRef("v000", i) for i in range(4)), 0.9,
        )  # fmt: skip
        palace.put_structure("v000", objects=[state], handlings=[a_handling()])
        palace.commit()
        files = [palace._db.execute("SELECT color FROM frames WHERE idx = ?", (i,)).fetchone()[0] for i in (1, 2)]
        torn, missing = (palace.images.path(name) for name in files)
    torn.write_bytes(torn.read_bytes()[:-20])
    missing.unlink()
    with MindPalace.open(tmp_path / "p", read_only=True) as reader:
        assert len(reader.report) == 2 and len(reader.frames()) == 4
        with pytest.raises(PalaceError, match="damaged"):
            reader.load_frame(FrameRef("v000", 1))
    with MindPalace.open(tmp_path / "p") as writer:
        assert [f.ref.index for f in writer.frames()] == [0, 3] and "torn" in writer.report[0]
        assert [r.index for r in writer.objects()[0].frames] == [0, 3] and len(writer.sightings()) == 2
        assert writer.handlings()[0].held == () and len(writer.handlings()[0].frames) == 4
    assert MindPalace.open(tmp_path / "p").report == []


def test_an_unfinished_visit_is_dropped_and_can_be_recorded_again(tmp_path):
    with MindPalace.create(tmp_path / "p") as palace:
        record(palace)
        palace.begin_visit("v001", START + 10)
        palace.add_frame(frame(20, "v001"))
        palace.commit()
    with MindPalace.open(tmp_path / "p") as again:
        assert "v001 was never finished" in again.report[0]
        assert [v.id for v in again.visits()] == ["v000"]
        again.begin_visit("v001", START + 10)


def test_a_full_disk_loses_nothing_that_was_committed(tmp_path, monkeypatch):
    with MindPalace.create(tmp_path / "p") as palace:
        record(palace)
        palace.begin_visit("v001", START + 10)

        def full(self, data):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("pathlib.Path.write_bytes", full)
            with pytest.raises(PalaceError, match="No space left.*free space"):
                palace.add_frame(frame(20, "v001"))
        palace.add_frame(frame(20, "v001"))
    with MindPalace.open(tmp_path / "p") as again:
        assert [v.id for v in again.visits()] == ["v000"] and not again.report


WRITER = """
import sys
sys.path.insert(0, {root!r})
from tests.memory.test_palace import START, frame, lifted
from embodied_mem.memory.palace import MindPalace
from embodied_mem.types import FrameRef
palace = MindPalace.create(sys.argv[1])
for n in range(10_000):
    visit = f"v{{n:03d}}"
    palace.begin_visit(visit, START + 100 * n)
    for i in range(5):
        palace.add_frame(frame(i, visit, seed=n, time=START + 100 * n + i))
        palace.add_sightings(FrameRef(visit, i), [lifted()] * 5)
    palace.end_visit(visit, START + 100 * n + 50)
    palace.commit()
    print(visit, flush=True)
"""


@pytest.mark.parametrize("round_", range(3))
def test_what_was_acknowledged_survives_kill_9(tmp_path, round_):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    command = [sys.executable, "-c", WRITER.format(root=root), str(tmp_path / "p")]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    acknowledged = [writer.stdout.readline().strip() for _ in range(2)]
    time.sleep(float(np.random.default_rng(round_).uniform(0.0, 0.3)))
    writer.send_signal(signal.SIGKILL)
    acknowledged += writer.stdout.read().split()
    writer.wait()
    with MindPalace.open(tmp_path / "p") as palace:
        stored = [v.id for v in palace.visits()]
        assert stored[: len(acknowledged)] == acknowledged and len(stored) <= len(acknowledged) + 1
        assert palace.report == []
        for visit in acknowledged:
            assert len(palace.sightings(visit=visit)) == 25
            assert all(palace.load_frame(node.ref).color.shape == (24, 32, 3) for node in palace.frames(visit))


def test_two_writers_do_not_mix(tmp_path):
    with MindPalace.create(tmp_path / "p") as first, MindPalace.open(tmp_path / "p") as second:
        second._db.execute("PRAGMA busy_timeout = 10")
        first.begin_visit("v000", START)
        with pytest.raises(PalaceError, match="another writer"):
            second.begin_visit("v000", START)
        first.add_frame(frame(0))
        first.end_visit("v000", START + 1)
        assert second.visits() == []
        first.commit()
        assert [v.id for v in second.visits()] == ["v000"]  # no reopening: a reader notices


def test_embeddings_and_words_narrow_one_recall(palace):
    record(palace)
    states = [
        ObjectState(
            i, "v000", label, {label: 1}, colour, (1.0, 2.0, 3.0), (float(i), 2.0, 0.8), (1.0, 2.0, 0.8),
            (1.0, 2.0, 0.9), room, "desk", None, 4, 4, (FrameRef("v000", i),), 0.9, {"desk": 1.0}, {colour: 1.0},
        )
        for i, (label, colour, room) in enumerate(
            (("mug", "red", "kitchen"), ("mug", "blue", "study"), ("book", "red", "study"))
        )
    ]  # fmt: skip
    palace.put_structure("v000", objects=states, tracks=[Track(0, "mug", "red", False, START, START, ("v000",))])
    palace.put_embeddings({FrameRef("v000", i): np.eye(3)[i] for i in range(3)})
    assert [h.item.track for h in palace.recall("the red mug")][0] == 0
    assert {h.item.track for h in palace.recall("red", room="study")} == {2}
    assert [h.item.track for h in palace.recall(label="mug", near=(1.0, 2.0, 0.5))] == [1]
    assert [h.item.track for h in palace.recall(attributes={"colour": "red"}, visits=["v000"])] == [0, 2]
    assert [h.item.track for h in palace.recall(embedding=np.array((0, 1, 0.5)), limit=2)] == [1, 2]
    assert palace.recall("red", between=(START - 99, START - 9)) == []
    assert palace.recall('" OR )') == []
    with pytest.raises(InputError, match="same encoder"):
        palace.recall(embedding=np.ones(7))
