"""What a memory has to beat: a random frame, the latest one, flat retrieval over frame captions; and the bound: oracle.

All of them choose stored frames and drive to where the robot believes that these were taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from embodied_mem.perception.noise import draw
from embodied_mem.planner.baselines import embedded_frames
from embodied_mem.planner.encoder import INSTALL, shared_encoder
from embodied_mem.planner.goals.drive import Mark
from embodied_mem.planner.goals.seeker import Choice, GoalSeeker
from embodied_mem.planner.workbench import Workbench
from embodied_mem.tasks.findingdory.facts import Facts
from embodied_mem.tasks.findingdory.items import Goal, Item
from embodied_mem.tasks.findingdory.settings import MIN_PIXELS, OBJECT_M

SUBSAMPLED = 96  # frames that flat retrieval reads, spread evenly
FOR_ALL = 3  # stops where the text asks for all of something
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBERED = re.compile(rf"\b(?:{'|'.join(ORDINALS)}|\d+(?:st|nd|rd|th))\b", re.IGNORECASE)
_LISTED = re.compile(rf"{_NUMBERED.pattern}(?:,| and)\s*(?:then |and )*{_NUMBERED.pattern}", re.IGNORECASE)
_ALL = re.compile(r"\b(?:all|every|each|both)\b", re.IGNORECASE)


def stops_asked(text: str) -> int:
    """How many stops an instruction seems to ask for: the ordinals of a list, three for "all", else one."""
    if _LISTED.search(text):
        return len(_NUMBERED.findall(text))
    return FOR_ALL if _ALL.search(text) else 1


@dataclass
class FrameAgent:
    """An agent that names stored frames, best first; subclasses say which."""

    name: str = ""
    _driver: GoalSeeker = field(default_factory=GoalSeeker, repr=False)

    def choose(self, text: str, bench: Workbench) -> Choice:
        """As many frames as the text seems to ask for."""
        indices = [node.ref.index for node in bench.palace.frames()]
        picked, confidence = self.pick(text, bench, indices, min(stops_asked(text), len(indices)))
        return self.choice(picked, confidence, bench)

    def pick(self, text: str, bench: Workbench, indices: list[int], count: int) -> tuple[list[int], float]:
        """``count`` of the frame indices, and how sure that is."""
        raise NotImplementedError

    def choice(self, picked: list[int], confidence: float, bench: Workbench) -> Choice:
        """Stops at stored frames, by their index."""
        frames, _ = self._driver.memory_of(bench)
        at = {index: i for i, index in enumerate(frames.indices)}
        return Choice(tuple(frames.view(at[index]) for index in picked), confidence, "" if picked else "no_answer")

    def drive(self, choice: Choice, bench: Workbench) -> list[Mark]:
        """To the believed pose of each chosen frame, in order."""
        return self._driver.drive(choice, bench)


@dataclass
class RandomFrame(FrameAgent):
    """Any frame, drawn by the words of the instruction."""

    name: str = "random"

    def pick(self, text: str, bench: Workbench, indices: list[int], count: int) -> tuple[list[int], float]:
        ranked = sorted(indices, key=lambda i: draw("random frame", text, indices[-1], i))
        return ranked[:count], 0.1


@dataclass
class LatestFrame(FrameAgent):
    """The last frames of the experience."""

    name: str = "latest"

    def pick(self, text: str, bench: Workbench, indices: list[int], count: int) -> tuple[list[int], float]:
        return indices[-count:], 0.1


@dataclass
class FlatRetrieval(FrameAgent):
    """Of 96 frames spread evenly those whose captions (index labels, time) embed nearest to the instruction."""

    name: str = "flat_retrieval"
    _known: tuple = field(default=(None, [], None), repr=False)

    def pick(self, text: str, bench: Workbench, indices: list[int], count: int) -> tuple[list[int], float]:
        encoder = shared_encoder()
        if encoder is None:
            raise ModuleNotFoundError(f"flat retrieval needs the sentence encoder; run: {INSTALL}")
        if self._known[0] is not bench.palace:
            refs, vectors = embedded_frames(bench.palace, encoder)
            every = np.array(indices)[np.linspace(0, len(indices) - 1, SUBSAMPLED).round().astype(int)]
            kept = [i for i, ref in enumerate(refs) if ref.index in set(every.tolist())]
            self._known = (bench.palace, [refs[i].index for i in kept], vectors[kept])
        _, known, vectors = self._known
        if not known:
            return indices[:count], 0.0
        closeness = vectors @ encoder.encode([text])[0]
        order = np.argsort(-closeness, kind="stable")[:count]
        return [known[i] for i in order], float(np.clip(closeness[order].mean(), 0.0, 1.0))


@dataclass
class OracleFrame(FrameAgent):
    """The best frames there are, by the facts: what choosing frames can reach at most. The task hands it the item."""

    name: str = "oracle"

    def choose_for(self, item: Item, facts: Facts, bench: Workbench) -> Choice:
        """One frame a required goal, at which no other goal of the item holds if that can be had."""
        if item.quantifier == "any":
            pairs = enumerate(zip(item.goals, item.frames, strict=True))
            ranked = [(margin(facts, goal, frames).max(), i) for i, (goal, frames) in pairs if frames]
            if not ranked:
                return Choice(error="no_answer")
            i = max(ranked, key=lambda r: (r[0], -r[1]))[1]
            picked = [best_frame(facts, item.goals[i], item.frames[i], [])]
        else:
            others = [[f for g, f in zip(item.goals, item.frames, strict=True) if g != goal] for goal in item.goals]
            if not all(item.frames):
                return Choice(error="no_answer")
            picked = [best_frame(facts, *which) for which in zip(item.goals, item.frames, others, strict=True)]
        return self.choice(picked, 1.0, bench)


def best_frame(facts: Facts, goal: Goal, frames: tuple[int, ...], others: list[tuple[int, ...]]) -> int:
    """The frame of ``frames`` with the widest margin, those first at which none of ``others`` holds as well."""
    margins = margin(facts, goal, frames)
    shared = np.array([sum(frame in set(other) for other in others) for frame in frames])
    return frames[int(np.lexsort((-margins, shared))[0])]


def margin(facts: Facts, goal: Goal, frames: tuple[int, ...]) -> np.ndarray:
    """(N) how far inside the goal's limits frames lie, about 0 to 1: near, facing it, well in view."""
    if goal.kind == "room":
        # The middle of the longest stay is farthest from the doors.
        at = np.array(frames)
        breaks = np.flatnonzero(np.diff(at) > 1)
        start = np.concatenate(([0], breaks + 1))[np.searchsorted(breaks, np.arange(len(at)), side="left")]
        end = np.concatenate((breaks, [len(at) - 1]))[np.searchsorted(breaks, np.arange(len(at)), side="left")]
        return np.minimum(np.arange(len(at)) - start, end - np.arange(len(at))) / max(1, len(at))
    found, at = facts.every(goal), np.array(frames)
    far = found.distance_m[at] / (OBJECT_M if goal.kind == "object" else 1.0)
    return np.minimum(1.0, found.pixels[at] / (20 * MIN_PIXELS)) - 0.3 * far - 0.2 * found.angle_rad[at]
