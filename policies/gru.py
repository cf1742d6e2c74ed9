"""RL²: a gated recurrent unit whose hidden state lasts through the trial and is the whole memory.

With ``across: false`` (the control) it begins anew with every episode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from embodied_mem.policies.encoder import Encoder, GatedMLP, Heads
from embodied_mem.policies.interface import Output, Policy
from embodied_mem.policies.tokens import Spec, Tokens
from embodied_mem.policies.vision import VisionConfig


@dataclass(frozen=True)
class GruConfig:
    """``width`` is the hidden state's, in every layer: a budget in bytes, as there are no tokens to keep."""

    width: int = field(default=128, metadata={"min": 8, "max": 4096})
    layers: int = field(default=1, metadata={"min": 1, "max": 8})
    hidden: int = field(default=128, metadata={"min": 8, "max": 16384})
    across: bool = True
    vision: VisionConfig = VisionConfig()


class Gru(Policy):
    """Encoder, recurrent layers, one gated MLP, heads. Its state is a tensor [layers, B, width]."""

    Config = GruConfig
    Cell = nn.GRU

    def __init__(self, spec: Spec, config: GruConfig = GruConfig()) -> None:
        super().__init__(spec)
        self.config, self.across = config, config.across
        self.encoder = Encoder(spec, config.width, config.vision)
        self.memory = self.Cell(config.width, config.width, config.layers, batch_first=True)
        self.norm = nn.RMSNorm(config.width)
        self.mlp = GatedMLP(config.width, config.hidden)
        self.heads = Heads(config.width, spec)

    def init_state(self, batch: int, capacity: int = 0) -> Tensor:
        return self.heads.out.weight.new_zeros(self.config.layers, batch, self.config.width)

    @torch.no_grad()
    def step(self, tokens: Tokens, state: Tensor) -> tuple[Output, Tensor]:
        if not self.config.across:
            state = _each(state, lambda part: part * (tokens["step"] > 0)[:, None])
        out, state = self.memory(self.encoder(tokens)[:, None], state)
        return self._act(out[:, 0]), state

    def forward(self, trial: Tokens) -> Output:
        return self.replay(trial)[0]

    def replay(self, trial: Tokens, capacity: int = 0) -> tuple[Output, Tensor]:
        x = self.encoder(trial)
        # In half precision a recurrence would sum up what is rounded, and not every CPU has such an LSTM.
        with torch.autocast(x.device.type, enabled=False):
            out, state = self.memory(x.float()) if self.config.across else self._episodes(x.float(), trial["step"])
        return self._act(out), state

    def _episodes(self, x: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs of x [B, T, width] with every episode a sequence of its own, and the states of the last ones."""
        row = ((step == 0).flatten().cumsum(0) - 1).view_as(step)
        rows = x.new_zeros(int(row[-1, -1]) + 1, int(step.max()) + 1, x.shape[-1]).index_put((row, step), x)
        lengths = row.flatten().bincount().cpu()
        out, state = self.memory(pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False))
        return pad_packed_sequence(out, batch_first=True)[0][row, step], _each(state, lambda part: part[:, row[:, -1]])

    def state_bytes(self, state: Tensor) -> int:
        return state.numel() * state.element_size()

    def _act(self, x: Tensor) -> Output:
        return self.heads(x + self.mlp(self.norm(x)))


def _each(state: Tensor | tuple[Tensor, Tensor], change: Callable[[Tensor], Tensor]) -> Tensor | tuple[Tensor, ...]:
    """The state with each of its parts [layers, B, width] changed alike: one of a GRU, two of an LSTM."""
    return change(state) if isinstance(state, Tensor) else tuple(change(part) for part in state)
