"""Records one experience."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.schedule import day_zero
from embodied_mem.tasks.findingdory.errands import plan_episode
from embodied_mem.tasks.findingdory.log import EpisodeLog
from embodied_mem.tasks.findingdory.oracle import Oracle
from embodied_mem.tasks.findingdory.settings import SECONDS_PER_STEP, robot_spec


@dataclass(frozen=True)
class ExperienceConfig:
    """interactions: the least and the most of an episode; seconds_per_step: of the clock."""

    interactions: tuple[int, int] = (2, 11)
    seconds_per_step: float = SECONDS_PER_STEP


def make_oracle(house: int, episode: int, settings: ExperienceConfig, **simulator) -> tuple[EmbeddedSimulator, Oracle]:
    """A simulator (with the keywords ``noise`` and ``sidecar``) and the oracle that will run in it."""
    spec = robot_spec(settings.seconds_per_step)
    sim = EmbeddedSimulator(spec=spec, seed=house, **simulator)
    plan = plan_episode(generate_house(house), episode, settings.interactions, spec.radius_m)
    return sim, Oracle(sim, plan, day_zero(house))


def simulate(house: int, episode: int, settings: ExperienceConfig | None = None) -> EpisodeLog:
    """What happens in an episode, without recording it (seconds)."""
    _, oracle = make_oracle(house, episode, settings or ExperienceConfig())
    for _ in oracle.run():
        pass
    return oracle.log()
