"""Opening stored images for one question: what they show goes into what is known of it."""

from __future__ import annotations

from embodied_mem.perception.sidecar import MissingSidecar
from embodied_mem.planner.belief import Belief
from embodied_mem.planner.belief_actions import Inspect, inspections
from embodied_mem.planner.belief_worlds import LABEL
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.inspecting import read_stored
from embodied_mem.planner.knowledge import Knowledge
from embodied_mem.planner.trace import Trace
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import Cost, FrameRef


class Recall:
    """Reads frames of the palace with the bench's detector. Without a detector, or where what it needs was not
    recorded, there is nothing to open and answers come from the index alone."""

    def __init__(self, known: Knowledge, bench: Workbench, prices: Prices, cost: Cost, trace: Trace) -> None:
        self.known, self.bench, self.prices, self.cost, self.trace = known, bench, prices, cost, trace
        self.opened: dict[FrameRef, list] = {}
        self.possible = bench.detector is not None

    def options(self) -> list[Inspect]:
        """Images that may tell something, each once."""
        if not self.possible:
            return []
        known = self.known
        return inspections(known.query, known.worlds(), known.rates, self.prices, set(self.opened))

    def open_all(self, images: list[Inspect], before: Belief) -> None:
        """One decision for all of them: the belief is asked before the first and after the last."""
        for i, image in enumerate(images):
            if image.ref not in self.opened:
                self.open(image, 0.0, None if i else before, ask=False)
            if not self.possible:
                return
        self.known.changed()
        self.trace.add("recalled", after=self.known.belief())

    def open(self, action: Inspect, value: float, before: Belief | None, ask: bool = True) -> None:
        """Open one image. value: what it is expected to be worth; ask: put the belief afterwards into the trace."""
        ref = action.ref
        try:
            frame = self.bench.palace.load_frame(ref)
            self.opened[ref] = self.bench.detector.detect(frame, "inspect")
        except MissingSidecar as error:
            self.possible = False
            self.trace.add("recall refused", before=before, reason=f"answering from the index alone: {error}")
            return
        self.cost.images += 1
        self._read(ref, frame)
        if ask:
            self.known.changed()
        self.trace.add("recall", value=value, cost=self.prices.image, before=before,
                       after=self.known.belief() if ask else None, image=str(ref), aspect=action.aspect)  # fmt: skip

    def _read(self, ref: FrameRef, frame) -> None:
        sightings = self.bench.palace.sightings(ref=ref)
        for chain in self.known.worlds().chains:
            boxes = [s.box for s in sightings if s.track in chain.subject.tracks]
            aspects = (*self.known.aspects, LABEL)
            read_stored(self.known.readings, chain, frame, self.opened[ref], boxes, aspects)
