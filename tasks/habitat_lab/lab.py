"""Registers our tasks with habitat-lab; importing this needs it and habitat-sim (docs/habitat.md).

``env = make("episodes.json.gz")`` is a ``habitat.Env`` with habitat-lab's own loop: ``env.reset()``, ``env.step(...)``,
``env.get_metrics()``. Actions: ``stop``, ``move_forward``, ``turn_left``, ``turn_right``, ``found`` (marks a place and
goes on) and ``answer`` (``{"action": "answer", "action_args": {"answer": {"type": "count", "data": 2}}}``, which ends
the episode). Observations: habitat-lab's cameras, ``instruction`` (text, palace of the past, clock). Metrics:
``success``, ``partial``, ``efficiency``, ``metres``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import attr
import habitat
import habitat_sim
import magnum
import numpy as np
from gym import spaces
from habitat.config.default_structured_configs import (
    ActionConfig,
    LabSensorConfig,
    MeasurementConfig,
    MoveForwardActionConfig,
    StopActionConfig,
    TaskConfig,
    TurnLeftActionConfig,
    TurnRightActionConfig,
)
from habitat.core.dataset import Dataset, Episode
from habitat.core.embodied_task import Measure, SimulatorTaskAction
from habitat.core.registry import registry
from habitat.core.simulator import Sensor, SensorTypes
from habitat.tasks.nav.nav import NavigationTask
from hydra.core.config_store import ConfigStore

from embodied_mem.sim.export.life import Placed
from embodied_mem.sim.habitat_frames import BODY, pose_of, state_of
from embodied_mem.sim.habitat_objects import HabitatObjects, spots_of
from embodied_mem.sim.habitat_state import life_of
from embodied_mem.sim.habitat_world import compute_navmesh, no_image_lighting
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.tasks.habitat_lab.episodes import LabEpisode, read_episodes, value_of
from embodied_mem.tasks.habitat_lab.judging import judge
from embodied_mem.types import planar_pose, pose_xyyaw

_MEASURES = ("success", "partial", "efficiency", "metres")


@attr.s(auto_attribs=True, kw_only=True)
class EmbodiedEpisode(Episode):
    """habitat-lab's episode (Y up) with ours beside it."""

    ours: LabEpisode = None


@registry.register_dataset(name="EmbodiedMem-v0")
class EmbodiedDataset(Dataset):
    """The episodes of the file ``habitat.dataset.data_path``."""

    def __init__(self, config: Any = None) -> None:
        self.episodes = []
        if config is not None:
            dataset, episodes = read_episodes(config.data_path)
            self.episodes = [_lab_episode(e, dataset) for e in episodes]

    @staticmethod
    def check_config_paths_exist(config: Any) -> bool:
        return True  # read_episodes says better what is wrong


def _lab_episode(ours: LabEpisode, dataset: str) -> EmbodiedEpisode:
    position, (w, x, y, z) = state_of(planar_pose(*ours.start), BODY)
    return EmbodiedEpisode(
        episode_id=ours.id, scene_id=_scene_file(dataset, ours.scene), scene_dataset_config=dataset, ours=ours,
        start_position=position.tolist(), start_rotation=[float(x), float(y), float(z), float(w)],
    )  # fmt: skip


def _scene_file(dataset: str, scene: str) -> str:
    """The whole path where there is one: habitat takes the first scene that contains a name, house-71 for house-7."""
    file = Path(dataset).parent / "scenes" / f"{scene}.scene_instance.json"
    return str(file) if file.is_file() else scene


