"""Ablations: what a policy may read of a reward; curves against steps and CPU time from the logs of runs; the table."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from embodied_mem.config import build, read_yaml, to_dict
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.tokens import TokenStream
from embodied_mem.tasks.grid_object_search.env import GridConfig, GridObjectSearch


def test_a_policy_does_not_read_how_far_the_goal_is():
    """The shaped reward pays progress at every step; tokens tell of the arrival alone."""
    env, seeds = GridObjectSearch(GridConfig(reward="shaped", min_start=3), 20), torch.arange(20)
    stream = TokenStream(env.actions, 20)
    stream.begin(env.reset_trial(seeds))
    arrived = torch.zeros(20, dtype=torch.bool)
    for _ in range(20):
        action = env.oracle()
        step = env.step(action)
        paid = torch.where(step.success & ~arrived, 1.0, 0.0)
        assert (arrived | (step.reward > 0)).all()
        assert torch.equal(stream.after(step, action)["reward"], paid)
        arrived |= step.success
    assert arrived.any()


@pytest.fixture(scope="module")
def ablations():
    """The names of the script."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "ablations.py")))


def made_up_run(folder: Path, rounds: int, risen_at: int, speed: float, seed: int = 0, **environment) -> None:
    """A log whose late episodes are as the first one (4.0), and better by 3 from round ``risen_at`` on."""
    folder.mkdir(parents=True)
    config = {"task": "grid_object_search", "environment": environment, "trial_steps": 240, "seed": seed}
    (folder / "config.json").write_text(json.dumps(config))
    rows = []
    for i in range(rounds):
        curve = [4.0] * 7 + [4.0 + 3 * (i >= risen_at)] * 3
        clock = {"steps": 1000 * (i + 1), "optimiser_steps": 8 * (i + 1), "steps_per_cpu_second": speed}
        success = [x / 10 for x in curve] + [1.0] * 5
        rows.append({**clock, "return_by_episode": curve, "success_by_episode": success})
    (folder / "log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows) + '{"steps": 99')


def test_runs_are_compared_at_the_steps_and_at_the_cpu_seconds_that_all_of_them_have(tmp_path, ablations):
    made_up_run(tmp_path / "base-0", rounds=40, risen_at=10, speed=100.0)
    made_up_run(tmp_path / "u4-0", rounds=30, risen_at=20, speed=50.0)
    runs = [ablations.read_run(tmp_path / name) for name in ("base-0", "u4-0")]
    found = ablations.compare(runs, "return", {})
    assert (found["steps"], found["cpu_seconds"]) == (30_000, 400)
    slow = found["agents"]["u4"]
    assert slow["at_steps"] == [4.0, 7.0] and slow["at_cpu_seconds"] == [4.0, 4.0]  # 400 s are 20 of its rounds
    assert (slow["optimiser_steps_at_steps"], slow["optimiser_steps_at_cpu_seconds"]) == (240, 160)
    assert found["agents"]["base"]["at_cpu_seconds"] == [4.0, 7.0]
    early = ablations.compare(runs, "return", {}, most=15_500)
    assert early["steps"] == 15_500 and early["agents"]["base"]["at_steps"] == [4.0, 7.0]
    assert early["agents"]["u4"]["at_steps"] == [4.0, 4.0]


def test_cpu_seconds_are_those_of_the_machine_that_all_agents_were_timed_on(tmp_path, ablations):
    made_up_run(tmp_path / "base-0", rounds=40, risen_at=10, speed=100.0)
    made_up_run(tmp_path / "base-1", rounds=40, risen_at=10, speed=200.0, seed=1)  # trained on a faster core
    made_up_run(tmp_path / "mine-0", rounds=40, risen_at=10, speed=100.0)
    (tmp_path / "pace.json").write_text(json.dumps({"steps_per_cpu_second": {"base": 50}}))
    seconds = {name: ablations.read_run(tmp_path / name).cpu[-1] for name in ("base-0", "base-1", "mine-0")}
    assert seconds == {"base-0": 800, "base-1": 800, "mine-0": 400}


def test_agents_are_timed_in_turn_and_the_first_round_is_not_counted(tmp_path, monkeypatch, capsys):
    small = {"trials": 4, "trial_steps": 48, "total_steps": 10_000, "ppo": {"minibatches": 2, "epochs": 1}}
    agents = {name: {"policy": {"kind": "gru", "width": 16}} for name in "ab"}
    config = {"task": "darkroom", "name": "timed", "training": small, "agents": agents}
    (tmp_path / "timed.yaml").write_text(json.dumps(config))
    script = Path(__file__).parents[2] / "scripts" / "pace.py"
    arguments = [str(script), str(tmp_path / "timed.yaml"), "--rounds", "2", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(script), run_name="__main__")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("round")]
    assert [line.split(":")[0] for line in lines] == [f"round {i} of 2, timed {x}" for i in range(3) for x in "ab"]
    paces = json.loads((tmp_path / "timed" / "pace.json").read_text())["steps_per_cpu_second"]
    counted = [float(line.split()[-5].replace(",", "")) for line in lines if "timed a" in line][1:]
    assert paces["a"] == pytest.approx(sum(counted) / 2, abs=1) and set(paces) == {"a", "b"}


