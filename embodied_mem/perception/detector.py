"""The detector contract, and the check that tells the author of a new detector what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Protocol, runtime_checkable

import numpy as np

from embodied_mem.types import Detection, Frame, Gear


@runtime_checkable
class Detector(Protocol):
    """Names what one image shows. Stateless: the same frame and gear give the same detections.

    gear "index" is fast and runs on every frame at ingest: labels, masks, mean colours. gear "inspect"
    is slow and costs one recalled image: it sees smaller things and reads attributes and states.
    Furniture and things are detected alike; walls, floor and ceiling are not.
    """

    def detect(self, frame: Frame, gear: Gear = "index") -> list[Detection]:
        """All detections in ``frame``; raises MissingSidecar where a simulated detector has nothing to read."""


def check_detector(detector: Detector, frames: Iterable[Frame]) -> None:
    """Run a detector over frames in both gears; raises AssertionError that says what breaks the contract."""
    if not isinstance(detector, Detector):
        raise AssertionError(f"{type(detector).__name__} has no detect(frame, gear) method; see the Detector protocol")
    for frame in frames:
        for gear in ("index", "inspect"):
            first, again = detector.detect(frame, gear), detector.detect(frame, gear)
            where = f"frame {frame.ref}, gear {gear}"
            _require(isinstance(first, list), f"{where}: detect must return a list, not {type(first).__name__}")
            for detection in first:
                _check_detection(detection, frame, where)
                extra = set(detection.attributes) - {"colour"} | set(detection.states)
                _require(gear == "inspect" or not extra, f"{where}: the index gear reads colours only, not {extra}")
            same = len(first) == len(again) and all(map(_same, first, again))
            _require(same, f"{where}: two looks at one frame differ; draw from a hash of the frame, not from a stream")


def _check_detection(detection: Detection, frame: Frame, where: str) -> None:
    _require(isinstance(detection, Detection), f"{where}: {type(detection).__name__} is not a Detection")
    where = f"{where}, {detection.label!r}"
    allowed = {field.name for field in fields(Detection)}
    extra = {name for name in dir(detection) if not name.startswith("_")} - allowed
    _require(not extra, f"{where}: carries {sorted(extra)}; nothing but the fields of Detection may leave a detector")
    shape = frame.depth.shape
    mask = detection.mask
    _require(mask.dtype == bool and mask.shape == shape, f"{where}: mask {mask.dtype} {mask.shape}, not bool {shape}")
    _require(bool(mask.any()), f"{where}: the mask is empty; leave such a detection out")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    tight = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    _require(tuple(detection.box) == tight, f"{where}: box {detection.box} is not the mask's box {tight}")
    _require(bool(detection.label), f"{where}: empty label")
    _require(0 < detection.score <= 1, f"{where}: score {detection.score} is outside (0, 1]")
    in_range = len(detection.rgb) == 3 and all(0 <= channel <= 255 for channel in detection.rgb)
    _require(in_range, f"{where}: rgb {detection.rgb} must be three means in 0..255")


def _same(a: Detection, b: Detection) -> bool:
    return (a.label, a.score, a.box, a.attributes, a.states) == (b.label, b.score, b.box, b.attributes, b.states)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
