"""One triangle soup of a whole house in world coordinates, with an instance id and a room for every triangle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from embodied_mem.sim.house import Furniture, House, Room, Thing
from embodied_mem.sim.layout import contains, wall_cells
from embodied_mem.sim.mesh_primitives import TriangleSoup
from embodied_mem.sim.meshes import furniture_mesh, thing_mesh

STRUCTURE = 1
# Wall and floor tints by room, pale enough that nobody takes a wall for a thing.
_WALLS = {
    "living room": (0.90, 0.87, 0.80), "kitchen": (0.88, 0.89, 0.84), "dining room": (0.90, 0.85, 0.80),
    "bedroom": (0.83, 0.86, 0.90), "kids room": (0.90, 0.88, 0.76), "guest room": (0.86, 0.84, 0.89),
    "bathroom": (0.80, 0.88, 0.90), "study": (0.84, 0.88, 0.82), "laundry room": (0.86, 0.88, 0.88),
    "hallway": (0.89, 0.88, 0.86),
}  # fmt: skip
_FLOORS = {
    "kitchen": (0.66, 0.63, 0.58), "bathroom": (0.62, 0.66, 0.68), "laundry room": (0.64, 0.65, 0.64),
    "hallway": (0.61, 0.55, 0.48),
}  # fmt: skip
_WOOD_FLOOR = (0.64, 0.54, 0.43)
_JAMB = (0.80, 0.77, 0.72)
_CEILING = (0.95, 0.95, 0.94)


@dataclass(frozen=True)
class Soup:
    """vertices float32 V 3 (world m); triangles uint32 T 3; colours float32 T 3; emissive bool T;
    instance uint16 T; room int16 T (0 between rooms)."""

    vertices: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray
    emissive: np.ndarray
    instance: np.ndarray
    room: np.ndarray


class SceneBuilder:
    """Puts houses together; keeps the meshes it made, so that moving a mug costs only the mug."""

    def __init__(self) -> None:
        self._meshes: dict[tuple, TriangleSoup] = {}
        self._structure: tuple[tuple, list] | None = None

    def build(self, house: House) -> Soup:
        """The whole house: structure, furniture and things."""
        plan = (house.rooms, house.doors, house.wall_height)
        if self._structure is None or self._structure[0] != plan:
            self._structure = (plan, _structure(house))
        parts = list(self._structure[1])
        for owner in (*house.furniture, *house.things):
            mesh = self.mesh(owner)
            z = owner.z if isinstance(owner, Thing) else 0.0
            vertices = placed(mesh.vertices, owner.x, owner.y, z, owner.yaw)
            parts.append((vertices, mesh.triangles, mesh.colours, mesh.emissive, owner.id, owner.room))
        return _merge(parts)

    def mesh(self, owner: Thing | Furniture) -> TriangleSoup:
        """The local mesh of a thing or a piece of furniture, cached by everything that shapes it."""
        states = tuple(sorted(owner.states.items()))
        if isinstance(owner, Thing):
            key = (owner.label, owner.size, tuple(sorted(owner.attributes.items())), states)
        else:
            key = (owner.asset, owner.size, owner.colour, owner.material, states)
        if key not in self._meshes:
            self._meshes[key] = thing_mesh(owner) if isinstance(owner, Thing) else furniture_mesh(owner)
        return self._meshes[key]


def placed(vertices: np.ndarray, x: float, y: float, z: float, yaw: float) -> np.ndarray:
    """Local vertices (V 3) turned by ``yaw`` and moved: float32 V 3 in the world."""
    c, s = math.cos(yaw), math.sin(yaw)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)
    return (vertices @ turn + np.array([x, y, z], np.float32)).astype(np.float32)


def _structure(house: House) -> list[tuple]:
    """Floors, ceilings and those faces of the walls that a camera in the house can see."""
    parts = []
    for room in house.rooms:
        x0, y0, x1, y1 = room.rect
        for z, colour in ((0.0, _FLOORS.get(room.label, _WOOD_FLOOR)), (house.wall_height, _CEILING)):
            corners = [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]
            parts.append(_quad(corners, colour, room.id))
    for door in house.doors:
        x0, y0, x1, y1 = door.rect
        parts.append(_quad([(x0, y0, 0.0), (x1, y0, 0.0), (x1, y1, 0.0), (x0, y1, 0.0)], _JAMB, 0))
    for box in wall_cells(house.rooms, house.doors, house.wall_height):
        parts += _wall_faces(box, house)
    return parts


def _wall_faces(box: tuple, house: House) -> list[tuple]:
    x0, y0, z0, x1, y1, z1 = box
    mx, my, step = (x0 + x1) / 2, (y0 + y1) / 2, 0.01
    sides = [
        ((x0 - step, my), [(x0, y0, z0), (x0, y1, z0), (x0, y1, z1), (x0, y0, z1)]),
        ((x1 + step, my), [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)]),
        ((mx, y0 - step), [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)]),
        ((mx, y1 + step), [(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)]),
    ]
    faces = []
    for outside, corners in sides:
        room = _room_at(house.rooms, outside)
        if room is not None:
            faces.append(_quad(corners, _WALLS[room.label], room.id))
        elif any(contains(d.rect, outside) for d in house.doors):
            faces.append(_quad(corners, _JAMB, 0))
    if z0 > 0:  # the lintel seen from below
        faces.append(_quad([(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)], _JAMB, 0))
    return faces


def _room_at(rooms: tuple[Room, ...], xy: tuple[float, float]) -> Room | None:
    return next((r for r in rooms if contains(r.rect, xy)), None)


def _quad(corners: list, colour: tuple, room: int) -> tuple:
    triangles = np.array([(0, 1, 2), (0, 2, 3)], np.int32)
    colours = np.tile(np.array(colour, np.float32), (2, 1))
    return np.array(corners, np.float32), triangles, colours, np.zeros(2, bool), STRUCTURE, room


def _merge(parts: list[tuple]) -> Soup:
    starts = np.cumsum([0, *(len(p[0]) for p in parts[:-1])])
    counts = [len(p[1]) for p in parts]
    return Soup(
        vertices=np.concatenate([p[0] for p in parts]),
        triangles=np.concatenate([p[1] + s for p, s in zip(parts, starts, strict=True)]).astype(np.uint32),
        colours=np.concatenate([p[2] for p in parts]).astype(np.float32),
        emissive=np.concatenate([p[3] for p in parts]),
        instance=np.repeat(np.array([p[4] for p in parts], np.uint16), counts),
        room=np.repeat(np.array([p[5] for p in parts], np.int16), counts),
    )
