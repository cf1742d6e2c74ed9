"""Where the objects of a habitat scene are at a time: as its life or its file says, but for what was touched since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from embodied_mem.sim.export.life import SceneLife
from embodied_mem.sim.habitat_objects import Spot, spots_of

_FIRST_PATROL = 1803891600.0  # 2027-03-01 09:00 UTC, a Monday: when a visit begins where nothing else is known


class SceneState:
    """The objects of one scene.

    life     of an exported house; None: nothing happens there by itself
    resting  name → where its file puts the objects, for a scene without life
    """

    def __init__(self, life: SceneLife | None, resting: Mapping[str, Spot] | None = None) -> None:
        self.life = life
        self._placed: Mapping | None = resting if life is None else None
        self._still: Mapping[str, Spot] = resting if life is None else {}
        self._now: Mapping[str, Spot] = self._still
        self._touched: dict[str, Spot | None] = {}

    @property
    def begins(self) -> float:
        """UTC seconds of a visit for which no other time is given."""
        return self.life.visits[0][1] if self.life is not None and self.life.visits else _FIRST_PATROL

    def at(self, time: float) -> Mapping[str, Spot]:
        """name → spot of everything that is there at ``time`` (UTC s); the same mapping as long as nothing changes."""
        placed = self._placed if self.life is None else self.life.state_at(time)
        if placed is not self._placed:
            self._placed, self._still = placed, spots_of(placed)
            self._mix()
        return self._now

    def touch(self, name: str, spot: Spot | None) -> None:
        """Have an object there from now on, whatever its life says (None: nowhere); a new name adds one."""
        self._touched[name] = spot
        self._mix()

    def forget(self) -> None:
        """Undo what was touched."""
        if self._touched:
            self._touched = {}
            self._mix()

    def _mix(self) -> None:
        mixed = {**self._still, **self._touched}
        self._now = {n: s for n, s in mixed.items() if s is not None} if self._touched else self._still


def scene_name(dataset: str, scene: int | str) -> str:
    """What habitat calls a scene: the seed of an exported house becomes ``house-SEED``, all else stays."""
    exported = isinstance(scene, int) or (scene.isdigit() and (Path(dataset).parent / "life").is_dir())
    return f"house-{scene}" if exported else scene  # HSSD's scenes are called by numbers as well


def life_of(dataset: str, scene: str) -> SceneLife | None:
    """The life beside the dataset of an exported house; None for every other scene."""
    file = Path(dataset).parent / "life" / f"{scene}.json"
    return SceneLife.open(file) if dataset != "default" and file.is_file() else None
