"""HCAM: the past in chunks; a mean-pooled key for each chooses the top k, and attention looks inside those.

A layer is attention over the running chunk, the two-level read of past chunks, and the gated MLP. What is kept are
each layer's inputs, without gradient (the source's choice; ``detach: false`` lets it through); a mean of linear keys
is the key of the mean, so summaries are kept as keys. When the budget is full the oldest chunk goes. Left out: the
source's self-supervised reconstruction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from embodied_mem.policies.attention import two_level
from embodied_mem.policies.clock import sinusoid
from embodied_mem.policies.encoder import GatedMLP
from embodied_mem.policies.segments import (
    CausalAttention,
    Recent,
    SegmentConfig,
    SegmentPolicy,
    SegmentState,
    joined,
    latest,
)


@dataclass(frozen=True)
class HcamConfig(SegmentConfig):
    """A chunk is a segment; ``top`` of the past chunks are read."""

    top: int = field(default=4, metadata={"min": 1, "max": 10_000})
    detach: bool = True

    @property
    def smallest(self) -> int:
        return self.segment

    @property
    def chunks(self) -> int:
        """Past chunks within the budget."""
        return self.memory_tokens // self.segment


class HcamBlock(nn.Module):
    """Attention over the chunk, read of the past, gated MLP; each normed before and added after."""

    def __init__(self, config: HcamConfig) -> None:
        super().__init__()
        self.norm, self.read_norm, self.mlp_norm = (nn.RMSNorm(config.width) for _ in range(3))
        self.attention = CausalAttention(config.width, config.heads)
        self.read = Read(config)
        self.mlp = GatedMLP(config.width, config.hidden)

    def forward(self, x: Tensor, first: int, recent: Recent, memory: Recent) -> tuple[Tensor, Recent]:
        seen, recent = self.attention(self.norm(x), first, recent)
        x = x + seen
        if memory:
            x = x + self.read(self.read_norm(x), *memory)
        return x + self.mlp(self.mlp_norm(x)), recent


class Read(nn.Module):
    """The two-level read of one layer."""

    def __init__(self, config: HcamConfig) -> None:
        super().__init__()
        width, self.count, self.top, self.size = config.width, config.heads, config.top, config.segment
        self.norm = nn.RMSNorm(width)
        self.relevant, self.summary = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.query, self.key_value = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.register_buffer("places", sinusoid(torch.arange(config.segment), width), persistent=False)

    def kept(self, content: Tensor) -> Recent:
        """What is kept of a chunk [B, segment, width]: its key [B, 1, width], keys and values [B, H, segment, D]."""
        content = self.norm(content)
        pair = self.key_value(content + self.places).unflatten(-1, (2, self.count, -1))
        key, value = pair.permute(2, 0, 3, 1, 4)
        return self.summary(content.mean(1, keepdim=True)), key, value

    def forward(self, x: Tensor, summary: Tensor, key: Tensor, value: Tensor) -> Tensor:
        score = self.relevant(x) @ summary.transpose(1, 2) / math.sqrt(x.shape[-1])
        query = self.query(x).unflatten(-1, (self.count, -1)).transpose(1, 2)
        tokens = key.shape[2]
        chunk = (torch.arange(tokens, device=x.device) // self.size).expand(len(x), -1)
        member = torch.ones(1, 1, 1, dtype=torch.bool, device=x.device).expand(len(x), x.shape[1], tokens)
        return self.out(two_level(query, key, value, score, chunk, member, self.top).transpose(1, 2).flatten(2))


class Hcam(SegmentPolicy):
    """Memory: per layer, keys of chunks [B, C, width], keys and values of their tokens [B, H, C·segment, D]."""

    Config, Block = HcamConfig, HcamBlock
    leaves_inputs = True

    def close(self, state: SegmentState) -> list[Recent]:
        kept, memory = self.config.chunks, []
        for block, old, past in zip(self.blocks, state.memory, state.recent, strict=True):
            content = past[2].detach() if self.config.detach else past[2]
            summary, key, value = block.read.kept(content)
            chunks, tokens = joined(old[:1], (summary,)), joined(old[1:], (key, value))
            memory.append((*latest(chunks, kept), *latest(tokens, kept * self.config.segment)))
        return memory
