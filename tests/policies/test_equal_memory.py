"""The comparison at equal memory compares memories that are equal, trained alike."""

from __future__ import annotations

from embodied_mem.config import build, read_yaml
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.tokens import Spec
from embodied_mem.sim.vector.protocol import Space


def test_no_agent_has_more_memory_than_the_others():
    experiment = build(ExperimentConfig, read_yaml("object_search_memory"))
    spec = Spec({"position": Space("vector", (2,)), "goal": Space("index", (1,), 6)}, 4, experiment.environment["cap"])
    policies = {name: make_policy(spec, agent.policy) for name, agent in experiment.agents.items()}
    used = {name: p.state_bytes(p.init_state(1, 1024)) for name, p in policies.items()}
    assert used == {"relic_budget": 15_616, "spatial_budget": 16_560, "gru_budget": 1_024}
    assert policies["relic_budget"].config.budget == policies["spatial_budget"].config.budget == spec.episode_cap // 2
    weights = {name: p.parameter_count for name, p in policies.items()}
    assert weights["gru_budget"] > 2 * max(weights["relic_budget"], weights["spatial_budget"]), weights


def test_its_training_is_that_of_object_search():
    ours, theirs = (read_yaml(name) for name in ("object_search_memory", "object_search"))
    for key in ("task", "environment", "training", "evaluation", "seeds"):
        assert ours[key] == theirs[key], f"{key} differs from configs/object_search.yaml"
