"""The three predicates, and that a stored frame is judged as the simulator judges the same pose."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.geodesic import Grid
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.layout import contains, gap_to
from embodied_mem.sim.log import EventLog
from embodied_mem.sim.render import Renderer
from embodied_mem.tasks.findingdory.experience import ExperienceConfig, simulate
from embodied_mem.tasks.findingdory.facts import Facts, collect_facts, frames_where, live_facts
from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.log import EpisodeLog, Steps
from embodied_mem.tasks.findingdory.predicates import GoalFacts, angle_to, heading, holds
from embodied_mem.tasks.findingdory.scene import Scene, main_part
from embodied_mem.tasks.findingdory.settings import CAMERA, MIN_PIXELS, robot_spec
from embodied_mem.tasks.findingdory.viewpoints import tilted
from embodied_mem.types import planar_pose

SEED = 7
FRAMES = 60


@pytest.fixture(scope="module")
def sim() -> EmbeddedSimulator:
    sim = EmbeddedSimulator(spec=robot_spec())
    sim.reset(SEED, visit="judge", frozen=True)
    return sim


@pytest.fixture(scope="module")
def scene(sim) -> Scene:
    return Scene(sim.truth.house)


@pytest.fixture(scope="module")
def log(scene) -> EpisodeLog:
    """A made-up experience: poses all over the house, every third of them in manipulation mode."""
    rng = np.random.default_rng(1)
    things, free = scene.house.things, np.argwhere(scene.grid.passable)
    poses = []
    for i in range(FRAMES):
        x, y = scene.grid.centre(free[rng.integers(len(free))])
        near = min(things, key=lambda t: math.dist((x, y), (t.x, t.y)))
        side = math.pi / 2 * (i % 3 == 0)
        poses.append((x, y, math.atan2(near.y - y, near.x - x) + side + rng.normal(scale=0.4)))
    poses += poses[:5]
    count = len(poses)
    steps = Steps(
        pose=np.array(poses), manipulating=np.arange(count) % FRAMES % 3 == 0, time=np.arange(count) * 14.4,
        holding=np.zeros(count, np.int32), action=("",) * count,
    )  # fmt: skip
    return EpisodeLog(SEED, 0, 14.4, EventLog(scene.house), (), steps)


@pytest.fixture(scope="module")
def facts(log, scene) -> Facts:
    return collect_facts(log, scene)


def goals_of(scene: Scene) -> list[Goal]:
    house = scene.house
    return [
        *(Goal("object", t.id) for t in house.things), *(Goal("receptacle", f.id) for f in house.furniture),
        *(Goal("room", r.id) for r in house.rooms),
    ]  # fmt: skip


class TestLimits:
    """Each number of the specification is a limit that is met by itself and not by a little more."""

    AT = {
        "object": GoalFacts(2.0, math.radians(45), math.ceil(MIN_PIXELS)),
        "receptacle": GoalFacts(np.float32(0.1), math.radians(90), math.ceil(MIN_PIXELS)),
    }

    @pytest.mark.parametrize("kind", AT)
    def test_the_limit_itself_holds_and_a_little_more_does_not(self, kind):
        at = self.AT[kind]
        assert holds(kind, at)
        assert not holds(kind, replace(at, distance_m=at.distance_m + 0.01))
        assert not holds(kind, replace(at, angle_rad=at.angle_rad + 0.01))
        assert not holds(kind, replace(at, pixels=at.pixels - 1))

    @pytest.mark.parametrize("kind", AT)
    def test_each_relaxation_frees_one_limit_only(self, kind):
        at = self.AT[kind]
        unseen, far, aside = replace(at, pixels=0), replace(at, distance_m=50.0), replace(at, angle_rad=3.0)
        assert holds(kind, unseen, "coverage") and not holds(kind, far, "coverage")
        assert holds(kind, far, "distance") and not holds(kind, unseen, "distance")
        assert not holds(kind, aside, "coverage") and not holds(kind, aside, "distance")
        assert not holds(kind, replace(at, distance_m=math.inf), "distance")

    def test_a_room_asks_only_where_the_base_is(self):
        inside = GoalFacts(0.0, inside=True)
        assert all(holds("room", inside, relax) for relax in ("", "coverage", "distance"))
        assert not holds("room", replace(inside, inside=False), "distance")

    def test_unknown_words_are_refused(self):
        with pytest.raises(InputError, match="relax 'angle'"):
            holds("object", self.AT["object"], "angle")
        with pytest.raises(InputError, match="kind 'door'"):
            holds("door", self.AT["object"])

    def test_facts_survive_json_and_nonsense_does_not(self):
        for facts in (*self.AT.values(), GoalFacts(math.inf, 1.0, 3)):
            assert GoalFacts.from_json(facts.to_json()).to_json() == facts.to_json()
        for raw in (None, [1, 2, 3], [1.0, 0.1, "9", False], [-1.0, 0.0, 5, False], [1.0, math.nan, 5, False]):
            with pytest.raises(InputError, match="not \\[metres"):
                GoalFacts.from_json(raw)


def test_the_camera_looks_to_the_right_of_a_manipulating_base():
    assert heading(1.0, False) == 1.0
    ahead = np.array([[0.0, 5.0]])
    assert angle_to(np.zeros(2), heading(math.pi, True), ahead) == pytest.approx(0)
    assert angle_to(np.zeros(2), heading(-math.pi, False), ahead) == pytest.approx(math.pi / 2)


class TestScene:
    def test_viewpoints_are_standing_room_within_a_metre_that_sees_the_piece(self, scene):
        small = Renderer(scene.house, CAMERA)
        for piece in scene.house.furniture[::8]:
            rect, poses = footprint(piece), scene.viewpoints(piece.id)
            assert all(scene.grid.is_passable(p[:2]) and gap_to(rect, p[:2]) <= 1.0 + 1e-6 for p in poses)
            for x, y, yaw in poses[:: max(len(poses) // 3, 1)]:
                bases = np.array([planar_pose(x, y, yaw) @ tilted(t) for t in (0.0, 30.0, -30.0)])
                assert (small.instances(bases) == piece.id).mean(axis=(1, 2)).sum() > 0

    def test_a_tilt_turns_the_head_and_leaves_it_in_place(self):
        camera = planar_pose(1, 2, 0.7) @ tilted(20.0) @ CAMERA.to_base()
        level = planar_pose(1, 2, 0.7) @ CAMERA.to_base()
        assert camera[:3, 3] == pytest.approx(level[:3, 3])
        assert math.degrees(math.asin(camera[2, 2])) == pytest.approx(CAMERA.pitch_deg + 20)

    def test_ways_are_zero_at_the_goal_and_grow_with_the_walk(self, scene):
        for goal in goals_of(scene)[::15]:
            sources = scene.sources(goal)
            assert scene.goal_m(goal, sources[0]) == 0
            away = scene.grid.centre(np.argwhere(scene.grid.passable)[-1])
            nearest = min(scene.way(away, s) for s in sources[:: max(len(sources) // 8, 1)])
            assert scene.goal_m(goal, away) <= nearest * 1.03 + 0.1

    def test_the_floor_near_a_thing_is_in_its_room(self, scene):
        for thing in scene.house.things:
            floor = scene.sources(Goal("object", thing.id))
            assert len(floor) == 1 and scene.room_of(tuple(floor[0])) == thing.room

    def test_floor_that_no_way_leads_to_is_nobodys_goal(self, scene):
        assert all(np.isfinite(scene.field(goal)[scene.grid.passable]).all() for goal in goals_of(scene))
        pocket = np.zeros((9, 9), bool)
        pocket[1:5, 1:5] = pocket[7, 7] = True
        assert main_part(Grid(pocket, (0.0, 0.0), 1.0)).passable.sum() == 16

    def test_a_witness_stands_where_the_goal_holds(self, scene):
        found = {goal: scene.witness(goal) for goal in goals_of(scene)[::5]}
        assert sum(p is not None for p in found.values()) >= 0.9 * len(found)
        for goal, pose in found.items():
            assert pose is None or holds(goal.kind, live_facts(scene, pose, False, goal))

    def test_what_is_not_in_the_house_is_an_error_that_says_so(self, scene):
        for goal in (Goal("object", 9), Goal("receptacle", 9), Goal("room", 99)):
            with pytest.raises(InputError, match=str(goal.id)):
                scene.goal_m(goal, (1.0, 1.0))


class TestFacts:
    def test_every_frame_has_the_verdict_that_the_simulator_gives_at_its_pose(self, sim, log, scene, facts):
        found = compare_with_simulator(sim, log, scene, facts)
        assert min(found.values()) >= 5  # the frames are not all far from everything

    @pytest.mark.slow
    @pytest.mark.parametrize("seed, episode", [(7, 0), (3, 1)])
    def test_so_do_all_frames_of_a_whole_experience(self, sim, seed, episode):
        log = simulate(seed, episode, ExperienceConfig(interactions=(2, 3)))
        scene = Scene(log.after)
        found = compare_with_simulator(sim, log, scene, collect_facts(log, scene))
        assert min(found.values()) >= 100

    def test_stored_and_live_numbers_are_the_same(self, log, scene, facts):
        for i in range(0, len(facts), 9):
            pose, side = tuple(log.steps.pose[i]), bool(log.steps.manipulating[i])
            for goal in goals_of(scene)[::6]:
                live, stored = live_facts(scene, pose, side, goal), facts.of(i, goal)
                assert stored.to_json()[2:] == live.to_json()[2:]
                assert stored.distance_m == live.distance_m and stored.angle_rad == pytest.approx(live.angle_rad)

    def test_frames_where_a_goal_holds_are_those_of_its_single_verdicts(self, scene, facts):
        for goal in goals_of(scene)[::3]:
            for relax in ("", "coverage", "distance"):
                each = [i for i in range(len(facts)) if holds(goal.kind, facts.of(i, goal), relax)]
                assert frames_where(facts, goal, relax).tolist() == each

    def test_a_file_gives_the_same_facts_and_a_damaged_one_is_refused(self, facts, scene, tmp_path):
        path = tmp_path / "facts.npz"
        facts.save(path)
        again = Facts.load(path)
        for goal in goals_of(scene)[::11]:
            assert frames_where(again, goal).tolist() == frames_where(facts, goal).tolist()
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="cannot be read as facts"):
            Facts.load(path)
        replace(facts, room=facts.room[:-1]).save(path)
        with pytest.raises(InputError, match="room is int32"):
            Facts.load(path)

    def test_what_the_facts_do_not_know_is_an_error(self, facts):
        with pytest.raises(InputError, match="frame 1000"):
            facts.of(1000, Goal("room", 1))
        with pytest.raises(InputError, match="no object 9"):
            frames_where(facts, Goal("object", 9))


def compare_with_simulator(sim: EmbeddedSimulator, log: EpisodeLog, scene: Scene, facts: Facts) -> dict[str, int]:
    """Put the robot at the pose of every frame, in the house after, and ask what its camera shows; every verdict from
    stored facts and from the live scene must be that. Returns how often each kind of goal holds."""
    found, goals, start = dict.fromkeys(("object", "receptacle", "room"), 0), goals_of(scene), log.end_pose
    sim.reset(log.house, visit="judge", time=0.0, house=log.after, start=start)
    ways = {goal: sim.truth.grid.distances_from(scene.sources(goal)) for goal in goals}
    for i, ((x, y, yaw), side) in enumerate(zip(log.steps.pose, log.steps.manipulating, strict=True)):
        looking = yaw - math.pi / 2 if side else yaw
        sim.reset(log.house, visit="judge", time=0.0, house=log.after, start=(x, y, looking))
        pixels = sim.truth.visible_pixels()
        for goal in goals:
            truth = simulator_verdict(sim, goal, looking, pixels, ways[goal])
            assert bool(holds(goal.kind, facts.of(i, goal))) == truth, (i, goal)
            assert bool(holds(goal.kind, live_facts(scene, (x, y, yaw), bool(side), goal))) == truth, (i, goal)
            found[goal.kind] += truth
    return found


def simulator_verdict(sim: EmbeddedSimulator, goal: Goal, looking: float, pixels: dict, way: np.ndarray) -> bool:
    """The predicate written down once more, from the simulator's truth."""
    x, y, _ = sim.truth.pose
    house = sim.truth.house
    if goal.kind == "room":
        return contains(house.room(goal.id).rect, (x, y))
    if goal.kind == "object":
        thing = next(t for t in house.things if t.id == goal.id)
        points, far, aside = [(thing.x, thing.y)], 2.0, 45
    else:
        piece = house.piece(goal.id)
        rects = [s.rect for s in piece.surfaces]
        points = [((r[0] + r[2]) / 2, (r[1] + r[3]) / 2) for r in rects] or [(piece.x, piece.y)]
        far, aside = 0.1, 90
    turned = [math.remainder(math.atan2(py - y, px - x) - looking, 2 * math.pi) for px, py in points]
    metres = way[sim.truth.grid.cell((x, y))]
    seen = pixels.get(goal.id, 0) >= 0.001 * CAMERA.width * CAMERA.height
    return bool(metres <= far + 1e-5 and min(map(abs, turned)) <= math.radians(aside) + 1e-5 and seen)


def test_a_start_that_costs_more_is_taken_only_where_it_is_nearer():
    grid = Grid(np.ones((20, 3), bool), (0.0, 0.0), 1.0)
    costs = np.full((20, 3), np.inf)
    costs[0, 1], costs[19, 1] = 0.0, 5.0
    field = grid.distances_over(costs)
    assert field[:, 1].tolist() == pytest.approx([min(i, 5 + 19 - i) for i in range(20)])
    assert np.isinf(grid.distances_over(np.full((20, 3), np.inf))).all()
