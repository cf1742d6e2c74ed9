"""Colour, depth and instance images by ray casting (Open3D's RaycastingScene, Embree)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from embodied_mem.sim.house import House, Thing
from embodied_mem.sim.scene import SceneBuilder, Soup
from embodied_mem.types import Camera

_DAY = 86400.0
_LAMPS = ("desk lamp", "floor lamp")
_LIGHT_STEP = 1800.0
_SUNRISE, _SUNSET = 7 * 3600.0, 18 * 3600.0
# A held thing hangs in the lower middle of the image: its centre in the optical frame, metres. What is tall hangs
# lower and what is deep farther off, so that nothing hides more than the lower half.
_IN_HAND = (0.0, 0.17, 0.55)
_CLEAR = 0.45  # metres from the camera to the near side


class View(NamedTuple):
    """color uint8 H W 3; depth float32 H W, metres along the optical axis, 0 none; instance uint16 H W, 0 none."""

    color: np.ndarray
    depth: np.ndarray
    instance: np.ndarray


class _Scene:
    """A soup ready to be cast at: triangle normals and the scene of Open3D."""

    def __init__(self, soup: Soup) -> None:
        import open3d as o3d

        self.soup = soup
        self.cast = o3d.t.geometry.RaycastingScene()
        self.cast.add_triangles(o3d.core.Tensor(soup.vertices), o3d.core.Tensor(soup.triangles))
        a, b, c = (soup.vertices[soup.triangles[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        self.normals = (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)).astype(np.float32)


class Renderer:
    """Draws a house as the camera sees it. ``update`` shows it a changed house; nothing else changes a picture."""

    def __init__(self, house: House, camera: Camera) -> None:
        self.camera = camera
        self._builder = SceneBuilder()
        columns = (np.arange(camera.width) + 0.5 - camera.width / 2) / camera.focal
        rows = (np.arange(camera.height) + 0.5 - camera.height / 2) / camera.focal
        x, y = np.meshgrid(columns, rows)
        # The optical z of a ray is 1, so the length along the ray is the depth itself.
        self._rays = np.stack((x, y, np.ones_like(x)), axis=-1).reshape(-1, 3).astype(np.float32)
        self._length = np.linalg.norm(self._rays, axis=1)
        self._held: tuple[str, _Scene] | None = None
        self.update(house)

    @staticmethod
    def moment(time: float) -> int:
        """The light's step of the day: at times of one moment the same pose gives the same picture."""
        return int(time % _DAY // _LIGHT_STEP)

    def update(self, house: House) -> None:
        """Take over a house in which things moved, came, went or changed state."""
        self.house = house
        self._scene = _Scene(self._builder.build(house))
        self._light: tuple[int, np.ndarray] | None = None

    def render(self, base_to_world: np.ndarray, time: float, held: Thing | None = None) -> View:
        """The picture from a true 4×4 ``base_to_world`` at ``time`` (UTC s), with what the gripper holds in front."""
        camera_to_world = (base_to_world @ self.camera.to_base()).astype(np.float32)
        directions = self._rays @ camera_to_world[:3, :3].T
        depth, triangle = _cast(self._scene, camera_to_world[:3, 3], directions)
        color = self._shade(self._scene, triangle, directions, self._lit(time))
        instance = np.where(triangle >= 0, self._scene.soup.instance[triangle], 0).astype(np.uint16)
        if held is not None:
            self._draw_held(held, color, depth, instance)
        h, w = self.camera.height, self.camera.width
        return View(color.reshape(h, w, 3), depth.reshape(h, w), instance.reshape(h, w))

    def instances(self, bases_to_world: np.ndarray) -> np.ndarray:
        """The instance images alone (uint16 N H W) of N poses (N 4 4), empty-handed: as ``render`` sees them."""
        count = len(self._rays)
        origins = np.empty((len(bases_to_world), count, 3), np.float32)
        directions = np.empty_like(origins)
        for i, base_to_world in enumerate(bases_to_world):
            camera_to_world = (base_to_world @ self.camera.to_base()).astype(np.float32)
            directions[i] = self._rays @ camera_to_world[:3, :3].T
            origins[i] = camera_to_world[:3, 3]
        triangle = _cast(self._scene, origins.reshape(-1, 3), directions.reshape(-1, 3))[1]
        instance = np.where(triangle >= 0, self._scene.soup.instance[triangle], 0).astype(np.uint16)
        return instance.reshape(-1, self.camera.height, self.camera.width)

    def _draw_held(self, held: Thing, color: np.ndarray, depth: np.ndarray, instance: np.ndarray) -> None:
        """Compose the held thing over the picture, in place (flat arrays)."""
        key = repr(held)
        if self._held is None or self._held[0] != key:
            self._held = (key, _Scene(_in_hand(self._builder, held)))
        scene = self._held[1]
        near, triangle = _cast(scene, np.zeros(3, np.float32), self._rays)
        over = triangle >= 0
        color[over] = self._shade(scene, triangle, self._rays, 0.75 * scene.soup.colours)[over]
        depth[over] = near[over]
        instance[over] = held.id

    def _shade(self, scene: _Scene, triangle: np.ndarray, directions: np.ndarray, lit: np.ndarray) -> np.ndarray:
        """Colours (uint8 N 3) of hits: lit triangle colours times a headlight that follows the camera."""
        facing = np.abs(np.einsum("nk,nk->n", scene.normals.take(triangle, axis=0, mode="wrap"), directions))
        facing /= self._length
        facing *= np.float32(0.25)
        facing += np.float32(0.85)
        color = lit.take(triangle, axis=0, mode="wrap")
        color *= facing[:, None]
        color[triangle < 0] = 0
        np.minimum(color, 1, out=color)
        color *= np.float32(255)
        return color.astype(np.uint8)

    def _lit(self, time: float) -> np.ndarray:
        """Triangle colours under the light of that time: float32 T 3."""
        moment = self.moment(time)
        if self._light is None or self._light[0] != moment:
            self._light = (moment, self._lighten(moment * _LIGHT_STEP))
        return self._light[1]

    def _lighten(self, seconds: float) -> np.ndarray:
        soup, normals = self._scene.soup, self._scene.normals
        day = (seconds - _SUNRISE) / (_SUNSET - _SUNRISE)
        if 0 <= day <= 1:
            light = sunlight(normals, day)
            tint = np.tile(np.array([1.0, 1.0, 1.0], np.float32), (len(light), 1))
        else:
            light = 0.64 + 0.20 * np.abs(normals @ np.array([0.25, 0.35, 0.90], np.float32))
            warm = np.isin(soup.room, [o.room for o in (*self.house.furniture, *self.house.things) if _shines(o)])
            light = light + 0.08 * warm
            tint = np.where(warm[:, None], (1.06, 1.0, 0.90), (1.02, 1.0, 0.96)).astype(np.float32)
        light = np.where(soup.emissive, 1.0, light).astype(np.float32)
        return (soup.colours * light[:, None] * tint).astype(np.float32)


def sunlight(normals: np.ndarray, day: float) -> np.ndarray:
    """How bright faces are under the sun: float T in 0.62..0.95 of unit normals (T 3), either side; ``day``: the share
    of the time from sunrise (0) to sunset (1) that has passed."""
    angle = np.pi * (0.15 + 0.7 * day)
    sun = np.array([np.cos(angle), -0.55, np.sin(angle)], np.float32)
    return 0.62 + 0.33 * np.abs(normals @ (sun / np.linalg.norm(sun)))


def _shines(owner) -> bool:
    return owner.label in _LAMPS and owner.states.get("power") == "on"


def _cast(scene: _Scene, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (float32 N, 0 none) and triangle (int64 N, −1 none); one origin (3) for all rays, or N 3."""
    import open3d as o3d

    rays = np.empty((len(directions), 6), np.float32)
    rays[:, :3] = origin
    rays[:, 3:] = directions
    hits = scene.cast.cast_rays(o3d.core.Tensor.from_numpy(rays))
    depth = hits["t_hit"].numpy().copy()
    missed = ~np.isfinite(depth)
    triangle = hits["primitive_ids"].numpy().astype(np.int64)
    triangle[missed] = -1
    depth[missed] = 0
    return depth, triangle


def _in_hand(builder: SceneBuilder, held: Thing) -> Soup:
    """The held thing in the optical frame: upright (up is −y there), its front to the camera."""
    mesh = builder.mesh(held)
    x, y, z = mesh.vertices.T
    centre = (_IN_HAND[0], max(_IN_HAND[1], held.size[2] / 2), max(_IN_HAND[2], _CLEAR + held.size[1] / 2))
    vertices = np.stack((x, held.size[2] / 2 - z, y), axis=1) + np.array(centre, np.float32)
    count = len(mesh.triangles)
    return Soup(
        vertices.astype(np.float32), mesh.triangles.astype(np.uint32), mesh.colours.astype(np.float32),
        mesh.emissive, np.full(count, held.id, np.uint16), np.zeros(count, np.int16),
    )  # fmt: skip
