"""LA-EQA with a robot that looks for things by itself: the trace tells what it tried, and the map helps it out."""

from __future__ import annotations

import pytest

from embodied_mem.errors import InputError
from embodied_mem.evaluation.run import evaluate, load_task, read_rows
from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.planner.agents import build_agent
from embodied_mem.planner.workbench import Workbench
from embodied_mem.policies.navigator import navigation
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.schedule import question_time
from embodied_mem.sim.vector.plans import plans
from embodied_mem.tasks.la_eqa.floor import free_floor
from embodied_mem.tasks.la_eqa.present import lattice
from embodied_mem.tasks.la_eqa.record import start_poses
from embodied_mem.tasks.la_eqa.session import Present
from embodied_mem.tasks.object_search.env import ObjectSearchConfig
from tests.conftest import RECORDED_DAYS, RECORDED_SEED
from tests.control.test_policy_navigator import Script, write_checkpoint

THING = "teddy bear"  # in another room than the robot


class Looks(Script):
    """A script that knows what to look for."""

    def begin(self, label: str) -> str:
        self.asked.append(label)
        return "" if label == THING else f"no {label!r} in the script"


def asked(recording, make_navigation=None):
    """How long a thing has been where it is, asked in the recorded house; what the agent says to it."""
    time = question_time(RECORDED_SEED, RECORDED_DAYS)
    present = Present(RECORDED_SEED, RECORDED_DAYS, time, NoiseConfig(), Sidecar(recording.sidecar))
    start = start_poses(RECORDED_SEED, lattice(free_floor(recording.log().initial, RobotSpec().radius_m + 0.02)))[0]
    palace = MindPalace.open(recording.palace, read_only=True)
    bench = Workbench(palace, palace.load_map(), present.start(start), present.detector, time, make_navigation)
    return build_agent("mind_palace").answer(f"For how long has the {THING} been in its present place?", bench)


def test_a_search_that_finds_nothing_is_told_and_the_answer_is_the_maps(recording):
    pilot = Looks(["stop"])
    plain, searched = asked(recording), asked(recording, navigation(pilot))
    looks = [step for step in searched.trace if step["action"] == "look"]
    searches = [i for i, step in enumerate(looks) if step["what"] == f"search for a {THING}"]
    assert searches and len(pilot.asked) == len(searches) and set(pilot.asked) == {THING}
    for i in searches:
        found = looks[i]["reason"] == "arrived"  # the thing was in view when the script said stop
        assert found or "in view within 2 m" in looks[i]["reason"] and looks[i + 1]["what"].startswith("drive to see")
    rest = [step["what"] for i, step in enumerate(looks) if i not in searches]
    assert rest == [step["what"] for step in plain.trace if step["action"] == "look"]
    assert searched.value == plain.value and abs(searched.cost.metres - plain.cost.metres) < 1.0


def test_a_policy_without_a_checkpoint_is_refused_before_anything_runs(tmp_path):
    config = tmp_path / "policy.yaml"
    config.write_text(f"task: la_eqa\nseed: 1\nnavigator: policy\ncheckpoint: {tmp_path / 'none.safetensors'}\n")
    with pytest.raises(InputError, match="embodied-mem train object_search"):
        load_task(config)


@pytest.mark.slow
def test_a_whole_run_with_an_untrained_policy(recording, recording_cache, tmp_path):
    """Its searches end without the thing, mostly; answers come all the same."""
    plans(0, 2, tmp_path, workers=1)
    options = ObjectSearchConfig(split="dev", houses=2, types=20, cap=60, folder=str(tmp_path))
    path = write_checkpoint(tmp_path / "untrained.safetensors", options)
    config = tmp_path / "policy.yaml"
    config.write_text(
        f"task: la_eqa\nseed: {RECORDED_SEED}\nhouses: 1\ndays: {RECORDED_DAYS}\nquestions: 40\n"
        f"agents: [mind_palace]\nnavigator: policy\ncheckpoint: {path}\ncache: {recording_cache}\n"
    )
    rows = list(read_rows(evaluate(config, tmp_path / "run", quiet=True) / "predictions.jsonl"))
    searches = [s for r in rows for s in r["trace"] if str(s.get("what", "")).startswith("search for")]
    assert searches and all(s["reason"] for s in searches)
    assert sum(r["correct"] for r in rows) > 0.5 * len(rows)
