"""RATE: memory tokens stand before and after every segment; a retention valve decides what goes on to the next.

A segment is [M, tokens, M]: all see the first copy; the second copy sees everything, and what comes out of it is the
proposed memory M'. The valve is FFN(attention of the old M over M'), so the old memory decides what to admit. The
source detaches memory between segments, as its released trainer does; ``detach: false`` trains the valve through time.
Left out: the source's additional Transformer-XL cache (``trxl`` is a memory of its own here) and returns-to-go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.policies.encoder import GatedMLP
from embodied_mem.policies.segments import Recent, SegmentConfig, SegmentPolicy, SegmentState
from embodied_mem.policies.tokens import Spec


@dataclass(frozen=True)
class RateConfig(SegmentConfig):
    """``budget`` − ``segment`` memory tokens; each costs two tokens a segment, so it is small."""

    budget: int = field(default=48, metadata={"min": 2, "max": 100_000})
    detach: bool = True


class Rate(SegmentPolicy):
    """Memory: the tokens [B, m, width] first, then their keys and values in each layer."""

    Config = RateConfig

    def __init__(self, spec: Spec, config: RateConfig | None = None) -> None:
        super().__init__(spec, config)
        config = self.config
        self.first = nn.Parameter(torch.randn(config.memory_tokens, config.width))
        self.valve = Valve(config.width, config.heads, config.hidden)

    def empty_memory(self, batch: int) -> list:
        return self._laid_out(self.first.expand(batch, -1, -1))

    def read(self, memory: list) -> list[Recent]:
        return memory[1:]

    def position(self, state: SegmentState) -> int:
        return self.config.memory_tokens + state.filled

    def close(self, state: SegmentState) -> list:
        old = state.memory[0]
        proposed, _ = self.advance(old, state, causal=False)
        new = self.valve(old, proposed)
        return self._laid_out(new.detach() if self.config.detach else new)

    def _laid_out(self, memory: Tensor) -> list:
        """Memory tokens with the keys and values of their copy before the segment; they all see each other."""
        x, pairs = memory, []
        for block in self.blocks:
            x, pair = block(x, 0, causal=False)
            pairs.append(pair)
        return [memory, *pairs]


class Valve(nn.Module):
    """New memory = FFN(attention with the old memory as queries, the proposed one as keys and values)."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.count = heads
        self.query, self.key_value = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.old_norm, self.new_norm, self.norm = (nn.RMSNorm(width) for _ in range(3))
        self.mlp = GatedMLP(width, hidden)

    def forward(self, old: Tensor, proposed: Tensor) -> Tensor:
        old, proposed = self.old_norm(old), self.new_norm(proposed)
        query = self.query(old).unflatten(-1, (self.count, -1)).transpose(1, 2)
        key, value = self.key_value(proposed).unflatten(-1, (2, self.count, -1)).permute(2, 0, 3, 1, 4)
        admitted = self.out(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
        return admitted + self.mlp(self.norm(admitted))
