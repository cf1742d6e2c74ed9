"""Transformer-XL: attention over the running segment and over the inputs of each layer from before it, without
gradient into those.

A layer's memory is made of the layer below alone, so all steps of a trial pass through a layer at once, each with a
window of its own: no loop over time, whatever the segment's length. Gradient is cut (the source's choice; ``detach:
false`` lets it through) by taking the keys and values of a window twice: from inputs that are detached for what lies
before the segment, from the live ones for the segment itself. The code of time is rotary, which like the source's
depends on the difference of times only. ``segment: 1`` is TrXL + PPO as in Memory Gym and CleanRL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.policies.encoder import Encoder, Heads
from embodied_mem.policies.interface import Output, Policy
from embodied_mem.policies.segments import CausalBlock, SegmentConfig
from embodied_mem.policies.tokens import Spec, Tokens

Pair = tuple[Tensor, Tensor]
_SPAN = 32  # steps that share a window in learning, at least


@dataclass(frozen=True)
class TrxlConfig(SegmentConfig):
    """A window of ``budget`` tokens: segment and cache. Deeper layers see as many windows back as there are layers."""

    detach: bool = True


@dataclass
class Window:
    """Keys and values [L, B, H, budget, D] of the latest tokens; the token t stands in slot t modulo budget."""

    keys: Tensor
    values: Tensor
    length: int = 0
    """Tokens so far."""


class Part(NamedTuple):
    """Steps ``begin`` to ``end``, whole segments, and the remembered ones ``first`` to ``last`` that they may see."""

    begin: int
    end: int
    first: int
    last: int
    mask: Tensor
    """[end − begin, last − first + end − begin] bool: what is seen of the remembered, then of the steps themselves."""


class Trxl(Policy):
    """See the module. Acting writes into the window in place: a slot is overwritten when its token is out of sight."""

    Config = TrxlConfig

    def __init__(self, spec: Spec, config: TrxlConfig | None = None) -> None:
        super().__init__(spec)
        self.config = config = config or TrxlConfig()
        self.encoder = Encoder(spec, config.width, config.vision)
        self.heads = Heads(config.width, spec)
        self.blocks = nn.ModuleList(CausalBlock(config) for _ in range(config.layers))

    def init_state(self, batch: int, capacity: int = 0) -> Window:
        c, like = self.config, self.heads.out.weight
        shape = (2, c.layers, batch, c.heads, c.budget, c.width // c.heads)
        return Window(*torch.zeros(shape, dtype=like.dtype, device=like.device))

    @torch.no_grad()
    def step(self, tokens: Tokens, state: Window) -> tuple[Output, Window]:
        budget, now = self.config.budget, state.length
        slot, used = now % budget, min(now + 1, budget)
        past, mask = self.config.memory_tokens + now % self.config.segment, None
        if used > past + 1:
            mask = ((slot - torch.arange(used, device=state.keys.device)) % budget <= past)[None]
        x = self.encoder(tokens)[:, None]
        for block, keys, values in zip(self.blocks, state.keys, state.values, strict=True):
            query, key, value = block.attention.project(block.norm(x), now)
            keys[:, :, slot], values[:, :, slot] = key[:, :, 0], value[:, :, 0]
            seen = F.scaled_dot_product_attention(query, keys[:, :, :used], values[:, :, :used], attn_mask=mask)
            x = block.after(x, block.attention.merge(seen))
        return self.heads(x[:, 0]), Window(state.keys, state.values, now + 1)

    def forward(self, trial: Tokens) -> Output:
        return self._run(trial)[0]

    def replay(self, trial: Tokens, capacity: int = 0) -> tuple[Output, Window]:
        output, pairs = self._run(trial)
        batch, length = trial["step"].shape
        state, budget = self.init_state(batch), self.config.budget
        state.length = length
        kept = torch.arange(max(0, length - budget), length, device=state.keys.device)
        for keys, values, (key, value) in zip(state.keys, state.values, pairs, strict=True):
            keys[:, :, kept % budget], values[:, :, kept % budget] = key[:, :, kept], value[:, :, kept]
        return output, state

    def state_bytes(self, state: Window) -> int:
        return 2 * state.keys.numel() * state.keys.element_size()

    def _run(self, trial: Tokens) -> tuple[Output, list[Pair]]:
        """All steps at once; also each layer's keys and values [B, H, T, D], detached."""
        x, pairs = self.encoder(trial), []
        parts = windows(x.shape[1], self.config.segment, self.config.memory_tokens, x.device)
        for block in self.blocks:
            query, *live = block.attention.project(block.norm(x), first=0)
            still = block.attention.project(block.norm(x.detach()), first=0)[1:] if self.config.detach else live
            seen = attend_windows(query, live, still, parts)
            x = block.after(x, block.attention.merge(seen))
            pairs.append((live[0].detach(), live[1].detach()))
        return self.heads(x), pairs


def windows(length: int, segment: int, memory: int, device: torch.device) -> list[Part]:
    """What each of ``length`` steps sees: its segment so far, and ``memory`` steps before its segment."""
    parts, long = [], segment * -(-max(_SPAN, (segment + memory) // 2) // segment)
    for begin in range(0, length, long):
        end, first = min(begin + long, length), max(0, begin - memory)
        last = (end - 1) // segment * segment
        now = torch.arange(begin, end, device=device)
        past, began = torch.arange(first, last, device=device), (now // segment * segment)[:, None]
        remembered = (past >= began - memory) & (past < began)
        parts.append(Part(begin, end, first, last, torch.cat([remembered, (now >= began) & (now <= now[:, None])], 1)))
    return parts


def attend_windows(query: Tensor, live: Pair, still: Pair, parts: list[Part]) -> Tensor:
    """[B, H, T, D]: attention of each step over its window of keys and values [B, H, T, D], ``still`` ones before its
    segment and ``live`` ones in it."""
    seen = []
    for begin, end, first, last, mask in parts:
        keys, values = (torch.cat([old[:, :, first:last], new[:, :, begin:end]], 2)
                        for old, new in zip(still, live, strict=True))  # fmt: skip
        seen.append(F.scaled_dot_product_attention(query[:, :, begin:end], keys, values, attn_mask=mask))
    return torch.cat(seen, 2)
