"""One file trains, evaluates and compares: what it says, what is wrong with it, and what comes out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from embodied_mem import cli, registry
from embodied_mem.config import build, read_yaml, shipped_configs
from embodied_mem.errors import ConfigError, InputError
from embodied_mem.evaluation import run
from embodied_mem.policies import candidates, checkpoint
from embodied_mem.policies.build import make_environment
from embodied_mem.policies.evaluate import load_policy
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.figure import draw
from embodied_mem.policies.tokens import TokenStream
from embodied_mem.policies.train import _only_training, train_all
from embodied_mem.policies.trainer import Trainer
from tests.policies.test_learning import TINY

RELIC = TINY["policy"]
EXPERIMENT = {
    "task": "darkroom", "environment": {"cap": 6, "size": 5}, "seeds": 2,
    "training": {"trials": 8, "trial_steps": 24, "total_steps": 8 * 24, "ppo": {"minibatches": 2, "epochs": 1}},
    "agents": {"relic": {"policy": RELIC}, "no_inter_episode": {"policy": {**RELIC, "across": False}}},
    "evaluation": {"houses": 10, "first_house": 1, "episodes": 3, "batch": 4},
}  # fmt: skip


def experiment(**changes) -> ExperimentConfig:
    return build(ExperimentConfig, {**EXPERIMENT, **changes}, "experiment")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The experiment, trained: a folder of AGENT-SEED."""
    folder = tmp_path_factory.mktemp("runs")
    train_all(experiment(), out=folder)
    return folder


@pytest.fixture
def inline(monkeypatch):
    """Jobs one after the other in this process."""

    def run_jobs(name, overrides, folder, jobs, *_):
        for job in jobs:
            run._work(str(name), overrides, str(folder), job)

    monkeypatch.setattr(run, "_run_jobs", run_jobs)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "experiment.yaml"
    path.write_text(json.dumps(EXPERIMENT))  # JSON is YAML
    return path


def files_of(runs, *agents) -> tuple[str, ...]:
    return tuple(str(runs / f"{a}-{s}" / "policy.safetensors") for a in agents for s in (0, 1))


# -- the file ----------------------------------------------------------------------------------------------------------


def test_an_agent_changes_only_what_it_says():
    agents = {"relic": {"policy": RELIC, "training": {"updates": 2, "ppo": {"clip": 0.1}}, "environment": {"cap": 8}}}
    config = experiment(agents=agents).training_of("relic", 3)
    assert (config.updates, config.ppo.clip, config.environment, config.seed) == (2, 0.1, {"cap": 8, "size": 5}, 3)
    assert (config.ppo.epochs, config.trials) == (1, 8), "the experiment's"


