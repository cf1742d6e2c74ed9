"""Transformer-XL: attention over the running segment and over the inputs of each layer from before it, cached.

What is cached gets no gradient (the source's choice; ``detach: false`` lets it through), its keys and values are those
of the present weights. The code of time is rotary, which like the source's depends on the difference of times only.
``segment: 1`` is TrXL + PPO as in Memory Gym: no gradient into anything remembered.
"""

from __future__ import annotations

from dataclasses import dataclass

from embodied_mem.policies.segments import Recent, SegmentConfig, SegmentPolicy, SegmentState, joined, latest


@dataclass(frozen=True)
class TrxlConfig(SegmentConfig):
    """A window of ``budget`` tokens: segment and cache. Deeper layers see as many windows back as there are layers."""

    detach: bool = True


class Trxl(SegmentPolicy):
    """Memory: per layer, keys and values [B, H, m, D] of the latest tokens before the segment."""

    Config = TrxlConfig
    leaves_inputs = True

    def position(self, state: SegmentState) -> int:
        return state.length

    def close(self, state: SegmentState) -> list[Recent]:
        memory = []
        for block, old, (key, value, inputs) in zip(self.blocks, state.memory, state.recent, strict=True):
            if self.config.detach:
                inputs = block.norm(inputs.detach())
                _, key, value = block.attention.project(inputs, state.length - inputs.shape[1])
            memory.append(latest(joined(old, (key, value)), self.config.memory_tokens))
        return memory
