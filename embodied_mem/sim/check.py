"""The simulator contract as a check: run it on a new simulator to learn what is missing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.sim.protocol import MANIPULATOR_ACTIONS, Simulator, mount
from embodied_mem.types import Frame, FrameRef, pose_xyyaw

_FRAME_FIELDS = {f.name for f in dataclasses.fields(Frame)}


def check_simulator(make: Callable[[], Simulator], scene: int | str = 7) -> None:
    """Drive two simulators from ``make()`` (noise-free) through ``scene`` and compare them with the contract.

    Raises AssertionError that says which promise is broken and what was found instead.
    """
    sim = make()
    there = {*dir(type(sim)), *vars(sim)}
    missing = [m for m in ("spec", "clock", "truth", "reset", "observe", "step", "advance") if m not in there]
    _require(not missing, f"{type(sim).__name__} lacks {', '.join(missing)} of the Simulator protocol")
    first = sim.reset(scene, visit="check")
    check_frame(first, sim)
    _require(first.ref == FrameRef("check", 0), f"reset returns frame {first.ref}; it must be check/000000")
    _check_observe(sim)
    _check_turns(sim)
    if "manipulate" in sim.spec.actions:
        _check_modes(sim)
    _check_contact(sim)
    _check_bad_action(sim)
    _check_time(sim)
    _check_repeats(make, scene)


def check_frame(frame: Frame, sim: Simulator) -> None:
    """Shapes, dtypes, units and finiteness of one frame, and that it carries nothing beyond ``Frame``."""
    h, w = sim.spec.camera.height, sim.spec.camera.width
    for name, shape, dtype in (("color", (h, w, 3), np.uint8), ("depth", (h, w), np.float32)):
        image = getattr(frame, name)
        _require(image.shape == shape and image.dtype == dtype,
                 f"{name} is {image.dtype} {image.shape}; it must be {np.dtype(dtype)} {shape}")  # fmt: skip
    _require(bool(np.isfinite(frame.depth).all()) and float(frame.depth.min()) >= 0,
             "depth must be finite and at least 0 metres (0: no return)")  # fmt: skip
    _require(float(frame.depth.max()) < 100, f"depth reaches {frame.depth.max():.0f}; it is in metres, not millimetres")
    for name in ("base_to_map", "camera_to_map"):
        _check_pose(name, getattr(frame, name))
    _require(math.isfinite(frame.time) and frame.time == sim.clock, f"frame time {frame.time}, clock {sim.clock}")
    _require(frame.camera == sim.spec.camera, "frame.camera must be spec.camera")
    _require(frame.mode in ("navigation", "manipulation"), f"mode is {frame.mode!r}")
    mounted = frame.base_to_map @ mount(frame.camera, frame.mode)
    _require(np.allclose(mounted, frame.camera_to_map, atol=1e-6),
             f"camera_to_map must be base_to_map @ mount(camera, {frame.mode!r})")  # fmt: skip
    extra = set(vars(frame)) - _FRAME_FIELDS
    _require(not extra, f"the frame carries {sorted(extra)}: nothing of the truth may reach an agent with it")


def _check_pose(name: str, pose: np.ndarray) -> None:
    _require(pose.shape == (4, 4) and pose.dtype == np.float64 and bool(np.isfinite(pose).all()),
             f"{name} must be a finite 4×4 float64 matrix, is {pose.dtype} {pose.shape}")  # fmt: skip
    turn = pose[:3, :3]
    _require(np.allclose(turn @ turn.T, np.eye(3), atol=1e-6) and np.linalg.det(turn) > 0,
             f"{name} must hold a right-handed rotation")  # fmt: skip


def _check_observe(sim: Simulator) -> None:
    one, other = sim.observe(), sim.observe()
    same = one.ref == other.ref and one.time == other.time and np.array_equal(one.color, other.color)
    _require(same and np.array_equal(one.depth, other.depth), "observe must cost nothing and look the same each time")


def _check_turns(sim: Simulator) -> None:
    before = sim.observe()
    for action, sign in (("left", 1), ("right", -1)):
        after = sim.step(action)
        turned = math.remainder(pose_xyyaw(after.base_to_map)[2] - pose_xyyaw(before.base_to_map)[2], 2 * math.pi)
        _require(abs(turned - sign * sim.spec.turn_rad) < 1e-6, f"{action} turned by {turned:.4f} rad")
        _require(_metres(before, after) < 1e-6, f"{action} moved the robot by {_metres(before, after):.3f} m")
        _require(after.ref.index > before.ref.index, f"frame {after.ref} follows {before.ref}; indices must increase")
        passed = after.time - before.time
        _require(abs(passed - sim.spec.step_seconds) < 1e-6, f"a step took {passed} s, not {sim.spec.step_seconds}")
        _require(after.last_action == action, f"last_action is {after.last_action!r} after {action!r}")
        check_frame(after, sim)
        before = after


def _check_modes(sim: Simulator) -> None:
    """The base turns and the head does not; entering a mode twice changes nothing but the clock."""
    before = sim.observe()
    _require(before.mode == "navigation", f"after reset the mode is {before.mode!r}; it must be navigation")
    for action, mode, turned in (("manipulate", "manipulation", 90), ("navigate", "navigation", 0)):
        for _ in range(2):
            after = sim.step(action)
            check_frame(after, sim)
            _require(after.mode == mode, f"mode is {after.mode!r} after {action!r}")
            by = math.degrees(pose_xyyaw(after.base_to_map)[2] - pose_xyyaw(before.base_to_map)[2])
            _require(abs(math.remainder(by - turned, 360)) < 1e-4, f"{action!r} leaves the base {by:.1f}° turned")
            _require(np.allclose(after.camera_to_map, before.camera_to_map, atol=1e-6), f"{action!r} moves the camera")
            same = np.array_equal(after.color, before.color) and np.array_equal(after.depth, before.depth)
            _require(same, f"{action!r} changes the image")


def _check_contact(sim: Simulator) -> None:
    """Against every wall and back: never further than a step, never stuck in something."""
    moved = []
    for _ in range(3):
        for _ in range(24):
            before = sim.observe()
            moved.append(_metres(before, sim.step("forward")))
            _require(moved[-1] <= sim.spec.forward_m + 1e-6, f"forward moved {moved[-1]:.3f} m in one step")
        for _ in range(round(math.pi / 2 / sim.spec.turn_rad) + 1):
            sim.step("left")
    _require(max(moved) > 0.5 * sim.spec.forward_m, "forward never moves; the start must be free floor")
    _require(min(moved) < 0.9 * sim.spec.forward_m, "forward is never blocked: walls have no contact")


def _check_bad_action(sim: Simulator) -> None:
    unknown = [a for a in sim.spec.actions if a not in MANIPULATOR_ACTIONS]
    _require(not unknown, f"actions {unknown} are not in the protocol")
    before = sim.observe()
    try:
        sim.step("no such action")
    except EmbodiedMemError:
        pass
    else:
        raise AssertionError("step('no such action') must raise InputError")
    _require(sim.observe().ref == before.ref, "a refused action must change nothing")


def _check_time(sim: Simulator) -> None:
    before = sim.observe()
    try:
        sim.advance(sim.clock - 1)
    except EmbodiedMemError:
        pass
    else:
        raise AssertionError("advance to a time before the clock must raise InputError")
    sim.advance(sim.clock + 3600)
    after = sim.observe()
    _require(after.time == before.time + 3600, f"advancing by 3600 s took {after.time - before.time} s")
    _require(after.ref != before.ref, "what is seen after advance is a new frame and needs a new ref")


def _check_repeats(make: Callable[[], Simulator], scene: int | str) -> None:
    """Two simulators that do the same see the same."""
    frames = []
    for sim in (make(), make()):
        seen = [sim.reset(scene, visit="again")]
        seen += [sim.step(a) for a in ("left", "forward", "right", "forward")]
        frames.append(seen)
    for one, other in zip(*frames, strict=True):
        same = np.array_equal(one.color, other.color) and np.array_equal(one.depth, other.depth)
        same &= np.array_equal(one.camera_to_map, other.camera_to_map) and one.time == other.time
        _require(same, f"frame {one.ref} differs between two runs with the same seed")


def _metres(a: Frame, b: Frame) -> float:
    return float(np.hypot(*(b.base_to_map[:2, 3] - a.base_to_map[:2, 3])))


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