FAULTS = {
    "an unknown key of the training": ({"training": {"trails": 8}}, ["training", "'trails'", "'trials'"]),
    "of one agent": ({"agents": {"a": {"policy": RELIC, "training": {"u": 1}}}}, ["agents.a.training", "'u'"]),
    "an option of the environment": ({"environment": {"cap": 1}}, ["environment.cap", "1", "2 to 1000"]),
    "an option of a policy": ({"agents": {"a": {"policy": {**RELIC, "widht": 8}}}}, ["agents.a.policy", "'width'"]),
    "no such policy": ({"agents": {"a": {"policy": {"kind": "relics"}}}}, ["agents.a.policy.kind", "relic"]),
    "a policy without kind": ({"agents": {"a": {"policy": {}}}}, ["agents.a.policy", "'kind'"]),
    "an agent without policy": ({"agents": {"a": {}}}, ["agents.a", "'policy'"]),
    "a policy in the training": ({"training": {"policy": RELIC}}, ["training", "'policy'", "an agent has its policy"]),
    "an agent called like a control": ({"agents": {"oracle": {"policy": RELIC}}}, ["agents", "oracle"]),
    "a name that is no file's": ({"agents": {"a/b": {"policy": RELIC}}}, ["'a/b'", "letters"]),
    "no such task": ({"task": "chess"}, ["no environment 'chess'", "darkroom, grid_object_search"]),
    "no such control": ({"evaluation": {"controls": ["god"]}}, ["evaluation.controls", "'god'", "oracle"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_experiment_names_the_key_before_anything_runs(fault):
    changes, words = FAULTS[fault]
    with pytest.raises(ConfigError) as error:
        experiment(**changes)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_every_shipped_configuration_is_sound(name):
    raw = read_yaml(name)
    if registry.load("tasks", raw["task"]).Config is ExperimentConfig:
        config = build(ExperimentConfig, raw, name)
        assert config.name == name, "two experiments of one task need names of their own"


def test_a_checkout_knows_its_own_without_installation(monkeypatch):
    monkeypatch.setattr(registry, "_installed", lambda group: ())
    assert {"relic", "gru", "spatial"} <= set(registry.names("policies"))
    assert registry.load("environments", "darkroom").__name__ == "Darkroom"
    with pytest.raises(ConfigError, match="no policy 'lstn'; installed: elmur"):
        registry.load("policies", "lstn")


def test_a_bare_node_can_train_and_evaluate():
    """All of it is imported with torch, numpy, safetensors and PyYAML alone."""
    code = """
import sys
from embodied_mem import registry
from embodied_mem.policies import evaluate, train
for group in ("environments", "policies", "tasks"):
    for name in registry.names(group):
        if name not in ("la_eqa", "findingdory"):
            registry.load(group, name)
more = {"tyro", "rich", "matplotlib", "scipy", "open3d", "transformers", "gymnasium", "PIL", "tensorboard"}
print(sorted(more & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# -- training ----------------------------------------------------------------------------------------------------------


def test_training_again_does_nothing_and_leaves_what_others_train_to_them(runs, tmp_path, capsys):
    before = {p: p.read_bytes() for p in runs.rglob("*.safetensors")}
    train_all(experiment(), out=runs)
    assert capsys.readouterr().out.count("done already") == 4
    assert {p: p.read_bytes() for p in runs.rglob("*.safetensors")} == before
    (tmp_path / "relic-0").mkdir()
    with _only_training(tmp_path / "relic-0", 0):
        train_all(experiment(seeds=1), out=tmp_path)
        assert "in use by another training" in capsys.readouterr().out
        with pytest.raises(ConfigError, match="in use"):
            train_all(experiment(), "relic", 0, tmp_path)
    assert not (tmp_path / "relic-0" / "policy.safetensors").exists()
    assert (tmp_path / "no_inter_episode-0" / "policy.safetensors").exists()


def test_another_experiment_in_the_same_folder_or_an_unknown_agent_is_refused(runs):
    with pytest.raises(ConfigError, match="trials"):
        train_all(experiment(training={**EXPERIMENT["training"], "trials": 4}), out=runs)
    with pytest.raises(ConfigError, match="no agent 'gru' in darkroom; its agents: relic, no_inter_episode"):
        train_all(experiment(), "gru", out=runs)


def test_a_checkpoint_says_what_it_was_trained_on(runs):
    meta = checkpoint.describe(runs / "relic-1" / "policy.safetensors")
    assert meta["config"]["seed"] == 1 and "cores" in meta["hardware"] and meta["counters"]["steps"] == 8 * 24


def test_a_run_that_goes_on_elsewhere_says_both_places(tmp_path):
    trainer = Trainer(experiment().training_of("relic", 0))
    trainer.round()
    here, trainer.hardware = trainer.hardware, "8 × GPU"
    trainer.save(tmp_path / "moved.safetensors")
    other = Trainer(trainer.config)
    for _ in range(2):
        other.load(tmp_path / "moved.safetensors")
        assert other.hardware == f"8 × GPU; from step {other.steps} on {here}"
        other.save(tmp_path / "moved.safetensors")


# -- evaluation --------------------------------------------------------------------------------------------------------


def test_one_command_gives_metrics_table_and_figure(runs, file, inline, tmp_path):
    file.write_text(json.dumps({**EXPERIMENT, "evaluation": {**EXPERIMENT["evaluation"], "demonstrations": [1]}}))
    checkpoints = files_of(runs, "relic", "no_inter_episode")
    folder = run.evaluate(file, tmp_path / "run", {"checkpoint": checkpoints, "houses": 6}, quiet=True)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["task"], metrics["houses"]) == ("darkroom", 6)
    trained, shown = ["relic", "no_inter_episode"], "relic_demonstrations_1"
    assert list(metrics["agents"]) == [*trained, "swapped_context", shown, "random", "oracle"]
    relic = metrics["agents"]["relic"]
    for curve in ("success", "return", "spl"):
        assert len(relic[f"{curve}_by_episode"]) == len(relic["ci95"]) == 3
    assert relic["seeds"] == [0, 1] and relic["sink"] == "kv" and relic["training_steps"] == [8 * 24] * 2
    assert relic["context_bytes"] == 2 * 2 * (3 * 6 + 1) * 16 * 4, "keys and values, two layers, sink and 18 steps"
    assert metrics["agents"]["oracle"]["success_by_episode"] == [1.0] * 3
    assert "| `swapped_context` | 2 |" in (folder / "report.md").read_text()
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_weights_act_with_the_latest_tokens_alone(runs, file, inline, tmp_path):
    """Streaming: nothing changes until the memory is longer than what is kept, and it stays as large from then on."""
    evaluation = {**EXPERIMENT["evaluation"], "streaming": [6, 18], "controls": ["oracle"]}
    file.write_text(json.dumps({**EXPERIMENT, "evaluation": evaluation}))
    options = {"checkpoint": files_of(runs, "relic"), "houses": 6}
    folder = run.evaluate(file, tmp_path / "run", options, quiet=True)
    agents = json.loads((folder / "metrics.json").read_text())["agents"]
    whole, short, long = (agents[name] for name in ("relic", "relic_streaming_6", "relic_streaming_18"))
    assert long["return_by_episode"] == whole["return_by_episode"], "a trial has 18 steps"
    assert short["return_by_episode"][0] == whole["return_by_episode"][0]
    assert short["context_bytes"] < whole["context_bytes"] and (short["streaming"], whole["streaming"]) == (6, None)
    for wrong, why in (({"streaming": [6, 6]}, "must be different"), ({"streaming": [0]}, "from 1 on")):
        with pytest.raises(ConfigError, match=why):
            build(ExperimentConfig, {**EXPERIMENT, "evaluation": wrong})
    gru = {"gru": {"policy": {"kind": "gru", "width": 16}}}
    with pytest.raises(ConfigError, match="of kind 'gru' is no window"):
        build(ExperimentConfig, {**EXPERIMENT, "agents": gru, "evaluation": {"streaming": [6]}})


def test_a_killed_evaluation_goes_on_and_ends_the_same(runs, file, inline, tmp_path):
    options = {"checkpoint": files_of(runs, "relic"), "episodes": 2}
    whole = run.evaluate(file, tmp_path / "whole", options, quiet=True)
    part = tmp_path / "cut" / "parts" / "relic-0.jsonl"
    part.parent.mkdir(parents=True)
    lines = (whole / "parts" / "relic-0.jsonl").read_text().splitlines(keepends=True)
    part.write_text(lines[3] + lines[0] + lines[5][:30])
    cut = run.evaluate(file, tmp_path / "cut", options, quiet=True)
    one, other = (json.loads((f / "metrics.json").read_text()) for f in (whole, cut))
    assert {**one, "run_seconds": 0} == {**other, "run_seconds": 0}


def test_where_weights_are_new_what_they_did_is_done_anew_and_nothing_else(runs, file, inline, tmp_path, capsys):
    path = tmp_path / "relic-0" / "policy.safetensors"
    path.parent.mkdir()
    tensors, meta = checkpoint.read(runs / "relic-0" / "policy.safetensors")
    checkpoint.write(path, tensors, meta)
    options = {"checkpoint": (str(path),), "houses": 4, "episodes": 3}
    folder = run.evaluate(file, tmp_path / "run", options, quiet=True)
    before = {part.stem: part.read_text() for part in (folder / "parts").glob("*.jsonl")}
    (folder / "parts" / "random-0.jsonl").write_text(before["random-0"].replace("0.0", "0.5"))  # to be seen again
    checkpoint.write(path, {k: v + torch.linspace(-9, 9, v.numel()).view_as(v) for k, v in tensors.items()}, meta)
    run.evaluate(file, folder, options, quiet=True)
    said = capsys.readouterr().out
    after = {part.stem: part.read_text() for part in (folder / "parts").glob("*.jsonl")}
    assert {job for job in after if after[job] != before[job]} == {"relic-0", "swapped_context-0", "random-0"}
    assert "relic-0: what it is made of has changed" in said and "random-0:" not in said and "oracle" not in said
    run.evaluate(file, folder, options, quiet=True)
    assert not capsys.readouterr().out


def test_houses_for_development_and_evaluation_are_never_mixed():
    task = registry.load("tasks", "darkroom")
    with pytest.raises(ConfigError, match="9990 to 10039"):
        task(experiment(evaluation={"first_house": 9990, "houses": 50}))


@pytest.mark.parametrize(("changes", "why"), [
    ({}, "environment.split: 'test_types' is not one of train, test"),
    ({"task": "grid_object_search", "environment": {"cap": 6}}, "held_out_types is 0; hold some out, or take test"),
])  # fmt: skip
def test_a_split_that_there_is_not_is_refused_before_anything_runs(changes, why):
    config = experiment(evaluation={"split": "test_types"}, **changes)
    with pytest.raises(ConfigError, match=why):
        registry.load("tasks", config.task)(config)


def test_no_figure_without_the_control(runs, file, inline, tmp_path):
    options = {"checkpoint": files_of(runs, "relic"), "houses": 2, "episodes": 2}
    folder = run.evaluate(file, tmp_path / "run", options, quiet=True)
    assert not (folder / "figure.png").exists() and "No figure" in (folder / "report.md").read_text()
    with pytest.raises(ConfigError, match="no_inter_episode"):
        draw(json.loads((folder / "metrics.json").read_text()), tmp_path / "figure.png")


# -- checkpoints that do not fit ---------------------------------------------------------------------------------------


def altered(runs, tmp_path, tensors=lambda t: t, **config) -> Path:
    """A checkpoint of relic-0 with another configuration or other tensors."""
    found, meta = checkpoint.read(runs / "relic-0" / "policy.safetensors")
    path = tmp_path / "odd.safetensors"
    checkpoint.write(path, tensors(found), {**meta, "config": {**meta["config"], **config}})
    return path


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"task": "grid_object_search"}, ["trained in 'grid_object_search'", "evaluate it there"]),
        ({"environment": {"cap": 9, "size": 5}}, ["environment.cap = 9", "says 6"]),
        ({"policy": {**RELIC, "sink": "none"}}, ["no agent of darkroom has", "'none'"]),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(config, words, runs, tmp_path):
    path = altered(runs, tmp_path, **config)
    with pytest.raises(ConfigError) as error:
        candidates.parts_of(experiment(evaluation={"checkpoints": [str(path)]}))
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_checkpoint_of_another_architecture_is_refused(runs, tmp_path):
    with pytest.raises(InputError, match="another architecture.*heads.out.weight is missing"):
        load_policy(altered(runs, tmp_path, lambda t: {k: v for k, v in t.items() if "heads.out.weight" not in k}))


def test_agents_with_one_policy_are_told_apart_by_their_folders(runs, tmp_path):
    agents = {"one": {"policy": RELIC}, "two": {"policy": RELIC}}
    with pytest.raises(ConfigError, match="could be one or two; put it into a folder AGENT-SEED"):
        candidates.parts_of(experiment(agents=agents, evaluation={"checkpoints": [str(altered(runs, tmp_path))]}))
    (tmp_path / "two-0").mkdir()
    path = altered(runs, tmp_path / "two-0")
    assert candidates.parts_of(experiment(agents=agents, evaluation={"checkpoints": [str(path)]}))[0].agent == "two"


def test_halves_of_weights_act_in_whole_numbers(runs, tmp_path):
    whole, _, _ = load_policy(runs / "relic-0" / "policy.safetensors")
    half, _, _ = load_policy(altered(runs, tmp_path, lambda t: {k: v.bfloat16() for k, v in t.items()}))
    for one, other in zip(whole.policy.parameters(), half.policy.parameters(), strict=True):
        assert other.dtype == torch.float32 and torch.allclose(one, other, rtol=1e-2)


def test_for_a_long_life_it_keeps_as_many_steps_as_a_trial_had_and_no_more(runs):
    whole, config, _ = load_policy(runs / "relic-0" / "policy.safetensors")
    lasting, _, _ = load_policy(runs / "relic-0" / "policy.safetensors", lasting=True)
    assert whole.policy.config.budget is None and lasting.policy.config.budget == config.trial_steps
    env, still = make_environment(config.task, config.environment, 1), torch.zeros(1, dtype=torch.int64)
    stream, state = TokenStream(env.actions, 1), lasting.policy.init_state(1)
    size, tokens = lasting.policy.state_bytes(state), stream.begin(env.reset_trial(torch.tensor([1])))
    for _ in range(2 * config.trial_steps):
        _, state = lasting.policy.step(tokens, state)
        tokens = stream.after(env.step(still), still)
    assert lasting.policy.state_bytes(state) == size


# -- the command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["train", "la_eqa"], "la_eqa has nothing to train; embodied-mem evaluate la_eqa runs it"),
        (["evaluate", "FILE", "--days", "3"], "darkroom takes no --days; it takes --seed, --houses, --episodes"),
        (["evaluate", "la_eqa", "--checkpoint", "x"], "la_eqa takes no --checkpoint"),
        (["evaluate", "FILE", "--checkpoint", "none"], "no checkpoint none; train one first"),
        (["evaluate", "FILE"], "no checkpoint of relic comes with darkroom; train it (embodied-mem train"),
        (["train", "FILE", "--device", "gpu"], "device: 'gpu' is not here; take cpu (--device cpu), or cuda where"),
        (["evaluate", "FILE", "--device", "gpu"], "device: 'gpu' is not here; take cpu (--device cpu), or cuda where"),
        (["train", "FILE", "--agent", "gru"], "no agent 'gru' in darkroom"),
    ],
)
def test_what_does_not_fit_is_said_with_the_fix(words, answer, file, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(candidates, "SHIPPED", tmp_path)
    monkeypatch.chdir(tmp_path)  # where nothing was trained yet
    monkeypatch.setattr(sys, "argv", ["embodied-mem", *(str(file) if w == "FILE" else w for w in words)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2 and answer in capsys.readouterr().err