@registry.register_task(name="EmbodiedMem-v0")
class EmbodiedTask(NavigationTask):
    """An episode in the house as it stands at its time; ends with ``stop`` or ``answer``."""

    def __init__(self, **kwargs: Any) -> None:
        self.stops: list[tuple[float, float, float]] = []
        self.answer = None
        self._loaded: tuple[str, HabitatObjects, Any] | None = None
        super().__init__(**kwargs)

    def reset(self, episode: EmbodiedEpisode) -> Any:
        """Begin: the house as it is at the episode's time, nothing said yet."""
        self.stops, self.answer = [], None
        objects, life = self._objects(episode)
        seen = super().reset(episode)
        if life is not None:
            placed = dict(life.state_at(episode.ours.time))
            for name, raw in episode.ours.moved.items():
                placed.pop(name, None)
                if raw is not None:
                    placed[name] = Placed(**raw)
            # habitat-lab's reset has just put every object back to where its scene file has it.
            objects.arrange(spots_of(placed), anew=True)
            seen.update(self._sim.get_observations_at())
        return seen

    def overwrite_sim_config(self, config: Any, episode: EmbodiedEpisode) -> Any:
        with habitat.config.read_write(config):
            config.simulator.scene_dataset = episode.scene_dataset_config
        return super().overwrite_sim_config(config, episode)

    def pose(self) -> tuple[float, float, float]:
        """x, y, yaw of the agent, Z up."""
        state = self._sim.get_agent_state()
        q = state.rotation
        return pose_xyyaw(pose_of(np.array(state.position, float), np.array([q.w, q.x, q.y, q.z]), BODY))

    def on_foot_to(self, label: str) -> float:
        """Metres from the agent to the nearest thing of a label, by the navmesh; inf where there is none."""
        _, objects, life = self._loaded
        spots = objects.now if life is not None else {}
        goals = [spots[name].pose[:3, 3] for name in spots if life.objects[name]["label"] == label]
        here, ways = self._sim.get_agent_state().position, []
        for goal in goals:
            at = np.array([goal[0], here[1], -goal[1]], np.float32)  # on the floor below the thing
            ways.append(float(self._sim.geodesic_distance(here, self._sim.pathfinder.snap_point(at))))
        return min((w for w in ways if math.isfinite(w)), default=math.inf)

    def _objects(self, episode: EmbodiedEpisode) -> tuple[HabitatObjects, Any]:
        # habitat-lab loads a scene anew when its name changes; what stands in it is then new as well.
        key = f"{episode.scene_dataset_config}\n{episode.scene_id}"
        if self._loaded is None or self._loaded[0] != key:
            life = life_of(episode.scene_dataset_config, episode.ours.scene)
            if not self._sim.pathfinder.is_loaded:
                compute_navmesh(habitat_sim, self._sim, RobotSpec(), episode.scene_id)
            self._loaded = (key, HabitatObjects(habitat_sim, magnum, self._sim, life), life)
        return self._loaded[1:]

    def _check_episode_is_active(self, *args: Any, **kwargs: Any) -> bool:
        return self.answer is None and super()._check_episode_is_active(*args, **kwargs)


@registry.register_task_action
class EmbodiedStop(SimulatorTaskAction):
    """The end, at what was looked for: as "found", and no more steps."""

    name = "stop"

    def reset(self, task: EmbodiedTask, *args: Any, **kwargs: Any) -> None:
        task.is_stop_called = False

    def step(self, task: EmbodiedTask, *args: Any, **kwargs: Any) -> None:
        task.is_stop_called = True
        task.stops.append(task.pose())


@registry.register_task_action
class EmbodiedFound(SimulatorTaskAction):
    """One of several goals is here; the episode goes on."""

    name = "found"

    def step(self, task: EmbodiedTask, *args: Any, **kwargs: Any) -> None:
        task.stops.append(task.pose())


@registry.register_task_action
class EmbodiedAnswer(SimulatorTaskAction):
    """A typed answer, which ends the episode. Raises InputError for what is none."""

    name = "answer"

    def step(self, task: EmbodiedTask, *args: Any, answer: Any, **kwargs: Any) -> None:
        task.answer = value_of(answer)

    @property
    def action_space(self) -> spaces.Dict:
        return spaces.Dict({"answer": spaces.Dict()})


@registry.register_sensor
class EmbodiedInstruction(Sensor):
    """What the agent is told: ``text``, ``memory`` (the palace of its past, "" for none), ``time`` (UTC seconds)."""

    def _get_uuid(self, *args: Any, **kwargs: Any) -> str:
        return "instruction"

    def _get_sensor_type(self, *args: Any, **kwargs: Any) -> SensorTypes:
        return SensorTypes.TEXT

    def _get_observation_space(self, *args: Any, **kwargs: Any) -> spaces.Space:
        return spaces.Dict()

    def get_observation(self, *args: Any, episode: EmbodiedEpisode, **kwargs: Any) -> dict:
        return {"text": episode.ours.instruction, "memory": episode.ours.memory, "time": episode.ours.time}


