"""Embedded houses as rasters: files that hold, ways as scipy finds them, steps as the robot takes them, and a fan that
sees what the simulator's ray caster sees."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy.ndimage import label

from embodied_mem.geodesic import Grid
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.house import House
from embodied_mem.sim.motion import Body
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.truth import obstacles, passable_grid
from embodied_mem.sim.vector.body import forward, free
from embodied_mem.sim.vector.fan import Fan
from embodied_mem.sim.vector.geodesic import FAR, UNITS, travel_fields
from embodied_mem.sim.vector.plans import BLOCK, CELL, FIRST_THING, KINDS, Plan, layout_hash, plan_of, plans, same
from embodied_mem.sim.vector.raster import PLACE, Extent, Houses
from tests.sim.fan_truth import FanTruth

SEEDS = (2, 6)  # one house that lies as the world has it, and one that is turned


@pytest.fixture(scope="module")
def houses() -> list[House]:
    return [generate_house(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def built(houses) -> tuple[list[Plan], Houses]:
    known = [plan_of(house) for house in houses]
    return known, Houses.of(known, Extent.of(known), range(FIRST_THING, FIRST_THING + 20), 2.0)


def poses(plan: Plan, count: int, seed: int) -> list[tuple[float, float, int]]:
    rng = np.random.default_rng(seed)
    cells = np.argwhere(plan.passable)[rng.integers(int(plan.passable.sum()), size=count)]
    return [(*((cell + 0.5) * CELL).tolist(), int(rng.integers(12))) for cell in cells]


@pytest.mark.parametrize("workers", [1, 2])
def test_who_draws_many_files_of_houses_is_told_how_far_that_is(tmp_path, capsys, workers):
    assert [p.seed for p in plans(BLOCK - 1, 3, tmp_path, workers)] == [BLOCK - 1, BLOCK, BLOCK + 1]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" drawn into ")[0] for line in lines] == ["houses: 1 of 3", "houses: 3 of 3"]
    assert lines[-1].endswith("about 0 min left") and str(tmp_path) in lines[-1]
    plans(BLOCK - 1, 3, tmp_path, workers)
    assert capsys.readouterr().err == "", "they are there"


def test_files_give_back_what_was_drawn_and_damage_is_drawn_again(tmp_path):
    first = plans(7, 2, tmp_path, workers=1)
    assert [p.seed for p in first] == [7, 8]
    (file,) = tmp_path.iterdir()
    assert all(same(a, b) for a, b in zip(first, plans(7, 2, tmp_path, workers=1), strict=True))
    whole = file.read_bytes()
    for bad in (whole[:-100], b"", whole[:2000] + b"\0" * 50 + whole[2050:]):
        file.write_bytes(bad)
        assert all(same(a, b) for a, b in zip(first, plans(7, 2, tmp_path, workers=1), strict=True))
        assert [f.name for f in tmp_path.iterdir()] == [file.name], "a part was left behind"


def test_twins_share_a_layout_and_houses_of_different_seeds_do_not(houses):
    house = houses[0]
    twin = House(0, house.rooms, house.doors, (), ())
    assert layout_hash(twin) == layout_hash(house)
    mirrored = [_mirror(part.rect) for part in (*house.rooms, *house.doors)]
    rooms = tuple(_with_rect(r, rect) for r, rect in zip(house.rooms, mirrored, strict=False))
    doors = tuple(_with_rect(d, rect) for d, rect in zip(house.doors, mirrored[len(rooms) :], strict=True))
    assert layout_hash(House(0, rooms, doors, (), ())) == layout_hash(house)
    assert layout_hash(houses[1]) != layout_hash(house)


def _mirror(rect):
    x0, y0, x1, y1 = rect
    return (y0, -x1, y1, -x0)


def _with_rect(part, rect):
    return replace(part, rect=rect)


def test_walls_have_no_holes_and_the_floor_is_one(built):
    for plan in built[0]:
        air = np.pad(plan.piece == 0, 1, constant_values=True)  # with a strip of the street around
        parts = label(air)[0]
        assert plan.passable.any() and not (parts[1:-1, 1:-1][plan.passable] == parts[0, 0]).any(), "a hole in a wall"
        sizes = np.bincount(label(plan.passable)[0][plan.passable])
        assert sizes.max() > 0.97 * plan.passable.sum(), "much of the floor cannot be reached"


def test_ways_are_scipys(built):
    plan, houses = built[0][0], built[1]
    places = (houses.standing[0] >= 0).view(1, houses.extent.wide // 2, houses.extent.deep // 2)
    grid, fine = Grid(places[0].numpy(), (0, 0), PLACE), Grid(plan.passable, (0, 0), CELL)
    starts = places[0].nonzero()[:: len(places[0].nonzero()) // 3][:3]
    sources = torch.zeros(1, 3, *places.shape[1:], dtype=torch.bool)
    for k, (i, j) in enumerate(starts.tolist()):
        sources[0, k, i, j] = True
    found = travel_fields(places, sources)[0]
    for k, cell in enumerate(starts.tolist()):
        expected = grid.distances_from(grid.centre(cell))
        metres = np.where(found[k] < FAR, found[k] * (PLACE / UNITS), np.inf)
        assert (np.isfinite(expected) == np.isfinite(metres)).all()
        there = np.isfinite(expected)
        np.testing.assert_allclose(metres[there], expected[there], rtol=3e-3, atol=1e-6)
        # And the lattice of 20 cm does not lie about the house: ways on cells of 10 cm are as long, nearly.
        real = fine.distances_from(fine.nearest_passable(grid.centre(cell)))
        pairs = [(metres[i, j], real[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].min()) for i, j in np.argwhere(there)[::40]]
        assert all(abs(a - b) < 0.4 + 0.05 * b for a, b in pairs), max(pairs, key=lambda p: abs(p[0] - p[1]))


def test_where_the_robot_may_be_is_the_simulators(houses, built):
    for house, plan in zip(houses, built[0], strict=True):
        truth = passable_grid(house, 0.18)
        cells = np.argwhere(truth.passable)[::97]
        at = [plan.from_world(house, *truth.centre(cell), 0.0)[:2] for cell in cells]
        assert all(plan.passable[int(x / CELL) - 1 :, int(y / CELL) - 1 :][:3, :3].any() for x, y in at)


def test_steps_slide_as_the_simulators_robot_does(houses, built):
    rng, batch = np.random.default_rng(3), built[1]
    for n, (house, plan) in enumerate(zip(houses, built[0], strict=True)):
        truth, spec = passable_grid(house, 0.18), RobotSpec(turn_rad=math.radians(30))
        cells = np.argwhere(truth.passable)
        moved = []
        for _ in range(150):
            x, y = truth.centre(cells[rng.integers(len(cells))])
            start = (x, y, math.radians(30) * rng.integers(12))
            body = Body(spec, obstacles(house), start)
            body.forward()
            a, b, yaw = plan.from_world(house, *start)
            ahead = torch.tensor([[math.cos(yaw), math.sin(yaw)]] * 2).float()
            at = [torch.full((2,), v, dtype=torch.float32) for v in (a, b)]
            going = torch.arange(2) == n
            ends = forward(batch, *at, ahead, going)
            expected = plan.from_world(house, *body.head)
            moved.append(math.hypot(ends[0][n] - expected[0], ends[1][n] - expected[1]))
            assert ends[0][1 - n] == at[0][0] and ends[1][1 - n] == at[1][0], "a row that does not go has moved"
            assert free(batch, torch.tensor([n]), ends[0][n : n + 1, None], ends[1][n : n + 1, None]).item()
        # A hair decides now and then which way a contact slides.
        assert np.mean(np.array(moved) < 1e-3) > 0.96, sorted(moved)[-8:]


def test_the_fan_sees_what_the_ray_caster_sees(houses, built):
    """Shares of rays over a dozen poses a house; meshes have round corners and legs, rasters have boxes."""
    fan, first, second, seen, missed = Fan(20.0), [], [], 0, 0
    for n, (house, plan) in enumerate(zip(houses, built[0], strict=True)):
        truth, alone = FanTruth(house), Houses.of([plan], Extent.of([plan]), [FIRST_THING], 2.0)
        for x, y, heading in poses(plan, 12, seed=n):
            expected = truth.look(x, y, heading)
            at = (torch.tensor([v], dtype=torch.float32) for v in (x, y))
            hits = [h[0].numpy() for h in fan.look(alone, *at, torch.tensor([heading]))]
            first.append((abs(hits[0] - expected[:, 0]) < 0.1) & (hits[1] == expected[:, 1]))
            second.append((abs(hits[2] - expected[:, 2]) < 0.1) & (hits[3] == expected[:, 3]))
            there = {int(k) for k in expected[:, [1, 3]].ravel() if k >= FIRST_THING}
            mine = {int(k) for k in (*hits[1], *hits[3]) if k >= FIRST_THING}
            seen, missed = seen + len(there & mine), missed + len(there ^ mine)
    assert np.mean(first) > 0.9 and np.mean(second) > 0.9, (np.mean(first), np.mean(second))
    assert missed < 0.25 * seen, f"{missed} kinds of things are seen by one of the two alone, {seen} by both"


def test_a_fan_turns_with_the_robot_and_sees_over_tables(built):
    plans_, batch = built
    fan = Fan(8.0)
    (x, y, heading), other = (poses(plan, 1, seed=9)[0] for plan in plans_)
    at = torch.tensor([[x, other[0]], [y, other[1]]]).float()
    looks = [fan.look(batch, *at, torch.tensor([heading + k, other[2]]) % 12) for k in (0, 1)]
    for before, after in zip(*looks, strict=True):
        assert torch.equal(before[1], after[1])
        assert torch.equal(before[0, :48], after[0, 16:]), "a turn of 30° to the left moves the fan by 16 rays"
    kinds, over = looks[0].first_kind, looks[0].second_kind
    low = torch.isin(kinds, torch.tensor([KINDS.index(k) for k in ("bench", "sofa", "desk", "dining table", "toilet")]))
    assert (over[low] > 0).all()


def test_a_bare_machine_can_train_from_the_files(tmp_path):
    """What reads houses imports neither scipy nor open3d."""
    code = f"""
import sys
from dataclasses import fields, replace
for name in ("scipy", "open3d", "transformers", "networkx"):
    sys.modules[name] = None
from embodied_mem.sim.vector.plans import plans
from embodied_mem.tasks.object_search.env import ObjectSearch, ObjectSearchConfig
import torch
config = ObjectSearchConfig(split="dev", houses=2, folder={str(tmp_path)!r})
env = ObjectSearch(config, 2)
env.reset_trial(torch.arange(2))
print(tuple(env.step(torch.zeros(2, dtype=torch.int64)).obs["first"].shape))
"""
    plans(0, 2, tmp_path, workers=1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(2, 64)", done.stderr


def test_houses_are_the_same_whether_made_together_or_in_parts(built, monkeypatch):
    known, together = built
    monkeypatch.setattr("embodied_mem.sim.vector.raster._CHUNK", 1)
    apart = Houses.of(known, Extent.of(known), range(FIRST_THING, FIRST_THING + 20), 2.0)
    for field in fields(Houses)[1:]:
        assert torch.equal(getattr(apart, field.name), getattr(together, field.name)), field.name
