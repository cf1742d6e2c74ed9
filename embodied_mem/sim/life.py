"""The life of a house: residents whose routines and moods move, bring, take and switch things over days to months.

``Life(house, seed, days)`` is deterministic and done when it is built; :attr:`Life.log` is ground truth.
Add a mechanism by writing a function of a draft and listing it in :data:`MECHANISMS`; regularities come first,
because chance leaves alone what they own.
"""

from __future__ import annotations

from embodied_mem.errors import InputError
from embodied_mem.sim import routines_chance, routines_regular
from embodied_mem.sim.house import House
from embodied_mem.sim.log import EventLog
from embodied_mem.sim.routines import Draft, Pattern
from embodied_mem.sim.schedule import day_zero, question_time, visit_times

FUTURE_DAYS = 3  # lived beyond the question, so that predictions can be verified
MECHANISMS = (*routines_regular.MECHANISMS, *routines_chance.MECHANISMS)


class Life:
    """What happens in ``house`` from midnight of day 0 for ``days`` patrol days and three more.

    residents  names
    log        :class:`EventLog`; its initial state is ``house`` as given
    patterns   the regularities behind it (scorers only)
    visits     (visit id, start) of every patrol; ``question_time`` is the slot after the last one

    Raises :class:`InputError` for less than one day.
    """

    def __init__(self, house: House, seed: int, days: int = 8):
        if days < 1:
            raise InputError(f"a life of {days} days; at least 1")
        self.seed, self.days = seed, days
        self.start = day_zero(seed)
        self.visits = visit_times(seed, days)
        self.question_time = question_time(seed, days)
        draft = Draft(house, seed, days + FUTURE_DAYS)
        for mechanism in MECHANISMS:
            mechanism(draft)
        draft.run()
        self.residents: tuple[str, ...] = draft.residents
        self.patterns: tuple[Pattern, ...] = tuple(draft.patterns)
        self.log = EventLog(house, draft.events)
