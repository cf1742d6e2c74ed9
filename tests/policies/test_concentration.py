"""What POPGym's Concentration, easy, is worth to who leaves open cards alone: with a memory, and without."""

from __future__ import annotations

import numpy as np
import pytest

CARDS, GAMES = 52, 60


def game(remembers: bool, seed: int) -> float:
    """The return of a player who never turns up an open card, and who may remember all that were turned up."""
    env = pytest.importorskip("popgym").envs.concentration.Concentration(num_decks=1, deck_type="colors")
    env.reset(seed=seed)
    rng, known, total, first, over = np.random.default_rng(seed), {}, 0.0, None, False
    opened: set[int] = set()
    while not over:
        closed = [card for card in range(CARDS) if card not in opened and card != first]
        choice = rng.choice(known_pair(known, closed, first) or [c for c in closed if c not in known] or closed)
        seen, reward, won, late, _ = env.step(int(choice))
        total, over = total + reward, won or late
        if remembers:
            known[choice] = seen[choice]
        if first is None:
            first, colour = choice, seen[choice]
        else:
            opened |= {first, choice} if seen[choice] == colour else set()
            first = None
    return total


def known_pair(known: dict, closed: list[int], first: int | None) -> list[int]:
    """Cards that are worth turning up: of the first one's colour, or of a colour of which two are known."""
    of = {card: known[card] for card in closed if card in known}
    if first is not None:
        return [card for card, colour in of.items() if colour == known.get(first)]
    return [card for card, colour in of.items() if list(of.values()).count(colour) > 1]


def test_it_tells_a_memory_from_none():
    """The figures of docs/yardsticks.md; a policy that plays at random gets -0.19 there."""
    without, with_memory = (np.mean([game(remembers, seed) for seed in range(GAMES)]) for remembers in (False, True))
    assert without == pytest.approx(0.45, abs=0.06)
    assert with_memory == pytest.approx(0.81, abs=0.02)
