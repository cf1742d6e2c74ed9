"""Records one experience of the oracle into a palace, with what only scorers may know in files beside it.

    FOLDER/palace/          what agents get
    FOLDER/sidecar/         instance images for the simulated detector
    FOLDER/log.json         the initial house, the robot's doings and the interactions
    FOLDER/steps.npz        what every frame was truly taken from
    FOLDER/recording.json   what the folder is for: house, episode, settings and noise as a digest
    FOLDER/manifest.json    written last: the experience is complete

An experience is one visit, so a killed recording starts over.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.recorder import Recorder
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.log import EventLog
from embodied_mem.sim.schedule import day_zero
from embodied_mem.tasks.findingdory.errands import plan_episode
from embodied_mem.tasks.findingdory.log import EpisodeLog, Interaction, Steps
from embodied_mem.tasks.findingdory.oracle import Oracle
from embodied_mem.tasks.findingdory.settings import EPISODE_VERSION, SECONDS_PER_STEP, VISIT, robot_spec
from embodied_mem.types import Frame

VERSION = 3  # raise it whenever the simulator, perception or memory change what a recording holds
MAX_INTERACTIONS = 50
EPISODES = 1000  # of one house; their noise differs
Status = Callable[[str], None]


@dataclass(frozen=True)
class ExperienceConfig:
    """interactions: the least and the most of an episode; seconds_per_step: of the robot's clock.

    Raises ConfigError for a value out of range.
    """

    interactions: tuple[int, int] = (2, 11)
    seconds_per_step: float = SECONDS_PER_STEP

    def __post_init__(self) -> None:
        if len(self.interactions) != 2 or not 1 <= self.interactions[0] <= self.interactions[1] <= MAX_INTERACTIONS:
            raise ConfigError(f"interactions is {self.interactions}; it must be two numbers, the least and the most, "
                              f"in 1..{MAX_INTERACTIONS}")  # fmt: skip
        if not 1 <= self.seconds_per_step <= 60:
            raise ConfigError(f"seconds_per_step is {self.seconds_per_step}; it must lie in [1, 60]")


@dataclass(frozen=True)
class Experience:
    """A complete recording."""

    folder: Path

    @property
    def palace(self) -> Path:
        """What agents get."""
        return self.folder / "palace"

    @property
    def sidecar(self) -> Path:
        """Instance images, for the detector alone."""
        return self.folder / "sidecar"

    def log(self) -> EpisodeLog:
        """What truly happened, for question makers and scorers. Raises InputError where a file is damaged."""
        return load_log(self.folder)


def make_oracle(
    house: int, episode: int, settings: ExperienceConfig, noise: NoiseConfig | None = None,
    sidecar: Sidecar | None = None,
) -> tuple[EmbeddedSimulator, Oracle]:  # fmt: skip
    """A simulator and the oracle that will reset it and act in it."""
    if not 0 <= episode < EPISODES:
        raise InputError(f"episode {episode} of house {house}; a house has episodes 0..{EPISODES - 1}")
    spec = robot_spec(settings.seconds_per_step)
    simulator = EmbeddedSimulator(noise=noise, sidecar=sidecar, seed=noise_seed(house, episode), spec=spec)
    plan = plan_episode(generate_house(house), episode, tuple(settings.interactions), spec.radius_m)
    return simulator, Oracle(simulator, plan, day_zero(house))


def noise_seed(house: int, episode: int) -> int:
    """The seed of an episode's camera, localisation and detector noise."""
    return house * EPISODES + episode


def simulate(house: int, episode: int, settings: ExperienceConfig | None = None) -> EpisodeLog:
    """What happens in an episode, without drawing and recording its frames: the log that a recording has, too."""
    _, oracle = make_oracle(house, episode, settings or ExperienceConfig())
    for _ in oracle.run():
        pass
    return oracle.log()


