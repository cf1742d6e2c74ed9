"""An exported house read back by someone else's glTF reader (trimesh), as our Z-up arrays."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import trimesh

from embodied_mem.sim.habitat_frames import points_from_habitat, pose_of


class Mesh(NamedTuple):
    """vertices V 3 (m, Z up), triangles T 3, colours uint8 T 3."""

    vertices: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray


@functools.cache
def read(path: Path) -> dict[str, Mesh]:
    """node name → mesh; nobody writes to a file that a test has read."""
    scene = trimesh.load_scene(path, process=False)
    found = {}
    for name in scene.graph.nodes_geometry:
        to_world, geometry = scene.graph[name]
        assert np.array_equal(to_world, np.eye(4)), "nodes stand at the origin: their vertices say where things are"
        mesh = scene.geometry[geometry]
        found[name] = Mesh(points_from_habitat(mesh.vertices), np.asarray(mesh.faces), _colours(mesh))
    return found


def _colours(mesh: trimesh.Trimesh) -> np.ndarray:
    if not hasattr(mesh.visual, "material"):
        return np.asarray(mesh.visual.face_colors)[:, :3]
    texels = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB"))[0]
    which = np.floor(mesh.visual.uv[:, 0] * len(texels)).astype(int)[mesh.faces]
    assert (which == which[:, :1]).all(), "a triangle lies within one texel"
    return texels[which[:, 0]]


class Whole(NamedTuple):
    """A whole scene put together from its files: world vertices, triangles, colours, semantic id of each triangle."""

    vertices: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray
    ids: np.ndarray


def assemble(folder: Path, placements: dict[str, tuple], scene: str) -> Whole:
    """The stage (semantic id 1) and objects: ``placements`` maps names to (template, translation, rotation)."""
    stage = config(folder / "stages" / f"{scene}.stage_config.json")
    parts = [(m.vertices, m.triangles, m.colours, 1) for m in read(folder / "stages" / stage["render_asset"]).values()]
    for template, translation, rotation in placements.values():
        path = folder / "objects" / template
        look = config(path)
        (mesh,) = read(path.parent / look["render_asset"]).values()
        pose = pose_of(translation, rotation)
        parts.append((mesh.vertices @ pose[:3, :3].T + pose[:3, 3], mesh.triangles, mesh.colours, look["semantic_id"]))
    starts = np.cumsum([0, *(len(p[0]) for p in parts[:-1])])
    return Whole(
        np.concatenate([p[0] for p in parts]),
        np.concatenate([p[1] + s for p, s in zip(parts, starts, strict=True)]),
        np.concatenate([p[2] for p in parts]),
        np.concatenate([np.full(len(p[1]), p[3]) for p in parts]),
    )


def config(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
