"""The two-level read of remembered moments: the best places by their mean moment, then attention inside each."""

from __future__ import annotations

import math

from torch import Tensor, nn, where

from embodied_mem.policies.attention import FORBIDDEN, token_weights
from embodied_mem.policies.encoder import GatedMLP


class ReaderBlock(nn.Module):
    """The two-level read of places, then a gated MLP; each normed before and added after."""

    def __init__(self, width: int, heads: int, hidden: int, top: int) -> None:
        super().__init__()
        self.count, self.top = heads, top
        self.norm, self.memory_norm, self.mlp_norm = (nn.RMSNorm(width) for _ in range(3))
        self.relevant, self.summary = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.query, self.key_value = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mlp = GatedMLP(width, hidden)

    def keep(self, moments: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is kept of moments [B, n, width]: for relevance [B, n, width], keys and values [B, H, n, D]."""
        x = self.memory_norm(moments)
        key, value = self.key_value(x).unflatten(-1, (2, self.count, -1)).permute(2, 0, 3, 1, 4)
        return self.summary(x), key, value

    def forward(self, x: Tensor, kept: tuple[Tensor, ...], place: Tensor, places: int, member: Tensor
                ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """x [B, n, width] over S kept moments at ``place`` [B, S], as far as ``member`` [B, n, S]; returns it after
        the layer, and the attention weights [B, H, n, S]."""
        relevance, key, value = kept
        weights = self.weights(x, relevance, key, place, places, member)
        x = x + self.out((weights @ value).transpose(1, 2).flatten(2))
        return x + self.mlp(self.mlp_norm(x)), weights

    def weights(self, x: Tensor, relevance: Tensor, key: Tensor, place: Tensor, places: int, member: Tensor) -> Tensor:
        """[B, H, n, S]. The score of a place is that of its mean moment, which is the mean of its moments' scores."""
        x = self.norm(x)
        each = (self.relevant(x) @ relevance.transpose(1, 2)) / math.sqrt(x.shape[-1]) * member
        of = nn.functional.one_hot(place, places).to(x.dtype)
        count = member.to(x.dtype) @ of
        score = where(count > 0, each @ of / count.clamp(min=1), FORBIDDEN)
        query = self.query(x).unflatten(-1, (self.count, -1)).transpose(1, 2)
        return token_weights(query, key, score, place, member, self.top)


def taken(part: Tensor, index: Tensor) -> Tensor:
    """Tokens ``index`` [B, S] of what is kept of all: [B, T, width] or [B, H, T, D]."""
    index = index[..., None] if part.dim() == 3 else index[:, None, :, None]
    return part.gather(-2, index.expand(*part.shape[:-2], -1, part.shape[-1]))
