"""Seeded houses in either simulator: the embedded one, or habitat-sim on an export that is made when it is needed."""

from __future__ import annotations

from pathlib import Path

from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.habitat import HabitatSimulator
from embodied_mem.sim.habitat_world import require_habitat
from embodied_mem.sim.protocol import RobotSpec

SIMULATORS = ("embedded", "habitat")


def require_simulator(name: str) -> None:
    """Before long work: raises InputError, which says how to install it, where a simulator cannot be had."""
    if name == "habitat":
        require_habitat()


def simulator_of_house(
    name: str, house: int, *, days: int, exports: Path | str, noise: NoiseConfig | None = None,
    sidecar: Sidecar | None = None, seed: int = 0, spec: RobotSpec | None = None,
) -> EmbeddedSimulator | HabitatSimulator:  # fmt: skip
    """A simulator to ``reset(house, ...)``, whose life is made for ``days`` patrol days.

    name: of ``SIMULATORS``; exports: the folder below which habitat's copy of the house is kept; the rest as for
    :class:`EmbeddedSimulator`. Raises InputError (at ``reset``) where habitat-sim is not installed.
    """
    if name == "embedded":
        return EmbeddedSimulator(noise=noise, sidecar=sidecar, seed=seed, spec=spec, days=days)
    return HabitatSimulator(str(exported(house, days, Path(exports))), noise, sidecar, seed, spec)


def exported(house: int, days: int, exports: Path) -> Path:
    """The scene dataset that holds this house alone, written now if it is not there; a killed export is done again."""
    from embodied_mem.sim.export.habitat import DATASET, export_house

    folder = exports / f"habitat-{house}-{days}"
    if not (folder / "scenes" / f"house-{house}.scene_instance.json").exists():
        export_house(house, folder, days)
    return folder / DATASET
