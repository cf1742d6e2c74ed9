"""The parts of a house as glTF nodes: the building in the world, furniture and things each in their own frame.

Everything is turned to Y up here. Light is baked into the colours: the embedded renderer's sun at noon, which stands
still, and the mean of the headlight that follows its camera.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from embodied_mem.sim.export.gltf import Node
from embodied_mem.sim.habitat_frames import points_to_habitat
from embodied_mem.sim.house import Furniture, House, Rect, Thing
from embodied_mem.sim.layout import contains
from embodied_mem.sim.render import sunlight
from embodied_mem.sim.scene import SceneBuilder, placed

_NOON = 5 / 11  # the share of the day from 7 to 18 o'clock
_HEADLIGHT = 1.03  # its mean over the pixels of a house
_ASIDE = 0.01  # metres in front of a wall


def name_of(owner: Furniture | Thing) -> str:
    """``mug-01003``: unique in a house, and never part of another one's name (habitat-sim looks for substrings)."""
    return f"{owner.label.replace(' ', '_')}-{owner.id:05d}"


def building(house: House) -> list[Node]:
    """Floors, ceilings and walls of every room and the door frames: nodes in the world, seen from inside only."""
    soup = SceneBuilder().build(replace(house, furniture=(), things=()))
    triangles = _facing_inwards(house, soup.vertices, soup.triangles)
    normals = _normals(soup.vertices, triangles)
    colours = _shown(soup.colours, soup.emissive, normals)
    part = np.where(normals[:, 2] > 0.5, 0, np.where(normals[:, 2] < -0.5, 1, 2))
    nodes = []
    for room in house.rooms:
        for k, name in enumerate(("floor", "ceiling", "walls")):
            nodes.append(_node(f"{name} of the {room.label}", soup.vertices, triangles, colours,
                               (soup.room == room.id) & (part == k)))  # fmt: skip
    nodes.append(_node("door frames", soup.vertices, triangles, colours, soup.room == 0))
    return [node for node in nodes if len(node.triangles)]


def body(builder: SceneBuilder, owner: Furniture | Thing) -> Node:
    """A piece of furniture or a thing in its own frame (origin at the centre of its base), seen from all sides."""
    mesh = builder.mesh(owner)
    # Furniture never turns, so its light is that of where it stands; a thing's is that of yaw 0.
    yaw = owner.yaw if isinstance(owner, Furniture) else 0.0
    normals = _normals(placed(mesh.vertices, 0, 0, 0, yaw), mesh.triangles)
    colours = _shown(mesh.colours, mesh.emissive, normals)
    node = _node(name_of(owner), mesh.vertices, mesh.triangles, colours, np.ones(len(mesh.triangles), bool))
    return node.seen_from_both_sides()


def obstacle(piece: Furniture) -> Node:
    """The box that a robot bumps into, in the piece's own frame: four sides and a lid.

    The lid looks down, so that no navigation mesh takes it for a floor; underneath there is no headroom.
    """
    w, d, h = piece.size[0] / 2, piece.size[1] / 2, piece.size[2]
    floor = [(-w, -d), (w, -d), (w, d), (-w, d)]
    corners = np.array([(x, y, z) for z in (0.0, h) for x, y in floor])
    sides = [t for i in range(4) for j in [(i + 1) % 4] for t in ((i, j, j + 4), (i, j + 4, i + 4))]
    triangles = np.array([*sides, (4, 6, 5), (4, 7, 6)])
    return Node(f"{name_of(piece)} obstacle", points_to_habitat(corners), triangles, np.zeros((10, 3), np.uint8))


def _node(name: str, vertices: np.ndarray, triangles: np.ndarray, colours: np.ndarray, chosen: np.ndarray) -> Node:
    """The chosen triangles with the vertices that they use."""
    used, index = np.unique(triangles[chosen], return_inverse=True)
    return Node(name, points_to_habitat(vertices[used]), index.reshape(-1, 3), colours[chosen])


def _normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[triangles[:, k]].astype(float) for k in range(3))
    normals = np.cross(b - a, c - a)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _shown(colours: np.ndarray, emissive: np.ndarray, normals: np.ndarray) -> np.ndarray:
    light = _HEADLIGHT * np.where(emissive, 1.0, sunlight(normals, _NOON))
    return np.rint(np.clip(colours * light[:, None], 0, 1) * 255).astype(np.uint8)


def _facing_inwards(house: House, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Floors look up, ceilings down, walls into their room, door posts into the doorway."""
    rooms, doors = [r.rect for r in house.rooms], [d.rect for d in house.doors]
    normals, centres = _normals(vertices, triangles), vertices[triangles].mean(axis=1)
    turned = triangles.copy()
    for i, (normal, centre) in enumerate(zip(normals, centres, strict=True)):
        if abs(normal[2]) > 0.5:
            inwards = math.copysign(1, normal[2]) == (1 if centre[2] < house.wall_height / 2 else -1)
        else:
            before, behind = (centre[:2] + side * _ASIDE * normal[:2] for side in (1, -1))
            # What is above a door has the room before it and the doorway behind it: rooms come first.
            inwards = _in_any(rooms, before) or (_in_any(doors, before) and not _in_any(rooms, behind))
        if not inwards:
            turned[i] = turned[i, ::-1]
    return turned


def _in_any(rects: list[Rect], xy: np.ndarray) -> bool:
    return any(contains(rect, xy) for rect in rects)
