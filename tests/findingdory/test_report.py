"""The report of a run says what the rows say, shows single instructions with their pictures, and fetches nothing."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import numpy as np
import pytest

from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.mapping import SiteMap
from embodied_mem.tasks.findingdory.cards import said
from embodied_mem.tasks.findingdory.generate import generate_items
from embodied_mem.tasks.findingdory.items import CATEGORIES, Goal
from embodied_mem.tasks.findingdory.metrics import score
from embodied_mem.tasks.findingdory.pictures import Pictures, clock, describe, timeline
from embodied_mem.tasks.findingdory.report import write_report
from embodied_mem.tasks.findingdory.settings import CAMERA, VISIT
from embodied_mem.types import Frame, FrameRef, planar_pose
from tests.findingdory.fake_day import FakeFacts, FakeScene, fake_log

DAYS = ((20, 2), (21, 6), (22, 9))
AGENTS = {"mind_palace": 0.9, "flat_retrieval": 0.4, "oracle": 1.0}  # share right


def fake_palace(log, folder) -> MindPalace:
    """A palace with every frame of the log, each of one colour."""
    palace = MindPalace.create(folder)
    palace.begin_visit(VISIT, float(log.steps.time[0]))
    for k, (pose, time) in enumerate(zip(log.steps.pose, log.steps.time, strict=True)):
        color = np.full((CAMERA.height, CAMERA.width, 3), k % 255, np.uint8)
        depth, base = np.full(color.shape[:2], 2.0, np.float32), planar_pose(*pose)
        palace.add_frame(Frame(FrameRef(VISIT, k), float(time), color, depth, base, base @ CAMERA.to_base(), CAMERA))
    palace.end_visit(VISIT, float(log.steps.time[-1]) + 1)
    palace.commit()
    return palace


def fake_row(log, facts, item, agent: str, right: bool) -> dict:
    """An answer that has a frame of every goal, or the last frame."""
    frames = [f[0] if f else 0 for f in item.frames][: item.required] if right else [len(log.steps) - 1]
    stops = [
        {"frame": f, "facts": [facts.of(f, g).to_json() for g in item.goals], "start_m": 3.0} for f in frames
    ]  # fmt: skip
    low = {"stops": stops, "metres": 12.0, "shortest_m": 10.0, "reason": "arrived"} if right else None
    return {
        **asdict(item), "agent": agent, "key": f"{agent}/{item.id}", "job": f"house-{log.name}", "house": log.house,
        "episode": log.episode, "interactions": len(log.interactions), "frames": len(log.steps), "error": "",
        "confidence": 0.9 if right else 0.3, "images": 2, "explored_m": 0.0, "seconds": 0.1, "stops": stops,
        "starts_m": [10.0] * len(item.goals), "hl_shortest_m": 10.0, "hl_chosen_m": 12.0, "ll": low, "trace": [],
    }  # fmt: skip


def fake_map(palace: MindPalace) -> SiteMap:
    """What one frame saw, as one room."""
    site = SiteMap()
    site.integrate(palace.load_frame(FrameRef(VISIT, 0)))
    site.room_grid = np.ones(site.shape, np.int16)
    return site


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run folder of three days and three agents; pictures of the first day."""
    folder = tmp_path_factory.mktemp("run")
    rows = []
    for number, (seed, count) in enumerate(DAYS):
        log = fake_log(seed, count)
        scene = FakeScene(log.after)
        facts, rng = FakeFacts(log, scene), np.random.default_rng(seed)
        items, _ = generate_items(log, scene, facts)
        if number == 0:
            palace = fake_palace(log, folder / "palace")
            pictures = Pictures(folder / "pictures" / f"house-{log.name}", palace, fake_map(palace), log)
        for item in items:
            for agent, share in AGENTS.items():
                right = bool(rng.random() < share)
                rows.append(fake_row(log, facts, item, agent, right))
                if agent == "mind_palace" and number == 0:
                    path = [(0.0, 0.0), (1.0, 2.0)] if right else []
                    pictures.draw(item, rows[-1], right, path, path[1:])
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    metrics = score(rows) | {"seed": 20, "run_seconds": 120.0}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder, rows, metrics, pictures


