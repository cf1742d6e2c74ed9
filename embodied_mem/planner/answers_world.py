"""One concrete world, and how a question reads it. A finding is an answer with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_mem.planner.belief_history import Place
from embodied_mem.planner.belief_worlds import ABSENT, DOMAINS, ELSEWHERE, Chain, Worlds
from embodied_mem.planner.query import Query
from embodied_mem.types import ABSTAIN, Value

Uses = tuple[tuple[int, int], ...]  # (index of a chain, index of a slot)


@dataclass(frozen=True)
class Finding:
    """value None: this world's answer is none that could be named (it is somewhere never seen)."""

    value: Value | None
    uses: Uses = ()


UNKNOWN = Finding(None)
NO_ANSWER = Finding(ABSTAIN)


@dataclass(frozen=True)
class World:
    """World ``n`` of the samples: plain look-ups."""

    worlds: Worlds
    n: int

    @property
    def last(self) -> int:
        """Index of the present; visits are 0 .. last−1."""
        return self.worlds.present

    def chain(self, i: int) -> Chain:
        return self.worlds.chains[i]

    def members(self) -> list[int]:
        """Chains that the question means, most often seen first."""
        return [i for i, c in enumerate(self.worlds.chains) if c.match[self.n]]

    def place(self, i: int, t: int) -> Place:
        chain = self.chain(i)
        return chain.places[chain.sequence[self.n, t]]

    def here(self, i: int, t: int) -> bool:
        return self.place(i, t) != ABSENT

    def seen(self, i: int, t: int) -> bool:
        visit = self.worlds.slots[t].visit
        return visit in self.chain(i).subject.seen

    def state(self, i: int, t: int, aspect: str) -> str:
        return DOMAINS[aspect][self.chain(i).states[aspect][self.n, t]]

    def attribute(self, i: int, aspect: str) -> str:
        return DOMAINS[aspect][self.chain(i).attributes[aspect][self.n]]

    def time(self, t: int) -> float:
        return self.worlds.slots[t].time

    def between(self, t: int) -> float:
        """The middle of the gap that ends at slot ``t``."""
        return (self.time(t - 1) + self.time(t)) / 2

    def subject(self) -> int | None:
        """The one thing that a question about one thing means."""
        members = self.members()
        return members[0] if members else None


def in_scope(query: Query, place: Place) -> bool:
    """Whether a place lies in the question's room and on its surface (each empty: anywhere in the house)."""
    if place in (ABSENT, ELSEWHERE):
        return place == ELSEWHERE and not query.room and not query.surface
    surface, room = place
    return (not query.room or room == query.room) and (not query.surface or on_surface(surface, query.surface))


def on_surface(surface: str, asked: str) -> bool:
    """Whether ``surface`` is the one asked for; a shelf with levels holds what stands on any of its levels."""
    return surface == asked or surface.endswith(f" of the {asked}")

