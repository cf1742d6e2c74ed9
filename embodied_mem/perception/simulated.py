"""The simulated detector: reads the simulator's instance image through the noise model.

It stands where an open-vocabulary detector would stand and leaves no more behind than that would:
masks, labels, scores, colours, never an instance id. Each draw is a hash of (seed, visit, object,
viewpoint cell, gear, what is drawn), so a second look from the same place repeats the first one's errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import ndimage

from embodied_mem import ontology
from embodied_mem.perception.noise import NoiseConfig, draw
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.types import Detection, Frame, Gear

FIRST_INSTANCE = 100  # below: nothing, walls, floor, ceiling (sim/house.py)
_VALUES = {
    "colour": tuple(ontology.COLOURS),
    "material": ontology.MATERIALS,
    "print": ontology.PRINTS,
    "shape": ontology.SHAPES,
}


class SimulatedDetector:
    """Detector over a sidecar. Furniture and things alike; ``noise`` and ``seed`` as of the recording.

    Scores of true detections are drawn higher than those of confused and invented ones, with overlap:
    a user can calibrate them, and cannot take them for the truth. It shows nothing but detections: an agent that
    holds it does not hold the sidecar.
    """

    def __init__(self, sidecar: Sidecar, noise: NoiseConfig, seed: int = 0) -> None:
        self._sidecar, self._noise, self._seed = sidecar, noise, int(seed)

    def detect(self, frame: Frame, gear: Gear = "index") -> list[Detection]:
        """Detections, largest first. Raises MissingSidecar where the frame has no instance image."""
        instance, cell = self._sidecar.get(frame.ref)
        facts = self._sidecar.facts(frame.ref)
        found = []
        for number, box, mask, pixels in _regions(instance):
            fact = facts.get(number)
            if fact is None:
                continue
            key = (self._seed, frame.ref.visit, number, cell, gear)
            if draw(*key, "miss") < self._miss(frame, gear, box, mask, pixels):
                continue
            found.append(self._seen(frame, gear, key, fact, box, mask, pixels))
        if gear == "index":
            found += self._invented(frame, instance, cell)
        return sorted(found, key=lambda d: -(d.box[2] - d.box[0]) * (d.box[3] - d.box[1]))

    def _miss(self, frame: Frame, gear: Gear, box: tuple[slice, slice], mask: np.ndarray, pixels: int) -> float:
        if gear == "inspect":
            return self._noise.inspect_miss_at(pixels)
        depth = frame.depth[box][mask]
        return self._noise.index_miss(float(depth.mean()), pixels)

    def _seen(self, frame: Frame, gear: Gear, key: tuple, fact: dict, box, mask, pixels: int) -> Detection:
        label, similar = fact["label"], _similar(fact["label"])
        confused = gear == "index" and bool(similar) and draw(*key, "label") < self._noise.label_confusion
        if confused:
            label = similar[int(draw(*key, "similar") * len(similar))]
        luck = draw(*key, "score")
        # A large region is named with more certainty than a small one.
        sure = 0.5 + 0.25 * luck**0.5 + 0.25 * min(1.0, pixels / 1500)
        score = 0.3 + 0.5 * luck if confused else sure
        attributes: dict[str, str] | None = None
        states: dict[str, str] = {}
        if gear == "inspect":
            attributes, states = self._read(key, fact)
        return _detection(frame, label, score, box, mask, attributes, states)

    def _read(self, key: tuple, fact: dict) -> tuple[dict[str, str], dict[str, str]]:
        """Attributes and states of an instance, each wrong (but plausible) at the configured rate."""
        read: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for target, values in zip(read, (fact.get("attributes", {}), fact.get("states", {})), strict=True):
            for name, value in values.items():
                if name not in _VALUES and name not in ontology.STATES:
                    continue  # function and the like are known from the label, not read from pixels
                if draw(*key, name) < self._noise.attribute_error:
                    others = _other_values(fact["label"], name, value)
                    value = others[int(draw(*key, name, "wrong") * len(others))]
                target[name] = value
        return read

    def _invented(self, frame: Frame, instance: np.ndarray, cell: tuple[int, int, int]) -> list[Detection]:
        """At the configured rate one false positive: an ellipse somewhere with depth, under a thing's name."""
        key = (self._seed, frame.ref.visit, "false positive", cell)
        if draw(*key) >= self._noise.false_positive:
            return []
        height, width = instance.shape
        ry, rx = (4 + 8 * draw(*key, axis) for axis in "yx")
        cy, cx = ry + draw(*key, "row") * (height - 2 * ry), rx + draw(*key, "column") * (width - 2 * rx)
        box = (slice(max(int(cy - ry), 0), int(cy + ry) + 1), slice(max(int(cx - rx), 0), int(cx + rx) + 1))
        rows, columns = np.ogrid[box]
        mask = ((rows - cy) / ry) ** 2 + ((columns - cx) / rx) ** 2 <= 1
        mask &= frame.depth[box] > 0
        if mask.sum() < self._noise.index_min_pixels:
            return []
        labels = tuple(ontology.THINGS)
        label = labels[int(draw(*key, "label") * len(labels))]
        return [_detection(frame, label, 0.2 + 0.5 * draw(*key, "score"), box, mask, None, {})]


def _regions(instance: np.ndarray) -> list[tuple[int, tuple[slice, slice], np.ndarray, int]]:
    """Each instance in view: its number, its box as slices, its mask inside the box, its pixels."""
    counts = np.bincount(instance.ravel())
    numbers = np.flatnonzero(counts[FIRST_INSTANCE:]) + FIRST_INSTANCE
    if not len(numbers):
        return []
    # find_objects loops up to the largest number, so number the regions densely first.
    dense = np.zeros(len(counts), np.int32)
    dense[numbers] = np.arange(1, len(numbers) + 1)
    boxes = ndimage.find_objects(dense[instance], max_label=len(numbers))
    return [
        (int(number), box, instance[box] == number, int(counts[number]))
        for number, box in zip(numbers, boxes, strict=True)
    ]


def _detection(frame: Frame, label: str, score: float, box, mask, attributes, states) -> Detection:
    full = np.zeros(frame.depth.shape, dtype=bool)
    full[box] = mask
    mean = frame.color[box][mask].mean(axis=0)
    rgb = (float(mean[0]), float(mean[1]), float(mean[2]))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    top, left = box[0].start, box[1].start
    corners = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
    if attributes is None:
        attributes = {"colour": _colour_name(*(round(channel / 4) for channel in rgb))}
    return Detection(full, label, min(1.0, score), tuple(map(int, corners)), rgb, attributes, states)


@lru_cache(maxsize=65536)
def _colour_name(red: int, green: int, blue: int) -> str:
    """``ontology.colour_name`` in steps of 4 of 255: finer than any shading, and mostly seen before."""
    return ontology.colour_name((4 * red / 255, 4 * green / 255, 4 * blue / 255))


def _similar(label: str) -> Sequence[str]:
    known = ontology.THINGS.get(label) or ontology.FURNITURE.get(label)
    return known.similar if known else ()


def _other_values(label: str, name: str, value: str) -> list[str]:
    """Plausible wrong readings: other values of the label's category, or any other value there is."""
    if name in ontology.STATES:
        plausible, every = (), ontology.STATES[name]
    else:
        known = ontology.THINGS.get(label) or ontology.FURNITURE.get(label)
        plausible, every = (getattr(known, f"{name}s") if known else ()), _VALUES[name]
    return [v for v in plausible if v != value] or [v for v in every if v != value]
