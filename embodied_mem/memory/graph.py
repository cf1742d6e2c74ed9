"""The palace as a networkx graph: site → visits → what they saw; site → rooms → places and objects."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from embodied_mem.errors import PalaceError

if TYPE_CHECKING:
    import networkx

    from embodied_mem.memory.palace import MindPalace
    from embodied_mem.perception.mapping import SiteMap

ADJACENT_PLACES_M = 1.5  # a robot that was at two places one after the other, this near, drove between them
RADIUS_M = 0.18


def scene_graph(palace: MindPalace, at: float | None = None, known_at: float | None = None) -> networkx.MultiDiGraph:
    """The state at time ``at`` (None: the latest) as known at ``known_at`` (None: now), both UTC seconds.

    Nodes (attribute ``kind``): ``"site"``, ``("visit", id)``, ``("room", id)``, ``("place", id)``,
    ``("object", track)`` with the records' fields as attributes. Edges by key: ``has`` (site→visit, site→room,
    room→place, room→object), ``on`` (object→furniture object), ``sees`` (place→object), ``saw`` (visit→object),
    ``adjacent`` (room↔room and place↔place along the robot's way, ``weight`` in metres).
    """
    import networkx

    tree = networkx.MultiDiGraph()
    tree.add_node("site", kind="site", **palace.meta)
    limit = min(math.inf if at is None else at, math.inf if known_at is None else known_at)
    # A visit is known once it has ended; it tells about ``at`` once it has begun.
    visits = [v for v in palace.visits() if v.start <= limit and (known_at is None or (v.end or math.inf) <= known_at)]
    for visit in visits:
        tree.add_node(("visit", visit.id), kind="visit", start=visit.start, end=visit.end, frames=visit.frames)
        tree.add_edge("site", ("visit", visit.id), key="has")
    _add_rooms(tree, palace)
    _add_objects(tree, palace, [v.id for v in visits])
    _add_ways(tree, palace, {v.id for v in visits})
    return tree


def _add_rooms(tree: networkx.MultiDiGraph, palace: MindPalace) -> None:
    for room in palace.rooms():
        tree.add_node(("room", room.id), kind="room", label=room.label, confidence=room.confidence,
                      centroid=room.centroid, rect=room.rect)  # fmt: skip
        tree.add_edge("site", ("room", room.id), key="has")
    for place in palace.places():
        tree.add_node(("place", place.id), kind="place", x=place.x, y=place.y, frames=place.frames)
        owner = ("room", place.room) if ("room", place.room) in tree else "site"
        tree.add_edge(owner, ("place", place.id), key="has")


def _add_objects(tree: networkx.MultiDiGraph, palace: MindPalace, visits: list[str]) -> None:
    rooms = {room.label: ("room", room.id) for room in palace.rooms()}
    latest = {o.track: o for visit in visits for o in palace.objects(visit=visit)}
    fixed = {t.id: t.fixed for t in palace.tracks()}
    gone = _gone(palace, latest, visits)
    for track, state in latest.items():
        tree.add_node(("object", track), kind="object", label=state.label, colour=state.colour, xyz=state.xyz,
                      room=state.room, surface=state.surface, confidence=state.confidence, visit=state.visit,
                      fixed=fixed.get(track, False), present=track not in gone)  # fmt: skip
        if state.room in rooms:
            tree.add_edge(rooms[state.room], ("object", track), key="has")
        if state.furniture in latest:
            tree.add_edge(("object", track), ("object", state.furniture), key="on")
    for visit in visits:
        for state in palace.objects(visit=visit):
            tree.add_edge(("visit", visit), ("object", state.track), key="saw")
    places = {ref: place.id for place in palace.places() for ref in place.frames}
    for track, state in latest.items():
        for place in {places[ref] for ref in state.frames if ref in places}:
            tree.add_edge(("place", place), ("object", track), key="sees")


def _gone(palace: MindPalace, latest: dict, visits: list[str]) -> set[int]:
    """Tracks looked for in vain where they last stood, at a later visit."""
    order = {visit: i for i, visit in enumerate(visits)}
    return {
        a.track
        for a in palace.absences()
        if a.track in latest and order.get(a.visit, -1) > order[latest[a.track].visit]
        and math.dist(a.xyz[:2], latest[a.track].xyz[:2]) < 0.5
    }  # fmt: skip


def _add_ways(tree: networkx.MultiDiGraph, palace: MindPalace, visits: set[str]) -> None:
    """``adjacent`` edges: places one after the other on the robot's way, and rooms that share a passage."""
    places = {ref: place for place in palace.places() for ref in place.frames}
    stood = [places[f.ref] for f in palace.frames() if f.ref.visit in visits and f.ref in places]
    for before, here in itertools.pairwise(stood):
        step = math.dist((here.x, here.y), (before.x, before.y))
        if here.id != before.id and step <= ADJACENT_PLACES_M:
            _connect(tree, ("place", before.id), ("place", here.id), step)
    try:
        site_map = palace.load_map()
    except PalaceError:
        return
    for a, b, metres in room_ways(site_map):
        _connect(tree, ("room", a), ("room", b), metres)


def room_ways(site_map: SiteMap) -> list[tuple[int, int, float]]:
    """Pairs of rooms that a robot can drive between without a third, with the geodesic metres from middle to middle."""
    grid, rooms = site_map.room_grid, {room.id: room for room in site_map.rooms}
    free = site_map.passable(RADIUS_M)
    pairs = set()
    for one, other in ((grid[1:], grid[:-1]), (grid[:, 1:], grid[:, :-1])):
        axis = 0 if one.shape[0] < grid.shape[0] else 1
        open_ = np.delete(free, 0, axis) & np.delete(free, -1, axis) & (one != other) & (one > 0) & (other > 0)
        pairs |= {(min(a, b), max(a, b)) for a, b in zip(one[open_].tolist(), other[open_].tolist(), strict=True)}
    way, middles = site_map.grid(RADIUS_M), {}
    for number in {n for pair in pairs for n in pair} & set(rooms):
        cells = np.argwhere(free & (grid == number))
        spots = site_map.origin + (cells + 0.5) * site_map.resolution
        # The very centroid may lie under a table: the passable spot nearest to it stands for the room.
        middles[number] = spots[np.argmin(np.hypot(*(spots - rooms[number].centroid).T))]
    lengths = [(a, b, way.length(middles[a], middles[b])) for a, b in sorted(pairs) if {a, b} <= set(middles)]
    return [(a, b, metres) for a, b, metres in lengths if math.isfinite(metres)]


def _connect(tree: networkx.MultiDiGraph, a: tuple, b: tuple, weight: float) -> None:
    for start, end in ((a, b), (b, a)):
        known = tree.get_edge_data(start, end, key="adjacent")
        if known is None or known["weight"] > weight:
            tree.add_edge(start, end, key="adjacent", weight=weight)
