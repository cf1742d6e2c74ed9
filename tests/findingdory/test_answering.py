"""Instructions in a recorded experience: agents hold no truth, stops are told as they are, drives end at the goals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from embodied_mem.evaluation.session import Session
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.planner.goals.floor import View
from embodied_mem.planner.goals.seeker import Choice
from embodied_mem.planner.workbench import Workbench
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.house import House
from embodied_mem.sim.log import EventLog
from embodied_mem.sim.truth import Truth
from embodied_mem.tasks.findingdory.answering import Episode
from embodied_mem.tasks.findingdory.baselines import stops_asked
from embodied_mem.tasks.findingdory.episode import load_episode
from embodied_mem.tasks.findingdory.facts import Facts
from embodied_mem.tasks.findingdory.log import EpisodeLog
from embodied_mem.tasks.findingdory.scene import Scene
from tests.findingdory.conftest import HOUSE, config_of
from tests.tasks.test_boundary import public_reach


@pytest.fixture(scope="module")
def episode(experience, experience_cache, tmp_path_factory) -> Episode:
    """The episode of the session's experience, ready for instructions."""
    folder = tmp_path_factory.mktemp("run")
    return Episode.prepare(HOUSE, 0, config_of(experience_cache), folder, lambda text: None)


def item_of(episode: Episode, template: int):
    return next(i for i in episode.items if i.template == template)


def bench_of(episode: Episode) -> Workbench:
    robot = episode.present.start()
    return Workbench(episode.palace, episode.site_map.copy(), robot, episode.present.detector, 0.0)


def test_a_workbench_reaches_no_truth_and_its_robot_carries_nothing(episode):
    bench = bench_of(episode)
    secret = (EmbeddedSimulator, Sidecar, Truth, EventLog, EpisodeLog, House, Session, Scene, Facts)
    assert not [value for value in public_reach(bench) if isinstance(value, secret)]
    assert set(bench.robot.spec.actions) == {"forward", "left", "right", "stop"}


def test_every_instruction_starts_at_the_end_pose_in_the_house_as_it_was_left(episode):
    robot = episode.present.start()
    for _ in range(3):
        robot.step("forward")
    episode.present.start()
    sim = episode.present._sim
    assert np.allclose(sim.truth.pose, episode.log.end_pose) and sim.truth.house == episode.log.after
    assert sim.clock == episode.log.steps.time[-1]


class Fixed:
    """An agent that always says the same, and stops where it stands."""

    name = "fixed"

    def __init__(self, *stops: View) -> None:
        self.stops, self.asked = stops, []

    def choose(self, text, bench):
        self.asked.append(text)
        return Choice(self.stops, 0.7)

    def drive(self, choice, bench):
        bench.robot.step("stop")
        return []


def test_a_wrong_answer_is_told_and_not_driven(episode):
    item = item_of(episode, 31)
    agent = Fixed(View((0.0, 0.0, 0.0), 0.0, frame=0))
    row = episode.answer(agent, item)
    assert agent.asked == [item.instruction], "an agent is given the words and nothing else"
    assert row["stops"][0]["frame"] == 0 and not row["correct"] and row["ll"] is None
    assert row["starts_m"] and row["hl_chosen_m"] is None and row["key"] == f"fixed/{item.id}"


def test_a_right_answer_is_driven_and_judged_where_the_robot_truly_stopped(episode):
    item = next(i for i in episode.items if i.quantifier == "any" and i.answerable == "answerable_from_log")
    frame = next(f for frames in item.frames for f in frames)
    row = episode.answer(Fixed(View((0.0, 0.0, 0.0), 1.0, frame=frame)), item)
    assert row["correct"] and row["ll"]["metres"] == 0.0
    assert np.allclose(row["ll"]["stops"][0]["pose"], episode.log.end_pose, atol=1e-3)


def test_a_pose_is_judged_like_a_frame_from_the_same_place(episode):
    item = item_of(episode, 31)
    frame = item.frames[0][0]
    x, y, yaw = episode.log.steps.pose[frame]
    looking = float(yaw - (math.pi / 2 if episode.log.steps.manipulating[frame] else 0.0))
    stops = View((float(x), float(y), looking), 1.0), View((0.0, 0.0, 0.0), 1.0, frame=frame)
    told = [episode.answer(Fixed(stop), item)["stops"][0]["facts"][0] for stop in stops]
    assert np.allclose(told[0][:2], told[1][:2], atol=0.03) and told[0][2] == pytest.approx(told[1][2], rel=0.1)


def test_the_oracle_is_always_right_about_what_the_log_answers(episode):
    oracle, bench = episode.agent("oracle"), bench_of(episode)
    for item in episode.items:
        choice = oracle.choose_for(item, episode.facts, bench)
        if item.answerable == "answerable_from_log":
            assert [v.frame for v in choice.stops] and all(
                any(v.frame in frames for frames in item.frames) for v in choice.stops
            ), item.instruction
        else:
            assert choice.error == "no_answer" or len(choice.stops) == item.required


def test_the_mind_palace_goes_back_to_what_it_handled(episode):
    agent = episode.agent("mind_palace")
    rows = [episode.answer(agent, item_of(episode, template)) for template in (31, 32, 33)]
    assert sum(row["correct"] for row in rows) >= 2
    for row in rows:
        if row["correct"]:
            assert row["ll"]["reason"] == "arrived" and row["ll"]["metres"] < 2 * row["ll"]["shortest_m"] + 2
        assert json.loads(json.dumps(row)).keys() == row.keys(), "a row is plain JSON"


def test_the_episode_file_lies_in_the_run_folder(episode):
    path = next(episode.pictures.folder.parents[1].glob("episodes/*.json"))
    assert load_episode(path).items == tuple(episode.items)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Go to the third object that you handled.", 1),
        ("Go to the mug.", 1),
        ("Visit all the objects that you handled, in any order.", 3),
        ("Go to the objects in this order: third, first, fourth, second.", 4),
        ("Go to the things that you handled in this order: 2nd, 1st and 3rd.", 3),
    ],
)
def test_baselines_stop_as_often_as_the_words_seem_to_ask(text, count):
    assert stops_asked(text) == count
