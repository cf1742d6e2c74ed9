"""Which memory goes when there is no room: eviction rules over slots, for a batch of trials that write in step.

Every step writes one token. While slots are empty they are filled in turn; after that a rule names the slot that is
overwritten:

    fifo    the oldest
    lifo    the newest, so that the earliest are kept
    lvfo    the oldest of the place with the fewest tokens in memory (least visited first out)
    mvfo    the oldest of the place with the most
    least   the one that got the least attention per read since it was written

Ties go to the oldest. The token to be written does not count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

RULES = ("fifo", "lifo", "lvfo", "mvfo", "least")
_NEVER = 2**40


@dataclass(frozen=True)
class Slots:
    """What is known of the remembered tokens, [B, K] each; never changed in place."""

    time: Tensor
    """int64: the step a slot was written at; −1: empty."""
    place: Tensor
    """int64: the place it tells of."""
    attended: Tensor
    """float32: the attention it got, summed over all reads."""

    @classmethod
    def empty(cls, batch: int, count: int, device: torch.device) -> Slots:
        none = torch.full((batch, count), -1, dtype=torch.int64, device=device)
        return cls(none, torch.zeros_like(none), torch.zeros(batch, count, device=device))

    @property
    def used(self) -> Tensor:
        """[B, K] bool."""
        return self.time >= 0

    def written(self, slot: Tensor, place: Tensor, time: int) -> Slots:
        """With the token of ``time`` at ``place`` [B] in ``slot`` [B]."""
        at = slot[:, None]
        return Slots(self.time.scatter(1, at, time), self.place.scatter(1, at, place[:, None]),
                     self.attended.scatter(1, at, 0.0))  # fmt: skip

    def read(self, weights: Tensor) -> Slots:
        """After a read with these attention weights [B, K]."""
        return Slots(self.time, self.place, self.attended + weights)

    def slot_for(self, time: int, rule: Tensor, places: int, among: tuple[str, ...] = RULES) -> Tensor:
        """[B] int64: where the token of ``time`` goes. ``rule`` [B] are indices into RULES, of rules in ``among``."""
        if time < self.time.shape[1]:
            return torch.full_like(rule, time)
        slot = self._victim(among[0], time, places)
        for name in among[1:]:
            slot = torch.where(rule == RULES.index(name), self._victim(name, time, places), slot)
        return slot

    def _victim(self, rule: str, time: int, places: int) -> Tensor:
        """[B]: the slot that goes by a rule, when all are full."""
        if rule == "lifo":
            return self.time.argmax(1)
        if rule == "fifo":
            return self.time.argmin(1)
        if rule == "least":
            badness = -self.attended / (time - self.time)
        else:
            tokens = torch.zeros(len(self.time), places, dtype=torch.int64, device=self.time.device)
            tokens = tokens.scatter_add(1, self.place, torch.ones_like(self.place)).gather(1, self.place)
            badness = tokens if rule == "mvfo" else -tokens
        worst = badness == badness.amax(1, keepdim=True)
        return self.time.masked_fill(~worst, _NEVER).argmin(1)


@torch.no_grad()
def forgotten(
    place: Tensor, rule: Tensor, count: int, places: int, among: tuple[str, ...] = RULES,
    weights: Callable[[int, Slots], Tensor] | None = None,
) -> Tensor:  # fmt: skip
    """[B, T] int64: the step that overwrote each token, T or more when none did: a read at t sees the tokens j with
    j < t ≤ forgotten_j.

    ``place`` and ``rule`` (of ``among``) are [B, T], ``count`` the slots. ``weights(t, slots)`` [B, K] is the attention
    of the read at t, where a rule asks for it.
    """
    batch, length = place.shape
    until = torch.full((batch, length + 1), length, dtype=torch.int64, device=place.device)
    if length <= count:
        return until[:, :length]
    slots = Slots.empty(batch, count, place.device)
    first = 0
    if weights is None:  # what fills the slots in turn needs no look
        first = count
        filled = torch.arange(count, device=place.device).expand(batch, -1)
        slots = Slots(filled, place[:, :count], slots.attended)
    for t in range(first, length):
        if weights is not None and t:
            slots = slots.read(weights(t, slots))
        slot = slots.slot_for(t, rule[:, t], places, among)
        old = slots.time.gather(1, slot[:, None])
        until.scatter_(1, torch.where(old < 0, length, old), t)
        slots = slots.written(slot, place[:, t], t)
    return until[:, :length]
