"""ELMUR: every layer owns memory slots; tokens read all of them, and each segment rewrites the least recently written.

The read is cross-attention of tokens over slots, the write cross-attention of a slot over the segment's tokens, both
with a learned bias of how long ago they are apart. An empty slot takes the new content, a used one the mixture
λ·new + (1−λ)·old, so what was written fades by (1−λ) each time its slot is. The memory is detached between segments
(the source's choice, so that the write itself is not learned; ``detach: false`` lets the gradient through). One gated
MLP stands for the source's mixture of experts, which its ablation finds no better.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.policies.encoder import GatedMLP
from embodied_mem.policies.segments import CausalAttention, Recent, SegmentConfig, SegmentPolicy, SegmentState, joined

EMPTY = -1
Memory = tuple[tuple[int, ...], list[Tensor]]


@dataclass(frozen=True)
class ElmurConfig(SegmentConfig):
    """``budget`` − ``segment`` slots in each layer; more than a trial has segments are of no use."""

    budget: int = field(default=48, metadata={"min": 2, "max": 100_000})
    blend: float = field(default=0.5, metadata={"min": 0.0, "max": 1.0})
    """λ: share of the new content in a slot that is rewritten."""
    sigma: float = field(default=0.1, metadata={"min": 0.0, "max": 10.0})
    """Spread of what stands in empty slots."""
    farthest: int = field(default=512, metadata={"min": 1, "max": 1_000_000})
    """Steps apart beyond which the bias is one and the same."""
    detach: bool = True


class ElmurBlock(nn.Module):
    """One layer's token track and memory track; each part is added and then normed."""

    def __init__(self, config: ElmurConfig) -> None:
        super().__init__()
        width = config.width
        self.attention, self.mlp = CausalAttention(width, config.heads), GatedMLP(width, config.hidden)
        self.read, self.rewritten = Cross(config), Cross(config)
        self.write_mlp = GatedMLP(width, config.hidden)
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in range(5))
        self.register_buffer("empty", config.sigma * torch.randn(config.memory_tokens, width))

    def forward(self, x: Tensor, first: int, recent: Recent, memory: Tensor, ago: Tensor) -> tuple[Tensor, Recent]:
        """Tokens [B, n, width] with the slots [B, M, width], written ``ago`` [n, M] steps before them."""
        seen, pair = self.attention(x, first, recent[:2])
        x = self.norms[0](x + seen)
        x = self.norms[1](x + self.read(x, memory, ago))
        left = (*pair, *joined(recent[2:], (x,)))
        return self.norms[2](x + self.mlp(x)), left

    def write(self, slot: Tensor, content: Tensor, ago: Tensor) -> Tensor:
        """The new content of slots [B, m, width] from a segment's tokens [B, n, width], ``ago`` [m, n] steps before
        which they were written last (negative)."""
        u = self.norms[3](slot + self.rewritten(slot, content, ago))
        return self.norms[4](u + self.write_mlp(u))


class Cross(nn.Module):
    """Cross-attention with a learned bias of the steps apart, one a head."""

    def __init__(self, config: ElmurConfig) -> None:
        super().__init__()
        width, self.count, self.farthest = config.width, config.heads, config.farthest
        self.query, self.key_value = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(2 * config.farthest - 1, config.heads))

    def forward(self, x: Tensor, other: Tensor, ago: Tensor) -> Tensor:
        query = self.query(x).unflatten(-1, (self.count, -1)).transpose(1, 2)
        key, value = self.key_value(other).unflatten(-1, (2, self.count, -1)).permute(2, 0, 3, 1, 4)
        bias = self.bias[ago.clamp(1 - self.farthest, self.farthest - 1) + self.farthest - 1].permute(2, 0, 1)
        return self.out(F.scaled_dot_product_attention(query, key, value, bias[None]).transpose(1, 2).flatten(2))


class Elmur(SegmentPolicy):
    """Memory: the step each slot was last written at (EMPTY: never), and per layer the slots [B, M, width]."""

    Config, Block = ElmurConfig, ElmurBlock

    def empty_memory(self, batch: int) -> Memory:
        slots = [block.empty.expand(batch, -1, -1) for block in self.blocks]
        return (EMPTY,) * self.config.memory_tokens, slots

    def advance(self, x: Tensor, state: SegmentState) -> tuple[Tensor, list[Recent]]:
        anchors, slots = state.memory
        written, recent = torch.tensor(anchors, device=x.device), []
        now = torch.arange(state.length, state.length + x.shape[1], device=x.device)
        for block, past, memory in zip(self.blocks, state.recent, slots, strict=True):
            x, left = block(x, state.filled, past, memory, now[:, None] - written)
            recent.append(left)
        return x, recent

    def close(self, state: SegmentState) -> Memory:
        anchors, slots = state.memory
        slot, blend = rewrite(anchors, self.config.blend)
        end = state.length - 1
        memory = []
        for block, old, (_, _, content) in zip(self.blocks, slots, state.recent, strict=True):
            ago = anchors[slot] - torch.arange(end + 1 - state.filled, end + 1, device=old.device)
            before, own, after = old.tensor_split((slot, slot + 1), 1)
            new = block.write(own, content, ago[None])
            mixed = torch.cat([before, blend * new + (1 - blend) * own, after], 1)
            memory.append(mixed.detach() if self.config.detach else mixed)
        return (*anchors[:slot], end, *anchors[slot + 1 :]), memory


def rewrite(anchors: tuple[int, ...], blend: float) -> tuple[int, float]:
    """Which slot the next segment goes to, and the share of its content there: the first empty slot takes all of it,
    otherwise the one written longest ago takes ``blend``."""
    if EMPTY in anchors:
        return anchors.index(EMPTY), 1.0
    return min(range(len(anchors)), key=anchors.__getitem__), blend
