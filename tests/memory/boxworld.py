"""A world of boxes seen through numpy slabs: two furnished rooms, things on the furniture, a robot that spins in them
or carries one of them about.

Enough to record real visits (depth, occlusion, noise, misses) without the simulator.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from embodied_mem.ontology import COLOURS, FURNITURE, THINGS
from embodied_mem.perception.hand import HAND
from embodied_mem.perception.noise import NoiseConfig, noisy_depth, noisy_pose
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.types import Camera, Frame, FrameRef, planar_pose

CAMERA = Camera(width=160, height=120)
DAY = 86400.0
# id: label, colour, x, y. The kitchen is x 0..4, the living room x 4.1..9; a door at y 1.5..2.4 joins them.
FURNITURE_AT = {
    100: ("kitchen counter", "grey", 1.2, 3.65),
    101: ("dining table", "brown", 2.0, 1.9),
    102: ("stove", "white", 2.6, 3.65),
    103: ("sofa", "blue", 6.5, 0.5),
    104: ("coffee table", "brown", 6.5, 1.9),
    105: ("bookcase", "brown", 8.0, 3.8),
}
STOPS = ((1.0, 1.0), (2.4, 2.9), (3.2, 1.9), (5.0, 2.0), (6.5, 2.9), (7.9, 1.6), (5.2, 1.0))


def thing(label: str, colour: str, x: float, y: float, z: float) -> tuple:
    """A thing whose base centre stands at x, y, z."""
    return label, colour, x, y, z


def day_one() -> dict[int, tuple]:
    """Where things stand on the first day, by instance id."""
    return {
        1000: thing("mug", "red", 1.8, 1.8, 0.75),
        1001: thing("kettle", "white", 1.1, 3.5, 0.9),
        1002: thing("book", "green", 6.3, 1.9, 0.42),
        1003: thing("ball", "orange", 5.2, 3.2, 0.0),
        1004: thing("vase", "blue", 2.3, 2.0, 0.75),
    }


def boxes(things: dict[int, tuple]) -> dict[int, tuple]:
    """id → label, rgb, low, high of everything, walls and floor with id 1."""
    walls = [(0, 0, -0.1, 9, 4, 0), (-0.1, 0, 0, 0, 4, 2.6), (9, 0, 0, 9.1, 4, 2.6), (0, -0.1, 0, 9, 0, 2.6),
             (0, 4, 0, 9, 4.1, 2.6), (4, 0, 0, 4.1, 1.5, 2.6), (4, 2.4, 0, 4.1, 4, 2.6)]  # fmt: skip
    out = {-i: ("wall", (0.8, 0.8, 0.75), np.array(w[:3], float), np.array(w[3:], float)) for i, w in enumerate(walls)}
    placed = {i: (label, colour, x, y, 0.0, FURNITURE) for i, (label, colour, x, y) in FURNITURE_AT.items()}
    placed |= {i: (*one, THINGS) for i, one in things.items()}
    for i, (label, colour, x, y, z, kinds) in placed.items():
        size = np.array(kinds[label].size)
        base = np.array((x, y, z))
        shrink = size * (0.5, 0.5, 0)
        out[i] = (label, COLOURS[colour], base - shrink, base + shrink + (0, 0, size[2]))
    return out


def render(world: dict[int, tuple], camera_to_map: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour uint8, depth float32, instance uint16 images of boxes."""
    h, w = CAMERA.height, CAMERA.width
    u, v = np.meshgrid(np.arange(w) + 0.5 - w / 2, np.arange(h) + 0.5 - h / 2)
    rays = np.stack((u / CAMERA.focal, v / CAMERA.focal, np.ones_like(u)), axis=-1) @ camera_to_map[:3, :3].T
    rays = np.moveaxis(rays, -1, 0).copy()  # axis by axis: some 7 times as fast as .max(axis=-1) of three
    eye = camera_to_map[:3, 3]
    depth, which = np.full((h, w), np.inf), np.zeros((h, w), int)
    keys = list(world)
    with np.errstate(divide="ignore", invalid="ignore"):
        for n, key in enumerate(keys):
            near, far = -np.inf, np.inf
            for ray, at, low, high in zip(rays, eye, world[key][2], world[key][3], strict=True):
                t0, t1 = (low - at) / ray, (high - at) / ray
                near, far = np.maximum(near, np.minimum(t0, t1)), np.minimum(far, np.maximum(t0, t1))
            hit = (near <= far) & (near > 0.05) & (near < depth)
            depth[hit], which[hit] = near[hit], n
    rgb = np.array([world[k][1] for k in keys])[which] * 230
    instance = np.array([max(k, 1) for k in keys], np.uint16)[which]
    return rgb.astype(np.uint8), np.where(np.isfinite(depth), depth, 0).astype(np.float32), instance


