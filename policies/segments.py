"""What memories of segments share: a trial is lived in segments, and memory changes only where a segment ends.

Inside a segment tokens see each other causally and the memory as it was at the segment's start. Acting is the very
code of learning with one token at a time: states are never changed in place, so any may be stepped again.

``budget`` counts every token kept between two steps: the running segment's and the memory's together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from embodied_mem.errors import ConfigError
from embodied_mem.policies.attention import attend_after, rotate, rotation
from embodied_mem.policies.encoder import Encoder, GatedMLP, Heads
from embodied_mem.policies.interface import Output, Policy
from embodied_mem.policies.tokens import Spec, Tokens
from embodied_mem.policies.vision import VisionConfig

Recent = tuple[Tensor, ...]


@dataclass(frozen=True)
class SegmentConfig:
    """What all memories of segments can choose."""

    width: int = field(default=64, metadata={"min": 8, "max": 4096})
    layers: int = field(default=2, metadata={"min": 1, "max": 64})
    heads: int = field(default=4, metadata={"min": 1, "max": 64})
    hidden: int = field(default=128, metadata={"min": 8, "max": 16384})
    budget: int = field(default=256, metadata={"min": 2, "max": 10_000_000})
    segment: int = field(default=32, metadata={"min": 1, "max": 100_000})
    vision: VisionConfig = VisionConfig()

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ConfigError(f"policy.width: {self.width} must be a multiple of 2 × heads = {2 * self.heads}")
        if self.memory_tokens < self.smallest:
            raise ConfigError(
                f"policy.budget: {self.budget} leaves {self.memory_tokens} tokens of memory beside a segment of "
                f"{self.segment}; it must be {self.smallest + self.segment} or more"
            )

    @property
    def memory_tokens(self) -> int:
        """What the budget leaves beside the running segment."""
        return self.budget - self.segment

    @property
    def smallest(self) -> int:
        """Fewer tokens of memory than this are of no use."""
        return 1


@dataclass
class SegmentState:
    """``recent`` holds per layer what the running segment's tokens left; ``memory`` is the policy's own."""

    recent: list[Recent]
    memory: Any
    filled: int = 0
    """Tokens in the running segment."""
    segments: int = 0
    """Segments that have ended."""
    length: int = 0
    """Tokens so far."""


class CausalAttention(nn.Module):
    """Attention of new tokens over a prefix, over what is recent, and over each other; rotary code of positions."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.count = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Tensor, first: int, recent: Recent = (), prefix: Recent = (), causal: bool = True
    ) -> tuple[Tensor, Recent]:
        """x [B, n, width] at positions ``first`` on; keys and values are [B, H, m, D], rotated. Returns what was seen
        and the recent keys and values with the new ones."""
        query, key, value = self.project(x, first)
        recent = joined(recent, (key, value))
        keys, values = joined(prefix, recent)
        seen = attend_after(query, keys, values, causal)
        return self.merge(seen), recent

    def merge(self, seen: Tensor) -> Tensor:
        """[B, n, width] of what each head has seen [B, H, n, D]."""
        return self.out(seen.transpose(1, 2).flatten(2))

    def project(self, x: Tensor, first: int) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys (both rotated) and values [B, H, n, D]."""
        qkv = self.qkv(x).unflatten(-1, (3 * self.count, -1))
        turn = rotation(torch.arange(first, first + x.shape[1], device=x.device), qkv.shape[-1])
        turned = rotate(qkv[..., : 2 * self.count, :], turn).transpose(1, 2)
        return turned[:, : self.count], turned[:, self.count :], qkv[..., 2 * self.count :, :].transpose(1, 2)


class CausalBlock(nn.Module):
    """Attention and gated MLP, each normed before and added after."""

    def __init__(self, config: SegmentConfig) -> None:
        super().__init__()
        self.norm, self.mlp_norm = nn.RMSNorm(config.width), nn.RMSNorm(config.width)
        self.attention = CausalAttention(config.width, config.heads)
        self.mlp = GatedMLP(config.width, config.hidden)

    def forward(self, x: Tensor, first: int, recent: Recent = (), prefix: Recent = (), causal: bool = True
                ) -> tuple[Tensor, Recent]:  # fmt: skip
        seen, recent = self.attention(self.norm(x), first, recent, prefix, causal)
        return self.after(x, seen), recent

    def after(self, x: Tensor, seen: Tensor) -> Tensor:
        """What the layer makes of its inputs and of what it has seen [B, n, width]."""
        x = x + seen
        return x + self.mlp(self.mlp_norm(x))


def joined(old: Recent, new: Recent) -> Recent:
    """Tensors [..., m, D] with those after them; nothing at first is ()."""
    return tuple(torch.cat(pair, -2) for pair in zip(old, new, strict=True)) if old else new


def latest(kept: Recent, count: int) -> Recent:
    """The last ``count`` of tensors [..., m, D]."""
    return tuple(x[..., max(0, x.shape[-2] - count) :, :] for x in kept)


class SegmentPolicy(Policy):
    """Encoder, layers and heads. A memory brings :meth:`close`, and what else it does differently."""

    Config = SegmentConfig
    #: Makes a layer from the configuration; called as CausalBlock is.
    Block: type[nn.Module] = CausalBlock
    #: Whether each layer's inputs are left in ``recent`` behind its keys and values, for :meth:`close`.
    leaves_inputs = False

    def __init__(self, spec: Spec, config: SegmentConfig | None = None) -> None:
        super().__init__(spec)
        self.config = config = config or self.Config()
        self.encoder = Encoder(spec, config.width, config.vision)
        self.heads = Heads(config.width, spec)
        self.blocks = nn.ModuleList(self.Block(config) for _ in range(config.layers))

    def empty_memory(self, batch: int) -> Any:
        """The memory at the start of a trial: nothing, in each layer."""
        return [()] * self.config.layers

    def read(self, memory: Any) -> list:
        """What each layer is given of the memory."""
        return memory

    def position(self, state: SegmentState) -> int:
        """Of the next token, in the rotary code: counted from the segment's start."""
        return state.filled

    def advance(self, x: Tensor, state: SegmentState, **how: bool) -> tuple[Tensor, list[Recent]]:
        """New tokens [B, n, width] of the running segment through all layers; what they leave is joined to recent."""
        first, recent = self.position(state), []
        for block, past, memory in zip(self.blocks, state.recent, self.read(state.memory), strict=True):
            inputs = joined(past[2:], (x,)) if self.leaves_inputs else ()
            x, pair = block(x, first, past[:2], memory, **how)
            recent.append((*pair, *inputs))
        return x, recent

    def close(self, state: SegmentState) -> Any:
        """The memory after the running segment, which is full."""
        raise NotImplementedError

    def init_state(self, batch: int, capacity: int = 0) -> SegmentState:
        return SegmentState([()] * self.config.layers, self.empty_memory(batch))

    def segment_length(self) -> int:
        """Tokens of the running segment; drawn anew for each segment where a memory wants that."""
        return self.config.segment

    @torch.no_grad()
    def step(self, tokens: Tokens, state: SegmentState) -> tuple[Output, SegmentState]:
        x, state = self._live(self.encoder(tokens)[:, None], state, self.config.segment)
        return self.heads(x[:, 0]), state

    def forward(self, trial: Tokens) -> Output:
        return self._whole(trial, learning=self.training)[0]

    def replay(self, trial: Tokens, capacity: int = 0) -> tuple[Output, SegmentState]:
        return self._whole(trial, learning=False)

    def state_bytes(self, state: SegmentState) -> int:
        return _bytes(state.recent) + _bytes(state.memory)

    def _whole(self, trial: Tokens, learning: bool) -> tuple[Output, SegmentState]:
        x, parts, state = self.encoder(trial), [], self.init_state(len(trial["step"]))
        while state.length < x.shape[1]:
            long = self.segment_length() if learning else self.config.segment
            part, state = self._live(x[:, state.length : state.length + long], state, long)
            parts.append(part)
        return self.heads(torch.cat(parts, 1)), state

    def _live(self, x: Tensor, state: SegmentState, long: int) -> tuple[Tensor, SegmentState]:
        """Tokens that fit into the running segment of ``long``; where they fill it, it goes into memory."""
        y, recent = self.advance(x, state)
        state = replace(state, recent=recent, filled=state.filled + x.shape[1], length=state.length + x.shape[1])
        if state.filled < long:
            return y, state
        memory = self.close(state)
        return y, replace(state, recent=[()] * self.config.layers, memory=memory, filled=0, segments=state.segments + 1)


def _bytes(held: Any) -> int:
    if isinstance(held, Tensor):
        return held.numel() * held.element_size()
    if isinstance(held, list | tuple):
        return sum(_bytes(part) for part in held)
    return 0