def record_experience(
    house: int, episode: int, settings: ExperienceConfig, folder: Path | str, noise: NoiseConfig | None = None,
    status: Status = lambda text: None,
) -> Experience:  # fmt: skip
    """Record an episode of a house, or find it recorded.

    Raises InputError where the folder holds a recording of something else, or the house does not allow the episode.
    """
    folder, noise = Path(folder), noise or NoiseConfig()
    experience, digest = Experience(folder), digest_of(house, episode, settings, noise)
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, digest)
    if (folder / "manifest.json").exists():
        return experience
    for half_done in (experience.palace, experience.sidecar):
        shutil.rmtree(half_done, ignore_errors=True)
    status("planning the experience")
    sidecar = Sidecar(experience.sidecar)
    simulator, oracle = make_oracle(house, episode, settings, noise, sidecar)
    palace = MindPalace.create(experience.palace)
    try:
        detector = SimulatedDetector(sidecar, noise, noise_seed(house, episode))
        Recorder(palace, detector).record(VISIT, _frames(simulator, oracle, status))
    finally:
        palace.close()
    log = oracle.log()
    save_log(folder, log)
    made = {"house": house, "episode": episode, "interactions": len(log.interactions), "frames": len(log.steps)}
    _write(folder / "manifest.json", {**made, "digest": digest})
    return experience


def _frames(simulator: EmbeddedSimulator, oracle: Oracle, status: Status) -> Iterator[Frame]:
    """The oracle's frames as it goes; then word that the recorder is at its last step."""
    count = oracle.plan.count
    for _ in oracle.run():
        doing = min(len(oracle.interactions) + 1, count)
        status(f"recording frame {oracle.frames}, interaction {doing} of {count}")
        yield simulator.observe()
    status(f"understanding {oracle.frames} frames")


# -- files -------------------------------------------------------------------------------------------------------------


def save_log(folder: Path, log: EpisodeLog) -> None:
    """Keep a log as ``log.json`` and ``steps.npz`` in a folder; the same log gives the same bytes."""
    plain = {
        "version": EPISODE_VERSION, "house": log.house, "episode": log.episode,
        "seconds_per_step": log.seconds_per_step, "events": log.events.to_json(),
        "interactions": [asdict(i) for i in log.interactions],
    }  # fmt: skip
    steps = log.steps
    temporary = folder / "steps.npz.part"
    with open(temporary, "wb") as file:
        np.savez_compressed(
            file, pose=steps.pose, manipulating=steps.manipulating, time=steps.time, holding=steps.holding,
            action=np.array(steps.action, dtype="U16"),
        )  # fmt: skip
    os.replace(temporary, folder / "steps.npz")
    _write(folder / "log.json", plain)


def load_log(folder: Path) -> EpisodeLog:
    """The inverse of :func:`save_log`; raises InputError for another version or a damaged file."""
    try:
        raw = json.loads((folder / "log.json").read_text())
        if raw["version"] != EPISODE_VERSION:
            raise InputError(f"{folder}/log.json has version {raw['version']}, this program reads {EPISODE_VERSION}; "
                             "record it again")  # fmt: skip
        with np.load(folder / "steps.npz", allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in ("pose", "manipulating", "time", "holding")}
            steps = Steps(**columns, action=tuple(arrays["action"].tolist()))
        interactions = tuple(
            Interaction(**{k: tuple(v) if isinstance(v, list) else v for k, v in i.items()})
            for i in raw["interactions"]
        )
        return EpisodeLog(
            raw["house"], raw["episode"], raw["seconds_per_step"], EventLog.from_json(raw["events"]),
            interactions, steps,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the log in {folder} is missing or damaged ({error}); record it again") from error


def digest_of(house: int, episode: int, settings: ExperienceConfig, noise: NoiseConfig) -> str:
    """What a recording depends on, in 16 hexadecimal digits."""
    plain = {
        "versions": [VERSION, EPISODE_VERSION], "house": house, "episode": episode, "settings": asdict(settings),
        "noise": asdict(noise), "robot": asdict(robot_spec(settings.seconds_per_step)),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _claim(folder: Path, digest: str) -> None:
    """Refuse to mix two recordings in one folder."""
    path = folder / "recording.json"
    if not path.exists():
        _write(path, {"digest": digest})
    elif json.loads(path.read_text()).get("digest") != digest:
        raise InputError(f"{folder} holds another episode, or one of other settings, noise or version; remove it or "
                         "use another cache")  # fmt: skip


def _write(path: Path, content: dict) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(content, sort_keys=True))
    os.replace(temporary, path)
