"""Records all patrols of a house into one palace, with what only scorers may know in files beside it.

    FOLDER/palace/         what agents get
    FOLDER/sidecar/        instance images for the simulated detector
    FOLDER/seen/v000.npz   what the camera truly saw, a file a visit, written when the visit is through
    FOLDER/visits.json     first and last second of each visit
    FOLDER/log.json        the event log, three days beyond the question included
    FOLDER/manifest.json   written last: the recording is complete

A killed recording goes on with the visit that it was in.
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

from embodied_mem.errors import InputError, PalaceError
from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.recorder import Recorder
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.houses import simulator_of_house
from embodied_mem.sim.life import Life
from embodied_mem.sim.log import EventLog
from embodied_mem.sim.protocol import RobotSpec, Simulator
from embodied_mem.sim.schedule import question_time, rng_of, visit_times
from embodied_mem.tasks.la_eqa.generate import generate_items
from embodied_mem.tasks.la_eqa.items import Item, save_items
from embodied_mem.tasks.la_eqa.patrol import Patrol, plan_patrol
from embodied_mem.tasks.la_eqa.seen import Seen, pixels_of, table_of
from embodied_mem.tasks.la_eqa.world import Stop, World
from embodied_mem.types import Camera, Frame

VERSION = 2  # raise it whenever the simulator, perception or memory change what a recording holds
STARTS = 3
Status = Callable[[str], None]


@dataclass(frozen=True)
class Recording:
    """A complete recording of house ``seed`` over ``days`` days."""

    folder: Path
    seed: int
    days: int

    @property
    def palace(self) -> Path:
        return self.folder / "palace"

    @property
    def sidecar(self) -> Path:
        return self.folder / "sidecar"

    def log(self) -> EventLog:
        return EventLog.from_json(json.loads((self.folder / "log.json").read_text()))

    def stops(self) -> list[Stop]:
        raw = json.loads((self.folder / "visits.json").read_text())
        return [Stop(visit, start, end) for visit, (start, end) in sorted(raw.items())]

    def seen(self) -> Seen:
        return Seen({stop.id: Seen.load(_seen_path(self.folder, stop.id)).table(stop.id) for stop in self.stops()})


def record_house(
    seed: int, days: int, folder: Path | str, noise: NoiseConfig | None = None, status: Status = lambda text: None,
    simulator: str = "embedded",
) -> Recording:  # fmt: skip
    """Record the patrols of days 0 .. days−1 of a house, or find them recorded.

    simulator: the name of one of ``sim.houses``. Raises InputError where the folder holds a recording of something
    else.
    """
    folder, noise = Path(folder), noise or NoiseConfig()
    digest = digest_of(seed, days, noise, simulator)
    recording = Recording(folder, seed, days)
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, digest)
    if (folder / "manifest.json").exists():
        return recording
    status("planning the patrol")
    house = generate_house(seed)
    patrol = plan_patrol(house)
    sidecar = Sidecar(recording.sidecar)
    sim = simulator_of_house(
        simulator, seed, days=days, exports=folder.parent, noise=noise, sidecar=sidecar, seed=seed
    )
    palace, done = _resume(recording)
    recorder = Recorder(palace, SimulatedDetector(sidecar, noise, seed))
    for visit, start in visit_times(seed, days):
        if visit not in done:
            frames = _frames(sim, sidecar, patrol, seed, visit, start, folder)
            recorder.record(
                visit, frames,
                progress=lambda n, v=visit: status(f"recording {v} of {days}, frame {n}/{patrol.frames}"),
            )  # fmt: skip
    palace.close()
    _write(folder / "log.json", Life(house, seed, days).log.to_json())
    _write(folder / "manifest.json", {"seed": seed, "days": days, "frames": patrol.frames, "digest": digest})
    return recording


def _frames(
    simulator: Simulator, sidecar: Sidecar, patrol: Patrol, seed: int, visit: str, start: float, folder: Path
) -> Iterator[Frame]:
    """The frames of one patrol; notes what each truly shows and keeps that before the visit is committed."""
    shown: list[dict[int, int]] = []
    frame = simulator.reset(seed, visit=visit, time=start, start=patrol.start)
    for action in (*patrol.actions, None):
        shown.append(pixels_of(sidecar.get(frame.ref)[0]))
        yield frame
        last = frame.time
        if action is not None:
            frame = simulator.step(action)
    path = _seen_path(folder, visit)
    path.parent.mkdir(exist_ok=True)
    Seen({visit: table_of(shown)}).save(path)
    visits = folder / "visits.json"
    known = json.loads(visits.read_text()) if visits.exists() else {}
    _write(visits, {**known, visit: [start, last]})


def _resume(recording: Recording) -> tuple[MindPalace, set[str]]:
    """The palace as far as it was recorded, and the visits that are complete in it and beside it."""
    try:
        palace = MindPalace.open(recording.palace)
    except PalaceError:
        shutil.rmtree(recording.palace, ignore_errors=True)
        return MindPalace.create(recording.palace), set()
    done = {v.id for v in palace.visits() if v.end is not None}
    if missing := [v for v in sorted(done) if not _seen_path(recording.folder, v).exists()]:
        raise InputError(f"{recording.folder}: visits {missing} lack their file under seen/; remove the folder")
    return palace, done


def _claim(folder: Path, digest: str) -> None:
    """Refuse to mix two recordings in one folder."""
    path = folder / "recording.json"
    if not path.exists():
        _write(path, {"digest": digest})
    elif json.loads(path.read_text()).get("digest") != digest:
        raise InputError(f"{folder} holds a recording of other days, noise or version; remove it or use another cache")


def digest_of(seed: int, days: int, noise: NoiseConfig, simulator: str = "embedded") -> str:
    """What a recording depends on, in 16 hexadecimal digits."""
    plain = {"version": VERSION, "seed": seed, "days": days, "noise": asdict(noise), "camera": asdict(Camera())}
    if simulator != "embedded":
        plain["simulator"] = simulator
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _seen_path(folder: Path, visit: str) -> Path:
    return folder / "seen" / f"{visit}.npz"


def _write(path: Path, content: dict) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(content, sort_keys=True))
    os.replace(temporary, path)


# -- questions ---------------------------------------------------------------------------------------------------------


def world_of(recording: Recording) -> World:
    """What questions about a recording are made from; renders the present from all over the house (seconds)."""
    from embodied_mem.sim.render import Renderer
    from embodied_mem.tasks.la_eqa.floor import free_floor
    from embodied_mem.tasks.la_eqa.present import SHRINK, lattice, look_around

    log, now = recording.log(), question_time(recording.seed, recording.days)
    spec = RobotSpec()
    camera = Camera(spec.camera.width // SHRINK, spec.camera.height // SHRINK)
    grid = free_floor(log.initial, spec.radius_m + 0.02)
    spots = lattice(grid)
    present = look_around(Renderer(log.state_at(now), camera), grid, spots, now)
    return World(
        recording.seed, log, recording.stops(), now, recording.seen(), present, start_poses(recording.seed, spots)
    )


def start_poses(seed: int, spots: np.ndarray) -> list[tuple[float, float, float]]:
    """Three seeded poses (x, y, yaw) on the lattice, from which questions are asked."""
    rng = rng_of(seed, "la_eqa", "starts")
    chosen = rng.choice(len(spots), size=min(STARTS, len(spots)), replace=False)
    turn = RobotSpec().turn_rad
    return [
        (round(float(spots[i][0]), 4), round(float(spots[i][1]), 4), round(int(rng.integers(-11, 13)) * turn, 6))
        for i in sorted(chosen)
    ]


def items_of(recording: Recording, questions: int) -> list[Item]:
    """The questions of a recording; also kept as ``items.json`` beside it."""
    items = generate_items(world_of(recording), questions)
    save_items(recording.folder / "items.json", items, house=recording.seed, days=recording.days)
    return items
