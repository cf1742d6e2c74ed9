"""Memo: learned summary tokens close every segment; later segments see all summaries, and no older token.

What comes out of the summary tokens goes in again before the next segment, and is remembered as keys and values.
Positions: summaries count from 0, the running segment goes on after them. The gradient runs through all summaries to
the segments they sum up. In learning every segment has its own length, the configured one × 0.8..1.2; acting has the
configured one. When the budget is full the oldest segment's summaries go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from embodied_mem.policies.segments import Recent, SegmentConfig, SegmentPolicy, SegmentState, joined, latest
from embodied_mem.policies.tokens import Spec

_SHORTEST, _LONGEST = 0.8, 1.2


@dataclass(frozen=True)
class MemoConfig(SegmentConfig):
    """The source's: segments of 256, 32 summaries each."""

    summaries: int = field(default=4, metadata={"min": 1, "max": 10_000})
    randomise: bool = True
    """Segments of random length in learning."""

    @property
    def smallest(self) -> int:
        return self.summaries

    @property
    def kept(self) -> int:
        """Summaries within the budget, whole segments only."""
        return self.memory_tokens // self.summaries * self.summaries


class Memo(SegmentPolicy):
    """Memory: per layer, keys and values [B, H, m, D] of summaries."""

    Config = MemoConfig

    def __init__(self, spec: Spec, config: MemoConfig | None = None) -> None:
        super().__init__(spec, config)
        self.ask = nn.Parameter(torch.randn(self.config.summaries, self.config.width) * 0.02)

    def segment_length(self) -> int:
        if not self.config.randomise:
            return self.config.segment
        draw = torch.rand((), generator=self.generator, device=self.ask.device)
        return max(1, round(self.config.segment * float(_SHORTEST + (_LONGEST - _SHORTEST) * draw)))

    def position(self, state: SegmentState) -> int:
        return self.config.summaries * state.segments + state.filled

    def close(self, state: SegmentState) -> list[Recent]:
        summed, _ = self.advance(self.ask.expand(len(state.recent[0][0]), -1, -1), state)
        x, memory = summed, []
        for block, old in zip(self.blocks, state.memory, strict=True):
            x, pair = block(x, self.config.summaries * state.segments, prefix=old)
            memory.append(latest(joined(old, pair), self.config.kept))
        return memory