@pytest.fixture(scope="module")
def page(run):
    return write_report(run[0]).read_text()


def test_the_report_needs_nothing_else_and_says_what_was_measured(run, page):
    _, _, metrics, _ = run
    assert not re.findall(r"(?:src|href)=['\"](?!data:)", page), "nothing is fetched"
    for agent, row in metrics["agents"].items():
        assert agent.replace("_", " ") in page
        for key in ("hl_sr", "hl_spl", "ll_spl", "partial"):
            assert f"{row[key]['all']:.3f}" in page
        for category in CATEGORIES:
            assert category in page
    assert "0.524" in page and "0.273" in page and "not a like-for-like comparison" in page


def test_single_instructions_show_timeline_frames_and_way(run, page):
    cards = page.split("<details class=card>")[2:]
    assert len(cards) >= len(CATEGORIES) - 3
    for card in cards:
        assert "class=tl" in card and card.count("<img") >= 1 and "Asked for" in card
    assert any("chosen: frame" in card for card in cards)


def test_words_from_outside_stay_words(run, page, tmp_path):
    folder, rows, metrics, _ = run
    evil = [{**row, "instruction": "<script>alert(1)</script>"} for row in rows]
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in evil))
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "pictures").symlink_to(folder / "pictures")
    assert "<script" not in write_report(tmp_path).read_text()


def test_a_category_keeps_one_card_of_each_verdict_an_episode(run):
    _, _, _, pictures = run
    kept = [json.loads(f.read_text()) for f in sorted(pictures.folder.glob("*.json"))]
    kinds = [(about["category"], about["right"]) for about in kept]
    assert len(kinds) == len(set(kinds)) and {category for category, _ in kinds} == set(CATEGORIES)
    again = Pictures(pictures.folder, pictures.palace, pictures.site_map, pictures.log)
    assert again._kept == pictures._kept, "a resumed run goes on counting"


def test_the_timeline_is_the_log(run):
    log = run[3].log
    first = log.interactions[0]
    line = timeline(log, [Goal("object", first.thing), Goal("receptacle", first.goal[0])], [5, 10**6])
    assert line["marks"] == [5] and len(line["rows"]) == len(log.interactions)
    assert line["rows"][0]["steps"] == list(first.steps) and line["rows"][0]["wanted"] == ["thing", "goal"]
    assert line["ticks"][0] == (0, "06:00")


def test_clock_names_the_day_from_the_second_on():
    six = 100 * 86400 + 6 * 3600.0
    assert clock(six + 125, six) == "06:02" and clock(six + 86400, six) == "day 2, 06:00"


def test_what_is_said_of_a_stop():
    goals = [Goal("object", 1), Goal("receptacle", 2)]
    assert "✓" in said(goals, [[9.0, 0.0, 0, False], [0.05, 0.2, 400, False]]) and "goal 2" in said(
        goals, [[9.0, 0.0, 0, False], [0.05, 0.2, 400, False]]
    )
    wrong = said(goals, [[9.0, 3.1, 0, False], [None, 0.2, 400, False]])
    assert "✗" in wrong and "goal 1: 9.00 m" in wrong and "not in view" in wrong
    assert "not inside" in said([Goal("room", 3)], [[4.0, 0.0, 0, False]])


def test_goals_are_described_where_they_are_now(run):
    log = run[3].log
    last = log.interactions[-1]
    house = log.after
    about = describe(house, Goal("object", last.thing))
    assert last.goal[1] in about["text"] and house.room(last.goal_room).label in about["text"]
    assert describe(house, Goal("room", last.goal_room))["text"] == house.room(last.goal_room).label
    piece = describe(house, Goal("receptacle", *last.goal))
    assert piece["box"][0] < piece["xy"][0] < piece["box"][2]