def test_taking_off_is_half_of_the_rise_over_five_rounds_or_none(tmp_path, ablations):
    made_up_run(tmp_path / "base-0", rounds=20, risen_at=10, speed=100.0)
    made_up_run(tmp_path / "base-1", rounds=20, risen_at=99, speed=100.0, seed=1)
    found = ablations.compare([ablations.read_run(tmp_path / f"base-{s}") for s in (0, 1)], "return", {})
    row = found["agents"]["base"]
    assert row["take_off_steps"] == [13_000, None] and row["take_off_cpu_seconds"] == [130, None]  # three of five
    assert row["seeds"] == [0, 1] and row["at_steps"] == [4.0, 5.5]
    written = "| `base` | 4.00 → 5.50 <sub>4.00–7.00</sub> | 4.00 → 5.50 | 160, 160 | 0.0, none | 2.2, none | 2 |"
    assert written in ablations.table("sink", found, "return")


def test_episodes_that_only_quick_trials_have_do_not_count(tmp_path, ablations):
    made_up_run(tmp_path / "shaped-0", rounds=6, risen_at=99, speed=100.0, reward="shaped", early_end=True)
    assert ablations.read_run(tmp_path / "shaped-0").curves["success"][-1].tolist() == pytest.approx([0.4, 0.4])


def test_the_script_draws_and_writes_and_takes_success_where_rewards_differ(tmp_path, ablations, monkeypatch, capsys):
    made_up_run(tmp_path / "stay-0", rounds=8, risen_at=3, speed=100.0)
    made_up_run(tmp_path / "shaped-0", rounds=8, risen_at=99, speed=100.0, reward="shaped")
    made_up_run(tmp_path / "mine-0", rounds=8, risen_at=99, speed=100.0)
    (tmp_path / "begun-0").mkdir()
    (tmp_path / "begun-0" / "log.jsonl").touch()
    evaluated = {"success_by_episode": [0.5, 0.9], "success_ci95": [[0.4, 0.6], [0.8, 1.0]]}
    (tmp_path / "metrics.json").write_text(json.dumps({"agents": {"stay": evaluated}}))
    wanted = [str(tmp_path / name) for name in ("metrics.json", "curves.png", "figures.json")]
    arguments = [x for pair in zip(("--metrics", "--figure", "--json"), wanted, strict=True) for x in pair]
    monkeypatch.setattr("sys.argv", ["ablations.py", str(tmp_path), *arguments])
    assert ablations.main() == 0
    found = json.loads((tmp_path / "figures.json").read_text())
    assert found["measure"] == "success" and set(found["questions"]) == {"reward", "other runs"}
    agents = found["questions"]["reward"]["agents"]
    assert agents["stay"]["by_heart"] == pytest.approx(0.4 - 0.5) and "by_heart" not in agents["shaped"]
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert "trained minus unseen houses" in printed and "| 1 | -0.10 |" in printed and "`shaped`" in printed


