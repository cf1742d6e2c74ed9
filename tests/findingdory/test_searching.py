"""Instructions followed by a robot that looks for things by itself: here its pilot is a guide who knows the way."""

from __future__ import annotations

import json
import math

import pytest

from embodied_mem.policies.navigator import navigation
from embodied_mem.tasks.findingdory.answering import Episode
from tests.findingdory.conftest import HOUSE, config_of
from tests.findingdory.test_answering import item_of

NEAR_M = 1.2


class Guide:
    """A pilot that leads to one place, whatever is looked for, by a floor plan; or stops at once, if that is wrong."""

    rays, spread, turn_rad, most_steps = 64, math.radians(120), math.radians(30), 150

    def __init__(self, episode: Episode, xy: tuple[float, float], honest: bool) -> None:
        self.episode, self.xy, self.honest, self.asked = episode, xy, honest, []

    def begin(self, label: str) -> str:
        self.asked.append(label)
        return ""

    def act(self, view, place, heading: int) -> str:
        grid, (x, y, yaw) = self.episode.scene.grid, self.episode.present._sim.truth.pose
        way = grid.path(grid.nearest_passable((x, y)), grid.nearest_passable(self.xy))
        if not self.honest or len(way) < 2 or view.nearest(self.asked[-1]) < NEAR_M:
            return "stop"
        corner = next((p for p in way[1:] if math.dist(p, (x, y)) > 0.2), way[-1])
        bearing = math.remainder(math.atan2(corner[1] - y, corner[0] - x) - yaw, math.tau)
        turns = round(bearing / self.turn_rad)
        return "forward" if turns == 0 else "left" if turns > 0 else "right"


class Navigators:
    """As an entry of ``embodied_mem.navigators`` is, with the guide in it."""

    def __init__(self, guide: Guide) -> None:
        self.guide = guide

    def begin(self):
        return navigation(self.guide)


@pytest.mark.parametrize("honest", [True, False])
def test_a_search_that_finds_the_thing_is_the_drive_and_one_that_fails_is_followed_by_the_map(
    experience, experience_cache, tmp_path, honest
):
    episode = Episode.prepare(HOUSE, 0, config_of(experience_cache), tmp_path, lambda text: None)
    item = item_of(episode, 31)
    guide = Guide(episode, episode.scene.object_xy(item.goals[0].id), honest)
    episode.navigators = Navigators(guide)
    row = episode.answer(episode.agent("mind_palace"), item)
    label = next(t.label for t in episode.log.after.things if t.id == item.goals[0].id)
    assert row["correct"] and guide.asked == [label]
    (search,) = [step["search"] for step in row["trace"] if step["action"] == "drive"]
    assert search == "arrived" if honest else "in view within 2 m" in search
    assert row["ll"]["reason"] == "arrived" and json.loads(json.dumps(row)).keys() == row.keys()
