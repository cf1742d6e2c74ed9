"""What a fan of rays shows, as one vector: kinds weighted by nearness, whether they are looked for, where they lie.

The nearest thing of each kind is told apart from its bearing. Rays go through one small convolution without overlap, so
what a thing looks like is learned once for all bearings. Some of the outputs are vectors in the plane that turn with
the heading, so that what is remembered of a bearing holds whatever way one looks later.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.errors import ConfigError
from embodied_mem.policies.sightings import WAYS, Nearest, can_place, fans, in_view, nearest, ways
from embodied_mem.policies.tokens import Tokens
from embodied_mem.sim.vector.protocol import GOAL, HEADING, Space

_PATCH = 4  # rays that the convolution sees at once
_SPARSE = 2  # kinds are looked up for every second ray: that is half of the work, and sought ones are seen in all
_EDGES = (0.05, 0.1, 0.15, 0.175, 0.2, 0.225, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8)  # of ranges to what is sought: 0.5 to 8 m
_CHANNELS = 16
_KIND = 8  # numbers that stand for a kind
_VECTORS = 16  # in the plane
_HALF = 0.2  # range at which a thing counts half (2 m in units of 10 m)
_LOUD, _SEEN = 4.0, 1.5  # lengths of the code of what is sought, and of a kind seen at once
_WAVES = (4.0, 2.0, 1.0, 0.5)  # lengths that a position is seen on: 40 to 5 m in units of 10 m


class FanEncoder(nn.Module):
    """All fans of an observation (as many rays each) to [..., width]; see ``protocol.Space`` for what they hold."""

    def __init__(self, spaces: dict[str, Space], width: int) -> None:
        super().__init__()
        self.fans = fans(spaces)
        ranges = [spaces[k] for k in self.fans]
        kinds = [spaces[k] for k in self.fans.values()]
        self.rays, self.kinds = ranges[0].shape[0], kinds[0].size
        if any(s.shape != (self.rays,) or s.size != self.kinds for s in kinds) or self.rays % _PATCH:
            raise ConfigError(f"fans {', '.join(self.fans)} must have as many rays each, a multiple of {_PATCH}, and "
                              "the same kinds")  # fmt: skip
        self.goals = spaces[GOAL].size if GOAL in spaces else 0
        self.kind = nn.Parameter(0.5 * torch.randn(self.kinds, _KIND))
        hits = _PATCH * len(self.fans)
        self.patch_kinds = nn.Linear(_KIND * hits // _SPARSE, _CHANNELS, bias=False)
        self.patch = nn.Linear(3 * hits, _CHANNELS)
        self.out = nn.Linear(self.rays // _PATCH * _CHANNELS, width + 2 * _VECTORS)
        self.nearest = nn.Linear(self.kinds, width, bias=False)
        for layer in (self.patch_kinds, self.patch, self.out, self.nearest):  # as loud as the rest of a token
            nn.init.kaiming_normal_(layer.weight)
        self.register_buffer("edges", torch.tensor(_EDGES), persistent=False)
        self.range = nn.Embedding(len(_EDGES) + 2, width + 2 * _VECTORS)
        self.bearing = nn.Embedding(self.rays // 2, width + 2 * _VECTORS)
        for code in (self.range, self.bearing):
            nn.init.normal_(code.weight, std=0.5)
        self.turned = nn.Linear(2 * _VECTORS, width, bias=False) if HEADING in spaces else None
        if self.turned is not None:
            angle = torch.arange(spaces[HEADING].size) * (2 * math.pi / spaces[HEADING].size)
            self.register_buffer("directions", torch.stack([angle.cos(), angle.sin()], 1), persistent=False)
        self.places = nn.Linear(3 * self.goals + 1 + WAYS, width, bias=False) if can_place(spaces) else None
        if self.places is not None:
            nn.init.normal_(self.places.weight, std=0.5)
        self.spaces, self.width = spaces, width

    def know_by(self, goals: Tensor) -> None:
        """Begin with one code for a kind that is seen and for the same that is sought: ``goals`` [G, width], the codes
        of goals, change with it. A memory that is asked for what it is like then answers from the first step on."""
        code = F.normalize(torch.randn_like(goals), dim=1)
        with torch.no_grad():
            goals.copy_(_LOUD * code)
            self.nearest.weight[:, self.kinds - self.goals :] = _SEEN * code.T

    def forward(self, tokens: Tokens) -> Tensor:
        lead = tokens["step"].shape
        far = torch.stack([tokens[k].reshape(-1, self.rays) for k in self.fans], -1)  # [N, R, hits]
        kind = torch.stack([tokens[k].reshape(-1, self.rays) for k in self.fans.values()], -1).long()
        near = _nearness(far).masked_fill(kind == 0, 0.0)
        sought = torch.zeros_like(near)
        if self.goals:
            sought = (kind == tokens[GOAL].reshape(-1, 1, 1) + (self.kinds - self.goals)).to(near.dtype) * near
        some, close = kind[:, ::_SPARSE], near[:, ::_SPARSE, :, None]
        kinds = (F.embedding(some, self.kind) * close).view(-1, self.patch_kinds.in_features)
        rest = torch.stack([far, near, sought], -1).view(-1, self.patch.in_features)
        found = nearest(far, kind, self.kinds)
        x = self.out(F.relu(self.patch_kinds(kinds) + self.patch(rest)).view(len(far), -1))
        if self.goals:
            x = x + self._sought(found, tokens[GOAL].reshape(-1, 1))
        x, vectors = x.split([self.width, 2 * _VECTORS], -1)
        x = x + self.nearest(F.pad(_nearness(found.reach)[:, 1:], (1, 0)))
        if self.places is not None:
            x = x + self.places(self._places(tokens, found)).view_as(x)
        if self.turned is None:
            return x.reshape(*lead, -1)
        cos, sin = F.embedding(tokens[HEADING].flatten(), self.directions)[:, None].unbind(-1)
        ahead, left = vectors.chunk(2, -1)
        turned = torch.cat([ahead * cos - left * sin, ahead * sin + left * cos], -1)
        return (x + self.turned(turned)).reshape(*lead, -1)

    def _sought(self, found: Nearest, goal: Tensor) -> Tensor:
        """[N, width + vectors]: codes of the range and the bearing of the nearest ray on what is sought."""
        reach, ray = (part.gather(1, goal + (self.kinds - self.goals))[:, 0] for part in found)
        visible = reach.isfinite()
        code = torch.where(visible, torch.bucketize(reach, self.edges), len(_EDGES) + 1)
        return self.range(code) + self.bearing(ray // 2) * visible[:, None]

    def _places(self, tokens: Tokens, found: Nearest) -> Tensor:
        """[..., 3 · goals + 1 + WAYS]: where things of all goal kinds in view are in the map; the way to the goal."""
        goal = tokens[GOAL]
        found = Nearest(*(part.reshape(*goal.shape[:-1], -1) for part in found))
        place, seen = in_view(tokens, self.spaces, found)
        sought = place.gather(-2, goal[..., None].expand(*goal.shape, 2))[..., 0, :]
        visible = seen.gather(-1, goal).to(place.dtype)
        return torch.cat([place.flatten(-2), seen.to(place.dtype), visible,
                          ways(tokens, self.spaces, sought) * visible], -1)  # fmt: skip


def _nearness(far: Tensor) -> Tensor:
    """1 at no distance, a half at ``_HALF``, 0 for what is not there."""
    return _HALF / (_HALF + far)


class PositionCode(nn.Module):
    """Positions [..., 2] to [..., width]: waves of several lengths, so that places can be told apart and compared."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("waves", 2 * math.pi / torch.tensor(_WAVES), persistent=False)
        self.out = nn.Linear(4 * len(_WAVES), width, bias=False)

    def forward(self, position: Tensor) -> Tensor:
        phase = (position[..., None] * self.waves).flatten(-2)
        return self.out(torch.cat([phase.sin(), phase.cos()], -1))
