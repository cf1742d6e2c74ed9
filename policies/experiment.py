"""One experiment is one file: an environment, the agents that are compared in it, how they are trained and evaluated.

    task: grid_object_search
    environment: {size: 9}                  # options of the environment
    training: {total_steps: 10000000}       # fields of TrainConfig, for all agents
    agents:                                 # named as in metrics.json; the first is the one all controls belong to
      relic: {policy: {kind: relic}}
      gru: {policy: {kind: gru}, training: {learning_rate: 3.0e-4}}     # what differs for this one
    seeds: 3
    evaluation: {houses: 500, episodes: 10}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from embodied_mem.config import build
from embodied_mem.errors import ConfigError
from embodied_mem.policies.build import environment_config, policy_config
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.sim.vector.search import TEST_TYPES

#: Agents of an evaluation that nobody trains: the first agent with foreign memories, chance, and who knows the house.
CONTROLS = ("swapped_context", "random", "oracle")
SPLITS = ("train", "dev", "test", TEST_TYPES)
_OF_THE_AGENT = ("task", "policy", "environment", "seed")
#: Kinds of policy whose memory is the latest tokens as they are, so that one that is trained can keep fewer of them.
WINDOWS = ("relic",)


@dataclass(frozen=True)
class AgentConfig:
    """One trained agent. ``training`` and ``environment`` hold only what differs from the experiment's."""

    policy: dict
    training: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)


@dataclass(frozen=True)
class EvaluationConfig:
    """On which houses, and beside whom."""

    houses: int = field(default=500, metadata={"min": 1, "max": 1_000_000})
    first_house: int = field(default=100_000, metadata={"min": 0, "max": 2**31})
    """Below 10,000: development; from 100,000: evaluation."""
    episodes: int = field(default=10, metadata={"min": 1, "max": 100_000})
    """Of each trial, whatever they cost: every index then has every house."""
    batch: int = field(default=128, metadata={"min": 1, "max": 1_000_000})
    split: str | None = field(default=None, metadata={"choices": SPLITS})
    """Left out: ``dev`` for development houses where the environment has such a split, else ``test``; ``test_types``
    asks in test houses for types that training never asks for."""
    controls: tuple[str, ...] = field(default=CONTROLS, metadata={"choices": CONTROLS})
    demonstrations: tuple[int, ...] = field(default=(), metadata={"min": 1, "max": 1000})
    """Numbers of the oracle's episodes put before the first agent's own; each makes an agent of its own."""
    streaming: tuple[int, ...] = field(default=(), metadata={"min": 1, "max": 10_000_000})
    """Numbers of latest tokens that the first agent keeps although it was trained with more; each makes an agent."""
    checkpoints: tuple[str, ...] = ()
    """Files to evaluate instead of the shipped ones; each is a seed of the agent whose policy it has."""
    device: str = "cpu"

    def __post_init__(self) -> None:
        for key in ("demonstrations", "streaming"):
            numbers = getattr(self, key)
            if any(n < 1 for n in numbers) or len(set(numbers)) < len(numbers):
                raise ConfigError(f"evaluation.{key}: {list(numbers)} must be different, from 1 on")


@dataclass(frozen=True)
class ExperimentConfig:
    """See the module. Raises ConfigError that names the key, for any agent, before anything runs."""

    task: str
    agents: dict[str, AgentConfig]
    name: str = ""
    """Of the experiment's folders; left out: the task's. Two experiments of one task need two."""
    environment: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    seeds: int = field(default=3, metadata={"min": 1, "max": 1000})
    evaluation: EvaluationConfig = EvaluationConfig()
    workers: int | None = field(default=None, metadata={"min": 1, "max": 1024})
    """Parallel processes of an evaluation; left out: one a core."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.task)
        for name in (self.name, *self.agents):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)):
                raise ConfigError(f"{name!r} names files; use small letters, digits and _, beginning with a letter")
        if not self.agents or set(self.agents) & set(CONTROLS):
            raise ConfigError(f"agents: {list(self.agents)} must be at least one, and none of {', '.join(CONTROLS)}")
        _only_training(self.training, "training")
        build(TrainConfig, {"task": self.task, "policy": {}, **self.training}, "training")
        environment_config(self.task, self.environment)
        for name, agent in self.agents.items():
            self.training_of(name, 0)
            policy_config(agent.policy, f"agents.{name}.policy")
            environment_config(self.task, self.environment_of(name), f"agents.{name}.environment")
        kind = self.agents[self.first].policy["kind"]
        if self.evaluation.streaming and kind not in WINDOWS:
            raise ConfigError(f"evaluation.streaming: a memory of kind {kind!r} is no window of tokens that could be "
                              f"shorter ({', '.join(WINDOWS)} is); leave it out")  # fmt: skip

    @property
    def first(self) -> str:
        """The agent that the controls belong to."""
        return next(iter(self.agents))

    def environment_of(self, agent: str) -> dict:
        """Options of the environment an agent is trained in."""
        return {**self.environment, **self.agents[agent].environment}

    def training_of(self, agent: str, seed: int) -> TrainConfig:
        """The training of an agent's seed."""
        own, where = self.agents[agent], f"agents.{agent}.training"
        _only_training(own.training, where)
        raw = {"task": self.task, "policy": own.policy, "environment": self.environment_of(agent), "seed": seed}
        return build(TrainConfig, {**raw, **_merged(self.training, own.training)}, where)

    def trainings(self, agent: str | None = None, seed: int | None = None) -> Iterator[tuple[str, int]]:
        """(agent, seed) of what is to be trained, seed by seed. Raises ConfigError for an agent that is none."""
        self.agent(agent or self.first)
        for s in range(self.seeds) if seed is None else (seed,):
            for name in self.agents if agent is None else (agent,):
                yield name, s

    def agent(self, name: str) -> AgentConfig:
        """The agent of a name. Raises ConfigError that lists them."""
        if name not in self.agents:
            raise ConfigError(f"no agent {name!r} in {self.name}; its agents: {', '.join(self.agents)}")
        return self.agents[name]


def _only_training(options: dict, where: str) -> None:
    wrong = [k for k in options if k in _OF_THE_AGENT]
    if wrong:
        raise ConfigError(f"{where}: key {wrong[0]!r} does not belong here; an experiment has task, environment and "
                          "seeds at its top, and an agent has its policy and environment")  # fmt: skip


def _merged(base: dict, over: dict) -> dict:
    """Options with single ones replaced, also inside of nested mappings."""
    both = {k: _merged(base[k], v) for k, v in over.items() if isinstance(v, dict) and isinstance(base.get(k), dict)}
    return {**base, **over, **both}
