"""What a house is: rooms, doors, furniture with surfaces, movable things. Plain data, no geometry engine.

Metres, world frame, Z up; all rectangles are axis-aligned ``(x0, y0, x1, y1)``.
Ids are unique over the whole house and are what the instance image holds (uint16): 0 nothing,
1 structure (walls, floor, ceiling), furniture from 100, movable things from 1000.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class Door:
    """An opening 0.9 m wide between two rooms; ``rect`` is the opening's floor area through the wall."""

    rooms: tuple[int, int]
    rect: Rect


@dataclass(frozen=True)
class Room:
    """A room; ``label`` is its type (``"kitchen"``) and is unique in a house. ``rect`` is its inner floor."""

    id: int
    label: str
    rect: Rect


@dataclass(frozen=True)
class Surface:
    """A named place to put things: a horizontal rectangle at height ``z`` with ``headroom`` above it.

    ``name`` is what a person would say: the furniture's label, or for furniture with several levels
    the label with the level: ``"bookcase"`` → ``"upper shelf of the bookcase"``.
    """

    furniture: int
    name: str
    rect: Rect
    z: float
    headroom: float


@dataclass(frozen=True)
class Furniture:
    """A piece of furniture: instance of an ``asset`` of the catalogue, with its pose and surfaces.

    ``yaw`` is a multiple of π/2; the asset's front is its local −y; ``size`` is x, y, z before the turn.
    ``states``/``attributes`` as for :class:`Thing` (an oven is on or off, a window open or closed).
    """

    id: int
    asset: str
    label: str
    room: int
    x: float
    y: float
    yaw: float
    size: tuple[float, float, float]
    colour: str
    material: str
    surfaces: tuple[Surface, ...] = ()
    states: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Thing:
    """A movable object, where it is and in which state. ``attributes``: colour, material, print, shape.

    ``x, y, z`` is the centre of its base; ``size`` its extents; ``surface`` the name of the surface
    under it (``"floor"`` on the floor), ``furniture`` that surface's owner (0: floor), ``room`` a Room id.
    """

    id: int
    label: str
    attributes: dict[str, str]
    size: tuple[float, float, float]
    x: float
    y: float
    z: float
    yaw: float
    room: int
    furniture: int
    surface: str
    states: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class House:
    """A seeded house with the things in it at one moment. Fixed: rooms, doors, furniture. Moving: ``things``."""

    seed: int
    rooms: tuple[Room, ...]
    doors: tuple[Door, ...]
    furniture: tuple[Furniture, ...]
    things: tuple[Thing, ...]
    wall_height: float = 2.6

    def room(self, room_id: int) -> Room:
        return next(r for r in self.rooms if r.id == room_id)

    def piece(self, furniture_id: int) -> Furniture:
        return next(f for f in self.furniture if f.id == furniture_id)