def _facts(world: dict[int, tuple]) -> dict[int, dict]:
    return {i: {"label": b[0], "attributes": {}, "states": {}, "kind": "thing"} for i, b in world.items() if i >= 100}


def patrol(
    visit: str, start: float, things: dict[int, tuple], sidecar: Sidecar, noise: NoiseConfig, seed: int = 0,
    turns: int = 18,
) -> Iterator[Frame]:  # fmt: skip
    """Frames of a robot that turns once around at each stop."""
    world = boxes(things)
    sidecar.put_facts(visit, 0, _facts(world))
    index = 0
    for x, y in STOPS:
        for turn in range(turns):
            yaw = 2 * math.pi * turn / turns
            true = planar_pose(x, y, yaw)
            color, depth, instance = render(world, true @ CAMERA.to_base())
            ref = FrameRef(visit, index)
            sidecar.put(ref, instance, (math.floor(x / 0.5), math.floor(y / 0.5), int(yaw / math.radians(30))))
            base = noisy_pose(true, seed, visit, index, noise)
            yield Frame(ref, start + index, color, noisy_depth(depth, seed, visit, index, noise), base,
                        base @ CAMERA.to_base(), CAMERA)  # fmt: skip
            index += 1


Step = tuple[float, float, float, dict[int, tuple], tuple | None, str]  # x, y, yaw, things, the one in hand, mode


def filmed(visit: str, start: float, steps: list[Step], sidecar: Sidecar, noise: NoiseConfig, seed: int = 0):
    """Frames of a robot that is at ``steps`` one after the other; what it holds hangs before its camera."""
    for index, (x, y, yaw, things, held, mode) in enumerate(steps):
        world = boxes(things if held is None else {**things, held[0]: held[1]})
        sidecar.put_facts(visit, index, _facts(world))
        if held is not None:
            hanging = {held[0]: _hanging(world.pop(held[0]))}
        turn = np.array(((0, 1, 0, 0), (-1, 0, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)), float)  # the head looks to the right
        mount = turn @ CAMERA.to_base() if mode == "manipulation" else CAMERA.to_base()
        true = planar_pose(x, y, yaw + (math.pi / 2 if mode == "manipulation" else 0))
        color, depth, instance = render(world, true @ mount)
        if held is not None:
            over = render(hanging, np.eye(4))
            shows = over[1] > 0
            color[shows], depth[shows], instance[shows] = (image[shows] for image in over)
        ref = FrameRef(visit, index)
        sidecar.put(ref, instance, (math.floor(x / 0.5), math.floor(y / 0.5), int(yaw % math.tau / math.radians(30))))
        base = noisy_pose(true, seed, visit, index, noise)
        yield Frame(ref, start + index, color, noisy_depth(depth, seed, visit, index, noise), base, base @ mount,
                    CAMERA, gripper_full=held is not None, mode=mode)  # fmt: skip


def _hanging(box: tuple) -> tuple:
    """A box as it hangs in the hand, in the optical frame."""
    wide, deep, high = box[3] - box[2]
    half, middle = np.array((wide, high, deep)) / 2, np.array(HAND)
    return box[0], box[1], middle - half, middle + half


def carrying(things: dict[int, tuple], what: int, to: tuple, here: tuple, there: tuple) -> tuple[list[Step], dict]:
    """Steps that take ``what`` up at the pose ``here`` and put it down at ``there`` as ``to``; and the things after.

    Before and after each the robot looks around a little; a first try to pick fails.
    """
    without = {i: t for i, t in things.items() if i != what}
    after, held = {**without, what: to}, (what, things[what])
    look = [-0.4, -0.2, 0.0, 0.2, 0.0]

    def at(pose, state, hand, modes):
        return [(*pose, state, hand, mode) for mode in modes]

    def around(pose, state, hand):
        return [(pose[0] + 0.04 * i, pose[1], pose[2] + turn, state, hand, "navigation") for i, turn in enumerate(look)]

    n, m = "navigation", "manipulation"
    way = np.linspace(here, there, 8)
    return [
        *around(here, things, None), *at(here, things, None, [m, m, n, m, m]), *at(here, without, held, [m, m, n]),
        *((*pose, without, held, n) for pose in way), *at(there, without, held, [m, m, m]),
        *at(there, after, None, [m, m, n]), *around(there, after, None),
    ], after  # fmt: skip
