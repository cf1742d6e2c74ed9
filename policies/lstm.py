"""RL² with a long short-term memory: like the GRU, with a cell beside the hidden state."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from embodied_mem.policies.gru import Gru


class Lstm(Gru):
    """Its state is (hidden, cell), each [layers, B, width]: twice a GRU's bytes at the same width."""

    Cell = nn.LSTM

    def init_state(self, batch: int, capacity: int = 0) -> tuple[Tensor, Tensor]:
        hidden = super().init_state(batch)
        return hidden, torch.zeros_like(hidden)

    def state_bytes(self, state: tuple[Tensor, Tensor]) -> int:
        return sum(super(Lstm, self).state_bytes(part) for part in state)
