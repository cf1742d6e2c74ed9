"""Which room an instruction means: where something was picked up or put down, never entered, or stayed in longest."""

from __future__ import annotations

from embodied_mem.planner.goals.memory import GoalMemory
from embodied_mem.planner.goals.query import GoalQuery, Target
from embodied_mem.planner.goals.which import Chances, rises

TIE_SHARE = 20  # rooms tie where their frames differ by less than this part of all
NEW, FIRST = 0.85, 0.6  # that a room without a frame was never entered; that no room is left where none is known


def rooms(query: GoalQuery, memory: GoalMemory, which: Chances | None) -> list[Target]:
    """The rooms that a query may mean; ``which``: the interactions that it names."""
    if query.role == "unvisited":
        return _unvisited(memory)
    if query.superlative:
        return _stays(memory, -1 if query.superlative == "shortest" else 1)
    if not query.role:
        return [memory.room_target(r.id, r.confidence) for r in memory.rooms.values() if r.label == query.label]
    chances: dict[int, float] = {}
    placed = query.role == "placed_in"
    for k, p in (which or {}).items():
        handling = memory.handlings[k]
        spot, frame = (handling.goal, handling.frames[3]) if placed else (handling.start, handling.frames[0])
        for room, q in memory.rooms_of(spot, frame).items():
            chances[room] = chances.get(room, 0.0) + p * q
    return [memory.room_target(room, p) for room, p in chances.items()]


def _stays(memory: GoalMemory, sign: int) -> list[Target]:
    """By how long the robot was in each room."""
    stays = {room: sign * n for room, n in memory.stays.items() if room in memory.rooms}
    tie = sum(memory.stays.values()) / TIE_SHARE
    top = max(stays.values(), default=0)
    return [memory.room_target(room, rises(n - top + tie, 0.0, tie / 3)) for room, n in stays.items()]


def _unvisited(memory: GoalMemory) -> list[Target]:
    """Rooms of the map that no frame was taken in; if none is known, the room that it began in may be meant."""
    never = [room for room in memory.rooms if not memory.stays.get(room)]
    if never:
        return [memory.room_target(room, NEW) for room in never]
    first = memory.first_room()
    return [memory.room_target(first, FIRST)] if first else []
