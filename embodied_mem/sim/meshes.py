"""Meshes by label: the one door for the renderer.

Local frame: origin at the centre of the base, Z up, front −y; everything lies within the given size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from embodied_mem.ontology import COLOURS
from embodied_mem.sim.catalog import Size, find_asset
from embodied_mem.sim.house import Furniture, Thing
from embodied_mem.sim.mesh_belongings import BELONGING_SHAPES
from embodied_mem.sim.mesh_fixtures import FIXTURE_SHAPES
from embodied_mem.sim.mesh_furniture import FURNITURE_SHAPES
from embodied_mem.sim.mesh_homeware import HOMEWARE_SHAPES
from embodied_mem.sim.mesh_household import HOUSEHOLD_SHAPES
from embodied_mem.sim.mesh_primitives import RGB, MeshBuilder, TriangleSoup
from embodied_mem.sim.mesh_tableware import TABLEWARE_SHAPES, Look

_THING_SHAPES = {**TABLEWARE_SHAPES, **BELONGING_SHAPES, **HOMEWARE_SHAPES, **HOUSEHOLD_SHAPES}

# material → (colour mixed in, share); slight, so that the colour's name stays the same.
_TINTS: dict[str, tuple[RGB, float]] = {
    "wood": ((0.45, 0.30, 0.15), 0.06),
    "metal": ((0.62, 0.64, 0.68), 0.10),
    "glass": ((0.75, 0.88, 0.95), 0.10),
    "fabric": ((0.50, 0.50, 0.50), 0.05),
    "paper": ((0.93, 0.90, 0.80), 0.05),
    "leather": ((0.15, 0.08, 0.04), 0.10),
    "rubber": ((0.10, 0.10, 0.10), 0.08),
    "wicker": ((0.60, 0.45, 0.25), 0.10),
}


def body_colour(colour: str, material: str = "") -> RGB:
    """RGB in 0..1 of a colour name, tinted slightly by the material; KeyError for an unknown colour."""
    rgb = COLOURS[colour]
    other, share = _TINTS.get(material, (rgb, 0.0))
    return (
        rgb[0] + share * (other[0] - rgb[0]),
        rgb[1] + share * (other[1] - rgb[1]),
        rgb[2] + share * (other[2] - rgb[2]),
    )


def mesh_of(
    label: str,
    asset: str,
    size: Size,
    colour: str,
    material: str = "",
    print: str = "plain",
    states: Mapping[str, str] | None = None,
    shape: str = "",
) -> TriangleSoup:
    """The mesh of a thing or a piece of furniture in its local frame.

    asset: ``"sofa/two-seater"`` for furniture, ignored for things; colour, material, print, shape, states as in
    ontology. KeyError for an unknown label or colour.
    """
    builder, rgb, known = MeshBuilder(), body_colour(colour, material), dict(states or {})
    if label in _THING_SHAPES:
        _THING_SHAPES[label](builder, size, rgb, Look(print, shape, known))
        return _within(builder.build(), size)
    style = find_asset(asset or label).name.partition("/")[2]
    if label in FIXTURE_SHAPES:
        FIXTURE_SHAPES[label](builder, size, rgb, style, known.get("power") == "on")
    else:
        FURNITURE_SHAPES[label](builder, size, rgb, style)
    return _within(builder.build(), size)


def _within(soup: TriangleSoup, size: Size) -> TriangleSoup:
    """Rods and rounded rims may stand out by a few millimetres: press them flat against the size box."""
    x, y, z = size
    return replace(soup, vertices=np.clip(soup.vertices, (-x / 2, -y / 2, 0), (x / 2, y / 2, z)).astype(np.float32))


def furniture_mesh(piece: Furniture) -> TriangleSoup:
    """The mesh of a piece of furniture in its local frame (turn by ``yaw`` and move to x, y to place it)."""
    return mesh_of(piece.label, piece.asset, piece.size, piece.colour, piece.material, states=piece.states)


def thing_mesh(thing: Thing) -> TriangleSoup:
    """The mesh of a thing in its local frame (turn by ``yaw`` and move to x, y, z to place it)."""
    look = thing.attributes
    return mesh_of(
        thing.label,
        "",
        thing.size,
        look["colour"],
        look.get("material", ""),
        look.get("print", "plain"),
        thing.states,
        look.get("shape", ""),
    )
