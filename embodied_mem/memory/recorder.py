"""Frames in at one door: store, detect, lift, map; at the visit's end understand, then commit."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from embodied_mem.errors import InputError, PalaceError
from embodied_mem.memory.association import Structure, associate
from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.records import ObjectState, PlaceNode, Spot, Visit
from embodied_mem.memory.views import CELL_M, Views
from embodied_mem.ontology import FURNITURE
from embodied_mem.types import Frame, FrameRef

if TYPE_CHECKING:
    from embodied_mem.perception.detector import Detector
    from embodied_mem.perception.mapping import SiteMap

KEPT_VIEWS = 6  # visits whose thinned depth stays in memory


class Recorder:
    """Records visits into a palace, one after the other."""

    def __init__(self, palace: MindPalace, detector: Detector):
        self.palace = palace
        self.detector = detector
        self._views: OrderedDict[str, Views] = OrderedDict()

    def record(
        self, visit_id: str, frames: Iterable[Frame], progress: Callable[[int], None] | None = None
    ) -> Structure:
        """Record one visit and commit it; returns what was understood.

        ``progress`` is called with the number of frames so far. A refused frame (InputError) or any other error
        drops the whole visit, which can then be recorded again; earlier visits stay. InputError: no frames at all.
        """
        try:
            return self._record(visit_id, frames, progress)
        except BaseException:
            self.palace.rollback()
            self._views.pop(visit_id, None)
            raise

    def _record(self, visit_id: str, frames: Iterable[Frame], progress: Callable[[int], None] | None) -> Structure:
        from embodied_mem.perception.hand import split, without_hand
        from embodied_mem.perception.lifting import lift, lift_all

        site_map = self._site_map()
        views, frame = None, None
        for count, frame in enumerate(frames, 1):
            if views is None:
                self.palace.begin_visit(visit_id, frame.time)
                views = self._views[visit_id] = Views(frame.camera)
            self.palace.add_frame(frame)
            held, scene = split(frame, self.detector.detect(frame, "index"))
            seen = [one for one in lift_all(frame, scene) if one is not None]
            self.palace.add_sightings(frame.ref, seen)
            if held is not None and (lifted := lift(frame, held)) is not None:
                self.palace.add_held(frame.ref, lifted)
            site_map.integrate(without_hand(frame))
            views.add(frame.depth, frame.ref, frame.base_to_map, frame.camera_to_map, frame.mode)
            if progress:
                progress(count)
        if frame is None:
            raise InputError(f"visit {visit_id!r} has no frames; check the source of the recording")
        self.palace.end_visit(visit_id, frame.time)
        structure = self._understand(self.palace.visits()[-1], site_map)
        self.palace.commit()
        return structure

    def _site_map(self) -> SiteMap:
        from embodied_mem.perception.mapping import SiteMap

        try:
            return self.palace.load_map()
        except PalaceError:
            return SiteMap()

    def _understand(self, visit: Visit, site_map: SiteMap) -> Structure:
        from embodied_mem.perception.rooms import name_rooms, segment_rooms

        segment_rooms(site_map)
        structure = associate(self.palace, visit, site_map, self.views_of)
        # Rooms are named after the furniture that association has just found, then everything is given its room.
        name_rooms(site_map, furnishings(self.palace, structure))
        earlier = self.palace.objects()
        owners = {o.track: o for o in [*earlier, *structure.objects] if o.label in FURNITURE}
        structure.objects = [in_room(o, owners, site_map) for o in structure.objects]
        rooms = {o.track: o.room for o in structure.objects}
        structure.changes = [
            replace(c, to_room=rooms[c.track]) if c.to_surface and c.track in rooms else c for c in structure.changes
        ]
        structure.handlings = [
            replace(h, start=spot_in_room(h.start, owners, site_map), goal=spot_in_room(h.goal, owners, site_map))
            for h in structure.handlings
        ]
        renamed = [new for o in earlier if (new := in_room(o, owners, site_map)) != o]
        viewpoints = places(self.palace, site_map)
        self.palace.put_map(site_map)
        self.palace.put_structure(
            visit.id, rooms=site_map.rooms, places=viewpoints, objects=[*renamed, *structure.objects],
            tracks=structure.tracks, absences=structure.absences, changes=structure.changes,
            handlings=structure.handlings,
        )  # fmt: skip
        self.palace.assign_tracks(structure.assigned)
        return structure

    def views_of(self, visit: str) -> Views:
        """The views of a visit, rebuilt from the palace where they are not in memory."""
        if visit not in self._views:
            self._views[visit] = Views.of_visit(self.palace, visit)
        self._views.move_to_end(visit)
        while len(self._views) > KEPT_VIEWS:
            self._views.popitem(last=False)
        return self._views[visit]


def furnishings(palace: MindPalace, structure: Structure) -> list[tuple[str, tuple[float, float, float], float]]:
    """Every piece of furniture once: label, place, votes over all visits."""
    votes: dict[int, float] = defaultdict(float)
    latest: dict[int, ObjectState] = {}
    for state in [*palace.objects(), *structure.objects]:
        if state.label in FURNITURE:
            votes[state.track] += state.hits
            latest[state.track] = state
    return [(state.label, middle(state), votes[track]) for track, state in sorted(latest.items())]


def middle(state: ObjectState) -> tuple[float, float, float]:
    """The centre of an object's box."""
    return tuple((a + b) / 2 for a, b in zip(state.low, state.high, strict=True))


def in_room(state: ObjectState, furniture: dict[int, ObjectState], site_map: SiteMap) -> ObjectState:
    """The state with the name of its room on this map (unchanged where the map has none there).

    A thing is in the room of the furniture under it: edges of shelves and tables lie near walls.
    """
    x, y, _ = middle(furniture.get(state.furniture, state))
    room = site_map.room_at(x, y)
    return state if room is None or room.label == state.room else replace(state, room=room.label)


def spot_in_room(spot: Spot, furniture: dict[int, ObjectState], site_map: SiteMap) -> Spot:
    """A spot with the name of its room on this map, as :func:`in_room`."""
    x, y, _ = middle(furniture[spot.furniture]) if spot.furniture in furniture else spot.xyz
    room = site_map.room_at(x, y)
    return spot if room is None else replace(spot, room=room.label)


def places(palace: MindPalace, site_map: SiteMap) -> list[PlaceNode]:
    """Viewpoints: the cells of 0.5 m that the robot stood in, with their frames."""
    cells: dict[tuple[int, int], list[tuple[float, float, FrameRef]]] = defaultdict(list)
    for node in palace.frames():
        x, y = node.base_to_map[:2, 3]
        cells[int(x // CELL_M), int(y // CELL_M)].append((float(x), float(y), node.ref))
    found = []
    for number, (_, stood) in enumerate(sorted(cells.items()), 1):
        x, y = (sum(s[i] for s in stood) / len(stood) for i in (0, 1))
        room = site_map.room_at(x, y)
        found.append(PlaceNode(number, room.id if room else None, x, y, tuple(s[2] for s in stood)))
    return found
