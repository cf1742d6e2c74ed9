"""Stored images opened to find out what memory does not know of a thing: each only if it is worth its price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.perception.hand import split
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.goal_memory import GoalMemory
from embodied_mem.planner.inspecting import find_subject
from embodied_mem.types import Detection, FrameRef

MOST = 4  # images of one thing
HIT = 0.95  # the slow gear reads what is there
FALSE = 0.02  # and reads a given other value into it


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


def investigate(claims: list[Claim], prices: Prices) -> int:
    """Open images while the best claim may gain more than they cost, at most ``MOST`` of a claim; returns how many."""
    count = 0
    while True:
        gains = [(_gain(claims, i), -i) for i, claim in enumerate(claims) if claim.images and len(claim.opened) < MOST]
        if not gains or (1.0 + prices.w) * max(gains)[0] <= prices.image:
            return count
        claim = claims[-max(gains)[1]]
        seen = claim.read(claim.images.pop(0))
        claim.opened.append(seen)
        count += 1
        if seen is not None:
            claim.p = claim.after(seen)


def _gain(claims: list[Claim], i: int) -> float:
    """What a reading of claim i is expected to add to the chance that the best claim is right."""
    claim = claims[i]
    others = max((c.p for j, c in enumerate(claims) if j != i), default=0.0)
    positive = claim.p * HIT + (1 - claim.p) * FALSE
    chance = positive * max(others, claim.after(True)) + (1 - positive) * max(others, claim.after(False))
    return chance - max(others, claim.p)


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
