"""The two-level read of remembered moments: the best places by their mean moment, then attention inside each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.policies.attention import FORBIDDEN, token_weights
from embodied_mem.policies.encoder import GatedMLP

_MANY = 32  # places: more are renumbered, so that only those that are there count


@dataclass(frozen=True)
class Chunks:
    """Which place each of S moments is of, and what each of n queries may look at; the same for all layers."""

    of: Tensor
    """[B, S, C] float32, one-hot."""
    member: Tensor
    """[B, n, S] float32: 1 where a query sees the moment."""
    bias: Tensor
    """[B, 1, n, S]: for logits; FORBIDDEN where it does not."""
    count: Tensor
    """[B, n, C]: moments of each place that a query sees."""

    @classmethod
    def among(cls, place: Tensor, places: int, member: Tensor) -> Chunks:
        """``place`` [B, S] below ``places``, ``member`` [B, n, S] bool."""
        if places > _MANY:
            place = _renumbered(place)
            places = int(place.max()) + 1
        of = (place[..., None] == torch.arange(places, device=place.device)).float()
        member = member.float()
        return cls(of, member, ((1 - member) * FORBIDDEN)[:, None], member @ of)


class ReaderBlock(nn.Module):
    """The two-level read of places, then a gated MLP; each normed before and added after.

    Memory holds moments, not keys and values: one vector serves all layers and heads (:func:`as_kept`).
    """

    def __init__(self, width: int, heads: int, hidden: int, top: int) -> None:
        super().__init__()
        self.count, self.top = heads, top
        self.norm, self.memory_norm, self.mlp_norm = (nn.RMSNorm(width) for _ in range(3))
        self.relevant, self.summary = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.query, self.key_value = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mlp = GatedMLP(width, hidden)

    def match(self, sharp: float) -> None:
        """Begin with places and moments that are asked for by what they are like: queries what keys are, ``sharp``
        times as long."""
        with torch.no_grad():
            self.summary.weight *= sharp
            self.relevant.weight.copy_(self.summary.weight)
            key = self.key_value.weight[: self.query.out_features]
            key *= sharp
            self.query.weight.copy_(key)

    def forward(self, x: Tensor, memory: Tensor, chunks: Chunks) -> tuple[Tensor, Tensor]:
        """x [B, n, width] over S kept moments [B, S, width]; returns it after the layer, and the attention weights
        [B, H, n, S]."""
        weights = self.weights(x, memory, chunks)
        x = x + self.out(self._values(weights, memory))
        return x + self.mlp(self.mlp_norm(x)), weights

    def weights(self, x: Tensor, memory: Tensor, chunks: Chunks) -> Tensor:
        """[B, H, n, S]. The score of a place is that of its mean moment, which is the mean of its moments' scores."""
        x = self.norm(x)
        relevant = (self.relevant(x) * x.shape[-1] ** -0.5) @ (self.summary.weight * self.memory_norm.weight)
        each = (relevant @ memory.transpose(1, 2)) * chunks.member
        score = torch.where(chunks.count > 0, each @ chunks.of / chunks.count.clamp(min=1), FORBIDDEN)
        logits = self._logits(x, memory) + chunks.bias
        return token_weights(logits, score, chunks.of, self.top)

    def _logits(self, x: Tensor, memory: Tensor) -> Tensor:
        """[B, H, n, S]: many queries meet the moments' keys; a single one is brought to the moments, which is cheaper
        than to make the keys of all of them."""
        query, weight = self.query(x).unflatten(-1, (self.count, -1)), self._weight(0)
        query = query * query.shape[-1] ** -0.5
        if x.shape[1] == 1:
            query = (query[:, 0].transpose(0, 1) @ weight).transpose(0, 1)  # B H width
            return (query @ memory.transpose(1, 2))[:, :, None]
        key = F.linear(memory, weight.flatten(0, 1)).unflatten(-1, (self.count, -1))
        return query.transpose(1, 2) @ key.permute(0, 2, 3, 1)

    def _values(self, weights: Tensor, memory: Tensor) -> Tensor:
        """[B, n, width]: the moments' values by their weights, likewise."""
        weight = self._weight(1)
        if weights.shape[2] == 1:
            read = (weights[:, :, 0] @ memory).transpose(0, 1) @ weight.transpose(1, 2)  # H B D
            return read.transpose(0, 1).flatten(1)[:, None]
        value = F.linear(memory, weight.flatten(0, 1)).unflatten(-1, (self.count, -1))
        return (weights @ value.transpose(1, 2)).transpose(1, 2).flatten(2)

    def _weight(self, which: int) -> Tensor:
        """[H, D, width]: from kept moments to keys (0) or values (1); the norm's gains are in it."""
        both = self.key_value.weight * self.memory_norm.weight
        return both.view(2, self.count, -1, both.shape[1])[which]


def as_kept(moments: Tensor) -> Tensor:
    """Moments [..., width] as memory keeps them: of length one, root mean square."""
    return F.rms_norm(moments, moments.shape[-1:])


def length_of(moments: Tensor) -> Tensor:
    """[...]: the root mean square that :func:`as_kept` divides moments [..., width] by."""
    return moments.square().mean(-1).sqrt()


def taken(memory: Tensor, index: Tensor) -> Tensor:
    """Moments ``index`` [B, S] of [B, T, width]."""
    return memory.gather(1, index[..., None].expand(-1, -1, memory.shape[-1]))


def _renumbered(place: Tensor) -> Tensor:
    """[B, S]: the same places, numbered in each row from 0 on without gaps."""
    ordered, order = place.sort(1)
    number = F.pad((ordered[:, 1:] != ordered[:, :-1]).long(), (1, 0)).cumsum(1)
    return torch.empty_like(place).scatter_(1, order, number)
