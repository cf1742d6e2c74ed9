"""The comparison at equal memory compares memories that are equal."""

from __future__ import annotations

from embodied_mem.config import build, read_yaml
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.tokens import Spec
from embodied_mem.sim.vector.protocol import Space

NAMES = ("fifo", "spatial", "spatial_running", "gru", "gru_small")


def test_no_agent_has_more_memory_than_the_others():
    experiment = build(ExperimentConfig, read_yaml("object_search"))
    spec = Spec({"position": Space("vector", (2,)), "goal": Space("index", (1,), 6)}, 4, experiment.environment["cap"])
    policies = {name: make_policy(spec, experiment.agents[name].policy) for name in NAMES}
    used = {name: p.state_bytes(p.init_state(1, 1024)) for name, p in policies.items()}
    sizes = {"fifo": 15_616, "spatial": 16_560, "spatial_running": 16_392, "gru": 1_024, "gru_small": 352}
    assert used == sizes
    assert policies["fifo"].config.budget == policies["spatial"].config.budget == spec.episode_cap // 2
    weights = {name: p.parameter_count for name, p in policies.items()}
    assert weights["gru"] > 2 * max(weights["fifo"], weights["spatial"]), weights
    assert 0.75 < weights["gru_small"] / weights["spatial"] < 1.25, weights
