"""From the detections of one inspected image to readings about one subject: which detection is it?"""

from __future__ import annotations

import numpy as np

from embodied_mem import ontology
from embodied_mem.perception.lifting import lift_all
from embodied_mem.planner.belief_history import LIKE_RGB, Subject
from embodied_mem.planner.belief_worlds import LABEL, Chain, Readings, places_at
from embodied_mem.planner.look import project, view_cell
from embodied_mem.types import Detection, Frame

Box = tuple[int, int, int, int]
LEAST_OVERLAP = 0.3
NEAR_PX = 45.0
SPOT_M = 0.15
NOTHING = "nothing"


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    return inside / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inside)


def find_subject(
    subject: Subject, frame: Frame, detections: list[Detection], boxes: list[Box] | None, xyz
) -> Detection | None:
    """The detection that is ``subject``: by the box in which the index saw it, else by where it should be."""
    known = ontology.THINGS.get(subject.label) or ontology.FURNITURE.get(subject.label)
    names = {subject.label, *(known.similar if known else ())}
    if boxes:
        scored = [(max(overlap(d.box, b) for b in boxes) + (d.label == subject.label) * 0.2, -k)
                  for k, d in enumerate(detections)]  # fmt: skip
        if scored and max(scored)[0] >= LEAST_OVERLAP + 0.2 * (detections[-max(scored)[1]].label == subject.label):
            return detections[-max(scored)[1]]
    if xyz is None:
        return None
    pixels, depth = project(frame, np.array([xyz]))
    if depth[0] <= 0.1:
        return None
    near = [(float(np.hypot(*(np.array(((d.box[0] + d.box[2]) / 2, (d.box[1] + d.box[3]) / 2)) - pixels[0]))), k)
            for k, d in enumerate(detections) if d.label in names]  # fmt: skip
    return detections[min(near)[1]] if near and min(near)[0] < NEAR_PX else None


def read_image(
    readings: Readings, subject: Subject, visit: str, frame: Frame, detections: list[Detection],
    boxes: list[Box] | None, xyz, aspects: tuple[str, ...],
) -> None:
    """Add what an inspected image says about ``subject`` to the readings (once per viewpoint cell)."""
    found = find_subject(subject, frame, detections, boxes, xyz)
    if found is None:
        if LABEL in aspects and boxes:  # where the index saw something there is nothing of the kind
            readings.add(subject.key, visit, LABEL, view_cell(frame), NOTHING)
        return
    for aspect in aspects:
        value = found.label if aspect == LABEL else found.states.get(aspect) or found.attributes.get(aspect)
        if value:
            readings.add(subject.key, visit, aspect, view_cell(frame), value)


def read_stored(
    readings: Readings, chain: Chain, frame: Frame, detections: list[Detection], boxes: list[Box],
    aspects: tuple[str, ...],
) -> None:
    """What a stored image says about a subject: read it where the index saw it, else see whether it is there at all."""
    subject, visit = chain.subject, frame.ref.visit
    state = subject.seen.get(visit)
    if state is not None:
        if boxes or frame.ref in state.frames:
            read_image(readings, subject, visit, frame, detections, boxes or None, state.xyz, aspects)
        return
    for absence in subject.missed.get(visit, ()):
        if frame.ref in absence.frames:
            seen = _stands_at(subject, frame, detections, absence.xyz)
            for k in places_at(subject, absence.xyz, chain.places):
                spot = (subject.key, visit, chain.places[k])
                readings.looked.setdefault(spot, {}).setdefault(view_cell(frame), seen)


def _stands_at(subject: Subject, frame: Frame, detections: list[Detection], xyz) -> bool:
    """Whether a thing of the subject's label and colour stands at a spot: others of its kind may stand beside it."""
    alike = [d for d in detections if d.label == subject.label]
    lifted = [one for one in lift_all(frame, alike) if one is not None]
    near = [one for one in lifted if np.linalg.norm(np.subtract(one.xyz, xyz)) < SPOT_M]
    return any(np.linalg.norm(np.subtract(one.rgb, subject.rgb)) < LIKE_RGB for one in near)
