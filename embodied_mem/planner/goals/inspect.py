"""Stored images opened to find out what memory does not know of a thing: each only if it is worth its price."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.perception.hand import split
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.goals.memory import GoalMemory
from embodied_mem.planner.inspecting import find_subject
from embodied_mem.types import Detection, FrameRef

MOST = 4  # images of one thing
HIT = 0.95  # the slow gear reads what is there
FALSE = 0.02  # and reads a given other value into it
SURE = 0.01  # what is this near to 0 or 1 is settled
TELLS = 0.25  # share of the doubt that one image takes away


@dataclass
class Claim:
    """Something that may be so of one thing. p: belief; images: stored frames that tell, best first; read: what one
    of them says (None: nothing)."""

    p: float
    images: list[FrameRef]
    read: Callable[[FrameRef], bool | None]
    opened: list[bool | None] = field(default_factory=list)

    def after(self, seen: bool) -> float:
        """The belief after a reading."""
        yes, no = (HIT, FALSE) if seen else (1 - HIT, 1 - FALSE)
        return self.p * yes / (self.p * yes + (1 - self.p) * no)


def investigate(claims: list[Claim], prices: Prices, one_is_so: bool) -> int:
    """Open images while being wrong may cost more than they do, at most ``MOST`` of a claim; returns how many.

    one_is_so: some claim is true for sure. Nothing is opened where there is but one to choose.
    """
    count = 0
    while True:
        doubtful = [c for c in claims if c.images and len(c.opened) < MOST and SURE < c.p < 1 - SURE]
        rivals = sum(c.p > SURE for c in claims) > 1
        if not doubtful or not rivals or (1.0 + prices.w) * TELLS * (1 - _best(claims, one_is_so)) <= prices.image:
            return count
        claim = max(doubtful, key=lambda c: c.p * (1 - c.p) / (1 + len(c.opened)))
        seen = claim.read(claim.images.pop(0))
        claim.opened.append(seen)
        count += 1
        if seen is not None:
            claim.p = claim.after(seen)


def _best(claims: list[Claim], one_is_so: bool) -> float:
    """Chance that the likeliest claim is true."""
    none = math.prod(1 - min(c.p, 1.0) for c in claims) if one_is_so else 0.0
    return max(c.p for c in claims) / max(1 - none, 1e-6)


class Images:
    """Detections of the slow gear on stored frames, each opened once; ``count``: how many were."""

    def __init__(self, memory: GoalMemory, detector) -> None:
        self.memory, self.detector = memory, detector
        self._seen: dict[FrameRef, tuple] = {}

    @property
    def count(self) -> int:
        return len(self._seen)

    def _open(self, ref: FrameRef) -> tuple:
        if ref not in self._seen:
            try:
                frame = self.memory.palace.load_frame(ref)
                self._seen[ref] = (frame, self.detector.detect(frame, "inspect"))
            except EmbodiedMemError:
                self._seen[ref] = (None, [])
        return self._seen[ref]

    def of_handled(self, k: int, ref: FrameRef) -> Detection | None:
        """What a frame shows of the thing of interaction k: in the hand, or where it stands now."""
        frame, detections = self._open(ref)
        if frame is None:
            return None
        held, scene = split(frame, detections)
        handling, state = self.memory.handlings[k], self.memory.state(k)
        if ref in handling.held:
            return held
        return self._standing(frame, scene, handling.label, handling.track, state.xyz if state else handling.goal.xyz)

    def of_track(self, ref: FrameRef, label: str, track: int, xyz) -> Detection | None:
        """What a frame shows of a thing that stands somewhere."""
        frame, detections = self._open(ref)
        return None if frame is None else self._standing(frame, split(frame, detections)[1], label, track, xyz)

    def _standing(self, frame, detections: list[Detection], label: str, track: int, xyz) -> Detection | None:
        boxes = [s.box for s in self.memory.palace.sightings(track=track, ref=frame.ref)] if track else []
        return find_subject(SimpleNamespace(label=label), frame, detections, boxes or None, xyz)
