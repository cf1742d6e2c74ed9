"""Any task of habitat-lab as a Gymnasium environment, for our policies and everybody else's.

``gymnasium.make("embodied_mem.sim.lab_gym:HabitatLab-v0", config="benchmark/nav/pointnav/pointnav_gibson.yaml")``, and
for our trainer ``environment: {id: "embodied_mem.sim.lab_gym:HabitatLab-v0", options: {config: …}}`` of the task
``gymnasium``. habitat is imported only when an environment is made. The reward is that of habitat-lab's ``RLTaskEnv``
with habitat-baselines' figures: progress towards the goal, less a little each step, plus a bonus for success.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from embodied_mem.errors import ConfigError, InputError

gymnasium.register("HabitatLab-v0", entry_point="embodied_mem.sim.lab_gym:make")


def make(config: str, overrides: Sequence[str] = (), **reward: Any) -> LabGym:
    """An environment of one of habitat-lab's configuration files.

    overrides: as on its command line, ``["habitat.environment.max_episode_steps=50"]``; reward: the arguments of
    :class:`LabGym`. Raises ConfigError where habitat-lab is missing.
    """
    try:
        import habitat
    except ImportError as error:
        raise ConfigError(f"habitat-lab does not import ({error}); docs/habitat.md says how to install it") from error
    return LabGym(habitat.Env(habitat.get_config(config, list(overrides))), **reward)


class LabGym(gymnasium.Env):
    """A ``habitat.Env`` behind Gymnasium's API.

    Observations are habitat-lab's, by their names. Actions are its actions without arguments, numbered in its order
    (``action_names``); those with arguments are left out. ``reset(seed=n)`` begins the episode n modulo their number,
    without a seed the next one. Infos are the task's metrics.

    progress  the metric whose decrease is rewarded ("" for none); bonus: for the metric ``success`` at the end;
    slack     what a step costs. Raises ConfigError for a metric that the task does not have.
    """

    metadata = {"render_modes": []}

    def __init__(
        self, env: Any, progress: str = "distance_to_goal", success: str = "success", bonus: float = 2.5,
        slack: float = 0.01,
    ) -> None:  # fmt: skip
        self.env, self._progress, self._success, self._bonus, self._slack = env, progress, success, bonus, slack
        self.action_names = tuple(name for name, space in env.action_space.spaces.items() if not _arguments(space))
        if not self.action_names:
            raise ConfigError(f"every action of the task takes arguments ({', '.join(env.action_space.spaces)}); "
                              "policies choose among actions: configure some without")  # fmt: skip
        self.action_space = spaces.Discrete(len(self.action_names))
        self.observation_space = _space(env.observation_space, "observation")
        known = set(env.task.measurements.measures)
        for name in (progress, success):
            if name and name not in known:
                raise ConfigError(f"the task measures {', '.join(sorted(known)) or 'nothing'}, not {name!r}; add it "
                                  "under habitat.task.measurements, or leave it out of the reward with ''")  # fmt: skip

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Begin an episode; see the class."""
        super().reset(seed=seed)
        if seed is not None:
            self.env.seed(seed)
            self.env.current_episode = self.env.episodes[seed % len(self.env.episodes)]
        seen = self.env.reset()
        info = dict(self.env.get_metrics())
        self._before = float(info[self._progress]) if self._progress else 0.0
        return _kept(seen, self.observation_space), info

    def step(self, action: int) -> tuple[dict, float, bool, bool, dict]:
        """One action; the time limit truncates, everything else terminates."""
        if self.env.episode_over:
            raise InputError("a step after the end of the episode; reset first")
        seen = self.env.step(self.action_names[int(action)])
        info, over = dict(self.env.get_metrics()), bool(self.env.episode_over)
        done = over and not self.env.task.is_episode_active
        reward = -self._slack
        if self._progress:
            now = float(info[self._progress])
            gained = self._before - now
            reward, self._before = reward + (gained if math.isfinite(gained) else 0.0), now  # inf: no way to the goal
        if over and self._success:
            reward += self._bonus * float(info[self._success])
        return _kept(seen, self.observation_space), float(reward), done, over and not done, info

    def close(self) -> None:
        """Give habitat's memory back."""
        self.env.close()


def _arguments(space: Any) -> bool:
    """Whether an action takes arguments; habitat-lab's EmptySpace has none, and neither has an empty Dict."""
    return type(space).__name__ != "EmptySpace" and bool(getattr(space, "spaces", True))


def _space(old: Any, name: str) -> spaces.Space:
    """A space of the old gym as Gymnasium's."""
    if hasattr(old, "spaces"):
        return spaces.Dict({key: _space(inner, f"{name}.{key}") for key, inner in old.spaces.items()})
    if hasattr(old, "n"):
        return spaces.Discrete(int(old.n))
    if hasattr(old, "low"):
        low, high = (np.broadcast_to(np.asarray(limit, old.dtype), old.shape) for limit in (old.low, old.high))
        return spaces.Box(low, high, tuple(old.shape), np.dtype(old.dtype).type)
    raise ConfigError(f"{name} is a {type(old).__name__}, unknown to Gymnasium; take that sensor out of the task")


def _kept(seen: Any, space: spaces.Space) -> Any:
    """What the space names, in arrays of its types; words and the like have no place there."""
    if isinstance(space, spaces.Dict):
        return {key: _kept(seen[key], inner) for key, inner in space.items()}
    return np.asarray(seen, space.dtype).reshape(space.shape)[()]  # habitat-lab hands numbers out in arrays
