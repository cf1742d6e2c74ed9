"""habitat-lab's own loop runs our episodes in an exported house, where habitat-sim and habitat-lab are installed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from embodied_mem.sim.export.life import SceneLife
from embodied_mem.tasks.habitat_lab.episodes import LabEpisode, of_object_search, write_episodes
from embodied_mem.types import Value

pytestmark = pytest.mark.habitat
SEED = 7


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The environment, and what the embedded simulator sees where its episodes begin."""
    pytest.importorskip("habitat", reason="habitat-lab is not installed")
    from embodied_mem.sim.embedded import EmbeddedSimulator
    from embodied_mem.sim.export.habitat import export_house
    from embodied_mem.tasks.habitat_lab.lab import make

    folder = tmp_path_factory.mktemp("lab")
    dataset = export_house(SEED, folder / "houses", days=2)
    life = SceneLife.open(folder / "houses" / "life" / f"house-{SEED}.json")
    ours = EmbeddedSimulator(days=2)
    ours.reset(SEED, visit="v", time=life.question_time)
    thing = next(t for t in ours.truth.house.things if t.z < 1.0)
    near = ours.truth.grid.nearest_passable((thing.x, thing.y))
    yaw = math.atan2(thing.y - near[1], thing.x - near[0])
    start = (float(near[0]), float(near[1]), yaw)
    key = {"answer": Value("count", 2).to_json(), "tolerance_s": 0.0, "shortest_m": 1.0}
    search = next(e for e in of_object_search(life, [start]) if e.instruction == thing.label)
    question = LabEpisode("q", "la_eqa", life.scene, "How many?", life.question_time, start, key)
    write_episodes(folder / "e.json.gz", dataset, [question, search])
    env = make(str(folder / "e.json.gz"))
    yield env, ours.truth.render(*start)
    env.close()


@pytest.fixture
def env(made):
    return made[0]


def test_a_question_is_asked_and_its_answer_judged(env):
    env.current_episode = env.episodes[0]
    seen = env.reset()
    assert seen["instruction"]["text"] == "How many?" and seen["rgb"].std() > 1
    for action in ("turn_left", "move_forward", "turn_right"):
        env.step(action)
    assert env.get_metrics()["success"] == 0 and not env.episode_over
    env.step({"action": "answer", "action_args": {"answer": {"type": "count", "data": 2}}})
    assert env.episode_over and env.get_metrics()["success"] == 1


def test_a_thing_is_found_where_it_lies_at_that_time(env):
    env.current_episode = env.episodes[1]
    env.reset()
    env.step("stop")
    assert env.episode_over and env.get_metrics()["success"] == 1


def test_our_agents_drive_it_and_see_in_metres(made):
    from embodied_mem.sim.check import check_frame
    from embodied_mem.sim.lab_robot import LabRobot

    env, view = made
    env.current_episode = env.episodes[0]
    robot = LabRobot(env)
    check_frame(robot.observe(), robot)
    here = (view.depth > 0.1) & (view.depth < 9.9)  # what habitat-lab's depth camera is made for
    assert (np.abs(robot.observe().depth - view.depth)[here] < 0.02).mean() > 0.98
    before = robot.observe().base_to_map
    after = robot.step("left").base_to_map
    turned = math.atan2(after[1, 0], after[0, 0]) - math.atan2(before[1, 0], before[0, 0])
    assert math.remainder(turned - robot.spec.turn_rad, math.tau) == pytest.approx(0, abs=1e-3)
    assert np.median(robot.observe().depth[robot.observe().depth > 0]) < 9