def test_an_empty_folder_or_no_step_says_what_to_do(tmp_path, ablations, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["ablations.py", str(tmp_path)])
    assert ablations.main() == 2 and "train first" in capsys.readouterr().err
    made_up_run(tmp_path / "base-0", rounds=20, risen_at=10, speed=100.0)
    monkeypatch.setattr("sys.argv", ["ablations.py", str(tmp_path), "--steps", "20"])
    assert ablations.main() == 2 and "20 is before the first round's end; from 1,000 on" in capsys.readouterr().err


def test_a_seed_in_two_folders_would_count_twice_and_is_refused(tmp_path, ablations, monkeypatch, capsys):
    for folder in ("runs", "logs"):
        made_up_run(tmp_path / folder / "base-0", rounds=20, risen_at=10, speed=100.0)
    monkeypatch.setattr("sys.argv", ["ablations.py", str(tmp_path / "runs"), str(tmp_path / "logs")])
    assert ablations.main() == 2 and "both have base-0; name one of the two" in capsys.readouterr().err


def differences(one: dict, other: dict, where: str = "") -> list[str]:
    """Keys in which two configurations differ, those inside of mappings too."""
    keys = [k for k in one.keys() | other.keys() if one.get(k) != other.get(k)]
    nested = [k for k in keys if isinstance(one.get(k), dict) and isinstance(other.get(k), dict)]
    deeper = [d for k in nested for d in differences(one[k], other[k], f"{k}.")]
    return sorted([where + k for k in keys if k not in nested] + deeper)


@pytest.mark.parametrize("name", ["ablations", "reward"])
def test_every_agent_of_an_ablation_is_in_a_question_and_differs_in_what_its_name_says(name, ablations):
    experiment = build(ExperimentConfig, read_yaml(f"grid_object_search_{name}"))
    asked = {agent for agents in ablations.QUESTIONS.values() for agent in agents}
    assert set(experiment.agents) <= asked
    plain = {agent: to_dict(experiment.training_of(agent, 0)) for agent in experiment.agents}
    if name == "ablations":
        changed = {agent: differences(plain["base"], plain[agent]) for agent in plain}
        assert changed["u4"] == changed["u16"] == ["updates"] and plain["u16"]["trial_steps"] // 16 == 15
        assert differences(plain["u4"], plain["u4_ordered"]) == ["shuffle"]
        assert differences(plain["u4_ordered"], plain["u4_stale"]) == ["refresh"]
        assert all(changed[a] == ["policy.sink"] for a in plain if a.startswith("sink"))
        pools = {a: plain[a]["houses"] for a in plain if a.startswith("houses")}
        assert pools == {"houses_1024": 1024, "houses_128": 128, "houses_16": 16} and plain["base"]["houses"] is None
        assert all(changed[a] == ["houses"] for a in pools)
    else:
        changed = {a: differences(plain["shaped"], plain[a]) for a in plain if a != "shaped_hard"}
        one_thing = {"stay": "reward", "shaped_costly": "step_cost", "shaped_ending": "early_end",
                     "shaped_six_types": "types", "shaped_far": "min_start", "shaped_moving": "can_stay"}  # fmt: skip
        assert {a: changed[a] for a in one_thing} == {a: [f"environment.{k}"] for a, k in one_thing.items()}
        large, usual = plain["shaped_large"]["environment"], GridConfig()
        assert (large["shaping"], large["bonus"], large["step_cost"]) == (
            10 * usual.shaping, 10 * usual.bonus, 10 * usual.step_cost)  # fmt: skip
