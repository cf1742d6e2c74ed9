"""The fan as the embedded simulator's ray caster sees it: dense vertical slices through the meshes of a house."""

from __future__ import annotations

import math

import numpy as np

from embodied_mem.sim.house import House
from embodied_mem.sim.scene import STRUCTURE, SceneBuilder
from embodied_mem.sim.vector.fan import RAYS
from embodied_mem.sim.vector.plans import CAMERA, DOOR_FRAME, KINDS, WALLS, Plan, plan_of

_SLOPES = np.radians(np.arange(-80, 0.01, 0.25))
_NUMBER = {label: i for i, label in enumerate(KINDS)}


class FanTruth:
    """Slices of one house, in the frame of its plan."""

    def __init__(self, house: House) -> None:
        import open3d as o3d

        self.plan: Plan = plan_of(house)
        soup = SceneBuilder().build(house)
        vertices = soup.vertices.astype(float)
        zero, one = (self.plan.from_world(house, *xy, 0.0) for xy in ((0, 0), (1, 0)))
        c, s = one[0] - zero[0], one[1] - zero[1]
        vertices[:, :2] = vertices[:, :2] @ np.array([[c, s], [-s, c]]) + zero[:2]
        self._cast = o3d.t.geometry.RaycastingScene()
        self._cast.add_triangles(o3d.core.Tensor(vertices.astype(np.float32)), o3d.core.Tensor(soup.triangles))
        self._instance = soup.instance
        self._kind = np.zeros(70_000, int)
        for owner in (*house.furniture, *house.things):
            self._kind[owner.id] = _NUMBER[owner.label]
        self._frames = self.plan.solids[self.plan.kinds == DOOR_FRAME]

    def look(self, x: float, y: float, heading: int) -> np.ndarray:
        """first, its kind, second, its kind: float 64 × 4."""
        turn = math.radians(30) * heading + math.radians(60) - (np.arange(RAYS) + 0.5) * math.radians(120) / RAYS
        turn, slope = turn[:, None], _SLOPES[None, :]
        ray = np.stack([np.cos(turn) * np.cos(slope), np.sin(turn) * np.cos(slope), np.sin(slope) + 0 * turn], -1)
        rays = np.concatenate([np.broadcast_to([x, y, CAMERA], ray.shape), ray], -1).astype(np.float32)
        hit = self._cast.cast_rays(rays.reshape(-1, 6))
        reach = hit["t_hit"].numpy().reshape(ray.shape[:2])
        triangle = hit["primitive_ids"].numpy().reshape(ray.shape[:2]).astype(np.int64)
        instance = np.where(np.isfinite(reach), self._instance[np.clip(triangle, 0, len(self._instance) - 1)], 0)
        gap, z = np.minimum(reach, 99) * np.cos(slope), CAMERA + np.minimum(reach, 99) * np.sin(slope)
        kind = self._kind[instance]
        wall = (instance == STRUCTURE) & (z > 0.01)
        kind[wall] = self._wall((x + gap * np.cos(turn))[wall], (y + gap * np.sin(turn))[wall])
        return np.array([_slice(g, k, i) for g, k, i in zip(gap, kind, instance, strict=True)])

    def _wall(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        r, edge = self._frames, 0.01
        inside = (x[:, None] > r[:, 0] - edge) & (x[:, None] < r[:, 2] + edge) & (y[:, None] > r[:, 1] - edge)
        return np.where((inside & (y[:, None] < r[:, 3] + edge)).any(1), DOOR_FRAME, WALLS)


def _slice(gap: np.ndarray, kind: np.ndarray, instance: np.ndarray) -> tuple[float, int, float, int]:
    solid, thing = (kind > 0) & (instance < 1000), instance >= 1000
    near = int(np.argmin(np.where(solid, gap, np.inf)))
    if thing.any():
        at = int(np.argmin(np.where(thing, gap, np.inf)))
        if gap[at] < gap[near]:
            return gap[at], kind[at], gap[near], kind[near]
        return gap[near], kind[near], gap[at], kind[at]
    if instance[-1] != instance[near]:
        return gap[near], kind[near], gap[-1], kind[-1]
    return gap[near], kind[near], 0.0, 0
