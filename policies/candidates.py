"""Who takes part in an evaluation: the agents of an experiment by their checkpoints, and the controls beside them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

from embodied_mem.errors import ConfigError
from embodied_mem.policies import actors, checkpoint
from embodied_mem.policies.build import environment_config, policy_config
from embodied_mem.policies.experiment import ExperimentConfig

SHIPPED = Path(__file__).parent / "checkpoints"
_WHICH_HOUSES = ("split", "houses", "folder")  # options that say which houses, not what is to be done in them


@dataclass(frozen=True)
class Part:
    """One agent of the metrics with one seed, as it is run."""

    agent: str
    trained: str
    """The agent of the experiment whose environment it is in."""
    seed: int = 0
    checkpoint: Path | None = None
    swapped: bool = False
    demonstrations: int = 0
    streaming: int | None = None
    """The latest tokens are kept, this many; None: what the policy was trained to keep."""


def parts_of(config: ExperimentConfig) -> list[Part]:
    """Trained agents seed by seed, then the controls, which belong to the first of them. Raises ConfigError where a
    checkpoint is missing or fits no agent, InputError where it is damaged."""
    e = config.evaluation
    files = _named(config) if e.checkpoints else _shipped(config)
    order = sorted(files, key=lambda key: (list(config.agents).index(key[0]), key[1]))
    trained = [Part(agent, agent, seed, files[agent, seed]) for agent, seed in order]
    first = trained[0].agent
    own = [p for p in trained if p.agent == first]
    parts = [*trained]
    if "swapped_context" in e.controls:
        parts += [replace(p, agent="swapped_context", swapped=True) for p in own]
    for n in e.demonstrations:
        parts += [replace(p, agent=f"{first}_demonstrations_{n}", demonstrations=n) for p in own]
    for n in e.streaming:
        parts += [replace(p, agent=f"{first}_streaming_{n}", streaming=n) for p in own]
    return parts + [Part(name, first) for name in e.controls if name in actors.CONTROLS]


def _named(config: ExperimentConfig) -> dict[tuple[str, int], Path]:
    """{(agent, seed): checkpoint} of the files that were named."""
    found: dict[tuple[str, int], Path] = {}
    for path in map(Path, config.evaluation.checkpoints):
        meta = checkpoint.describe(path)
        key = agent_of(config, path, meta), meta["config"]["seed"]
        if key in found:
            raise ConfigError(f"{found[key]} and {path} are both {key[0]} with seed {key[1]}; name one of them")
        found[key] = path
    return found


def _shipped(config: ExperimentConfig) -> dict[tuple[str, int], Path]:
    """{(agent, seed): checkpoint} of those that come with the package. Raises ConfigError where none of the first agent
    does, to which the controls belong."""
    found, name, first = {}, config.name, config.first
    for agent, seed in config.trainings():
        path = shipped_file(config, agent, seed)
        if path.is_file():
            _check_fit(config, agent, path, checkpoint.describe(path))
            found[agent, seed] = path
    if first not in {agent for agent, _ in found}:
        raise ConfigError(f"no checkpoint of {first} comes with {name}; train it (embodied-mem train {name} --agent "
                          f"{first} --seed 0) and name it: --checkpoint runs/policies/{name}/{first}-0/"
                          "policy.safetensors")  # fmt: skip
    return found


def shipped_file(config: ExperimentConfig, agent: str, seed: int) -> Path:
    """Where the checkpoint of an agent's seed lies, if it comes with the package."""
    return SHIPPED / config.name / f"{agent}-{seed}.safetensors"


def not_shipped(config: ExperimentConfig) -> list[str]:
    """AGENT-SEED of what an experiment trains and the package does not bring: an evaluation goes on without them."""
    if config.evaluation.checkpoints:
        return []
    return [f"{a}-{s}" for a, s in config.trainings() if not shipped_file(config, a, s).is_file()]


def agent_of(config: ExperimentConfig, path: Path, meta: dict) -> str:
    """The agent whose seed a checkpoint is: by its policy, and among several with the same one by its folder."""
    same = [agent for agent in config.agents if _is_policy_of(config, agent, meta)]
    named = [agent for agent in same if agent in (path.parent.name.rpartition("-")[0], path.stem.rpartition("-")[0])]
    if not same:
        raise ConfigError(f"{path} holds a policy that no agent of {config.name} has: {meta['config']['policy']}; name "
                          "the experiment it was trained by")  # fmt: skip
    if len(same) > 1 and len(named) != 1:
        raise ConfigError(f"{path} could be {' or '.join(same)}; put it into a folder AGENT-SEED")
    agent = (named or same)[0]
    _check_fit(config, agent, path, meta)
    return agent


def _is_policy_of(config: ExperimentConfig, agent: str, meta: dict) -> bool:
    own, other = config.agents[agent].policy, meta["config"]["policy"]
    return own["kind"] == other["kind"] and policy_config(own) == policy_config(other, "policy of the checkpoint")


def _check_fit(config: ExperimentConfig, agent: str, path: Path, meta: dict) -> None:
    """Raise ConfigError where a checkpoint was trained as something else than the agent is."""
    task, name = meta["config"]["task"], config.name
    if task != config.task:
        raise ConfigError(f"{path} was trained in {task!r}, {name} is {config.task!r}; evaluate it there")
    if not _is_policy_of(config, agent, meta):
        raise ConfigError(f"{path} holds the policy {meta['config']['policy']}, {name} says "
                          f"{config.agents[agent].policy} of {agent}; train it again")  # fmt: skip
    own = environment_config(task, config.environment_of(agent))
    trained = environment_config(task, meta["config"]["environment"], f"{path}: environment")
    for key in (f.name for f in fields(own) if f.name not in _WHICH_HOUSES):
        if getattr(own, key) != getattr(trained, key):
            raise ConfigError(f"{path} was trained with environment.{key} = {getattr(trained, key)!r}, {name} says "
                              f"{getattr(own, key)!r}; evaluate it in the experiment it is of")  # fmt: skip