class _Judged(Measure):
    """One number of the judge's; the first in the configuration walks along and judges for all."""

    def __init__(self, sim: Any, config: Any, *args: Any, **kwargs: Any) -> None:
        self._sim = sim
        super().__init__()

    def _get_uuid(self, *args: Any, **kwargs: Any) -> str:
        return self.cls_uuid

    def reset_metric(self, *args: Any, episode: EmbodiedEpisode, task: EmbodiedTask, **kwargs: Any) -> None:
        self._metres, self._at = 0.0, task.pose()
        self.update_metric(episode=episode, task=task)

    def update_metric(self, *args: Any, episode: EmbodiedEpisode, task: EmbodiedTask, **kwargs: Any) -> None:
        at = task.pose()
        self._metres, self._at = self._metres + math.dist(at[:2], self._at[:2]), at
        if self.cls_uuid == "metres":
            self._metric = self._metres
        else:
            found = judge(episode.ours, task.answer, task.stops, self._metres, task.on_foot_to)
            self._metric = found[self.cls_uuid]


for _name in _MEASURES:
    registry.register_measure(type(f"Embodied{_name.title()}", (_Judged,), {"cls_uuid": _name}))


def _of_type(base: type, name: str) -> Any:
    """A structured config that says no more than what is registered under ``name``."""
    return base(type=name)


@dataclass
class EmbodiedTaskConfig(TaskConfig):
    """``habitat/task=embodied_mem``."""

    type: str = "EmbodiedMem-v0"
    success_measure: str = "success"
    reward_measure: str = "success"
    goal_sensor_uuid: str = "instruction"
    actions: dict[str, ActionConfig] = field(default_factory=lambda: {
        "stop": StopActionConfig(type="EmbodiedStop"), "move_forward": MoveForwardActionConfig(),
        "turn_left": TurnLeftActionConfig(), "turn_right": TurnRightActionConfig(),
        "found": _of_type(ActionConfig, "EmbodiedFound"), "answer": _of_type(ActionConfig, "EmbodiedAnswer"),
    })  # fmt: skip
    lab_sensors: dict[str, LabSensorConfig] = field(
        default_factory=lambda: {"instruction": _of_type(LabSensorConfig, "EmbodiedInstruction")}
    )
    measurements: dict[str, MeasurementConfig] = field(
        default_factory=lambda: {n: _of_type(MeasurementConfig, f"Embodied{n.title()}") for n in _MEASURES}
    )


ConfigStore.instance().store(
    package="habitat.task", group="habitat/task", name="embodied_mem", node=EmbodiedTaskConfig
)


def config_of(episodes: str, overrides: Sequence[str] = (), spec: RobotSpec | None = None) -> Any:
    """habitat-lab's configuration for an episode file: our robot's camera and steps, no GPU.

    overrides: as on habitat-lab's command line, e.g. ``["habitat.simulator.habitat_sim_v0.gpu_device_id=0"]``.
    """
    spec = spec or RobotSpec()
    camera, agent = spec.camera, "habitat.simulator.agents.main_agent"
    pitch = math.radians(camera.pitch_deg)
    of_both = {"width": camera.width, "height": camera.height, "hfov": round(camera.hfov_deg),
               "position": [0, camera.height_m, 0], "orientation": [pitch, 0, 0]}  # fmt: skip
    ours = {
        "habitat.dataset.type": "EmbodiedMem-v0", "habitat.dataset.data_path": str(episodes),
        "habitat.simulator.habitat_sim_v0.gpu_device_id": -1, "habitat.simulator.default_agent_navmesh": False,
        "habitat.simulator.forward_step_size": spec.forward_m,
        "habitat.simulator.turn_angle": round(math.degrees(spec.turn_rad)),
        f"{agent}.radius": spec.radius_m, f"{agent}.height": camera.height_m,
        "habitat.environment.iterator_options.shuffle": False,
        **{f"{agent}.sim_sensors.{s}.{k}": v for s in ("rgb_sensor", "depth_sensor") for k, v in of_both.items()},
    }  # fmt: skip
    lines = ["habitat/task=embodied_mem", *(f"{key}={value}" for key, value in ours.items())]
    return habitat.get_config("benchmark/nav/pointnav/pointnav_habitat_test.yaml", [*lines, *overrides])


def make(episodes: str, overrides: Sequence[str] = (), spec: RobotSpec | None = None) -> habitat.Env:
    """A ``habitat.Env`` over an episode file; see :func:`config_of`."""
    from os.path import abspath

    config = config_of(abspath(episodes), overrides, spec)
    with no_image_lighting():
        return habitat.Env(config)
