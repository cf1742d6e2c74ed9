"""Where things that are looked for were seen: read off fans, poses and nothing else, so an agent may know it.

``in_view`` says where the nearest thing of each goal kind lies in one look. ``recalled`` says of every step of a trial
where the goal's kind was seen nearest to where one stands now: what a memory should be able to tell. It is a label for
learning (``ppo.recall``), made from the agent's own tokens alone; no policy reads it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from embodied_mem.policies.tokens import Tokens
from embodied_mem.sim.vector.fan import SPREAD
from embodied_mem.sim.vector.protocol import GOAL, HEADING, KIND_OF, POSITION, Space

#: Numbers that a recalled place is told in: x, y from here in the map, then ahead, left of the robot.
WAYS = 4
_ROWS = 8  # trials whose looks are compared at a time


def fans(spaces: dict[str, Space]) -> dict[str, str]:
    """Fields of ranges and the fields of their kinds."""
    return {k: k + KIND_OF for k, s in sorted(spaces.items()) if s.kind == "ranges"}


def can_place(spaces: dict[str, Space]) -> bool:
    """Whether an observation says enough to tell where in the map a thing in view lies."""
    return bool(fans(spaces)) and {GOAL, HEADING, POSITION} <= set(spaces)


class Nearest(NamedTuple):
    """Of each kind in a look: ``reach`` [..., K] how far the nearest ray on it goes, inf where none is on it; ``ray``
    [..., K] int64 which it is."""

    reach: Tensor
    ray: Tensor


def nearest(far: Tensor, kind: Tensor, kinds: int) -> Nearest:
    """Of all hits [..., R, hits] of a fan, the nearest of each of so many kinds."""
    hits, far, kind = far.shape[-1], far.flatten(-2), kind.flatten(-2)
    reach = far.new_full((*far.shape[:-1], kinds), torch.inf).scatter_reduce(-1, kind, far, "amin")
    at = torch.arange(far.shape[-1], device=far.device).expand_as(kind)
    on_it = torch.where(far == reach.gather(-1, kind), at, 0)
    ray = torch.zeros_like(reach, dtype=torch.int64).scatter_reduce(-1, kind, on_it, "amax") // hits
    return Nearest(reach, ray)


class Sightings(NamedTuple):
    """``place`` [..., G, 2]: where the nearest thing in view of each goal kind lies, in the map, in units of the
    position; ``seen`` [..., G] bool: whether one is in view (where not, ``place`` is 0)."""

    place: Tensor
    seen: Tensor


def in_view(tokens: Tokens, spaces: dict[str, Space], found: Nearest | None = None) -> Sightings:
    """See :class:`Sightings`, for tokens [...]; ``found``: the nearest of each kind, where it is known already."""
    pairs = fans(spaces)
    if found is None:
        far, kind = (torch.stack([tokens[k] for k in keys], -1) for keys in (pairs, pairs.values()))
        found = nearest(far, kind.long(), spaces[next(iter(pairs.values()))].size)
    reach, ray = (part[..., -spaces[GOAL].size :] for part in found)
    left = SPREAD * (0.5 - (ray + 0.5) / spaces[next(iter(pairs))].shape[0])
    angle = left + (tokens[HEADING] * (2 * math.pi / spaces[HEADING].size))
    seen = reach.isfinite()
    reach = torch.where(seen, reach, 0.0)
    place = tokens[POSITION][..., None, :] + torch.stack([reach * angle.cos(), reach * angle.sin()], -1)
    return Sightings(place * seen[..., None], seen)


def ways(tokens: Tokens, spaces: dict[str, Space], place: Tensor) -> Tensor:
    """[..., WAYS]: from where one stands to ``place`` [..., 2]."""
    offset = place - tokens[POSITION]
    heading = tokens[HEADING][..., 0] * (2 * math.pi / spaces[HEADING].size)
    cos, sin = heading.cos(), heading.sin()
    x, y = offset.unbind(-1)
    return torch.stack([x, y, x * cos + y * sin, y * cos - x * sin], -1)


def recalled(trial: Tokens, spaces: dict[str, Space], across: bool = True) -> tuple[Tensor, Tensor]:
    """Of each step of trials [B, T]: the way [B, T, WAYS] to the sighting of its goal's kind, then or before, that is
    nearest to where one stands; and whether there was any, [B, T] bool (where not, the way is 0). Without ``across``
    sightings of the same episode count alone."""
    parts = [_recalled({k: v[i : i + _ROWS] for k, v in trial.items()}, spaces, across)
             for i in range(0, len(trial["step"]), _ROWS)]  # fmt: skip
    way, known = (torch.cat(part) for part in zip(*parts, strict=True))
    return way, known


def _recalled(trial: Tokens, spaces: dict[str, Space], across: bool) -> tuple[Tensor, Tensor]:
    place, seen = in_view(trial, spaces)
    goal, row = trial[GOAL][..., 0], torch.arange(len(place), device=place.device)[:, None]
    # Things are rarely in view: n looks at most show one of a kind, those first.
    then = (~seen).byte().argsort(dim=1, stable=True)[:, : max(1, int(seen.sum(1).max()))]
    there = place.gather(1, then[..., None].expand(-1, -1, -1, 2)).transpose(1, 2)[row, goal]  # [B, T, n, 2]
    seen, then = (part.transpose(1, 2)[row, goal] for part in (seen.gather(1, then), then))  # [B, T, n]
    seen = seen & (then <= torch.arange(goal.shape[1], device=goal.device)[:, None])
    if not across:
        seen = seen & (trial["episode"].gather(1, then.flatten(1)).view_as(then) == trial["episode"][..., None])
    apart = (there - trial[POSITION][:, :, None]).square().sum(-1).masked_fill(~seen, torch.inf)
    least, which = apart.min(-1)
    found = there.gather(2, which[..., None, None].expand(-1, -1, 1, 2))[:, :, 0]
    known = least.isfinite()
    return ways(trial, spaces, found) * known[..., None], known
