"""What all policies share on both sides of their memory: tokens to vectors, vectors to actions and values."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.policies.fan_encoder import FanEncoder, PositionCode
from embodied_mem.policies.interface import Output
from embodied_mem.policies.sightings import WAYS, can_place, fans
from embodied_mem.policies.tokens import Spec, Tokens
from embodied_mem.policies.vision import VisionConfig, image_encoder
from embodied_mem.sim.vector.protocol import GOAL, POSITION


class Encoder(nn.Module):
    """Tokens [..., ] to vectors [..., width]: a linear map of everything one-hot, plus a learned code of the step, plus
    what fans and images show and where one is, if the observation has that (``fan_encoder.py``, ``vision.py``).

    Every component of an index field has its own rows in ONE table and all are summed in one product: on a CPU that
    is several times faster than embeddings field by field.
    """

    def __init__(self, spec: Spec, width: int, vision: VisionConfig | None = None) -> None:
        super().__init__()
        self.spec = spec
        self._index = {k: s for k, s in sorted(spec.spaces.items()) if s.kind == "index"}
        self._vector = [k for k, s in sorted(spec.spaces.items()) if s.kind == "vector"]
        offsets, rows = [], 0
        for space in self._index.values():
            count = math.prod(space.shape)
            offsets += [rows + i * space.size for i in range(count)]
            rows += count * space.size
        offsets.append(rows)  # the previous action, and one more for none
        self.rows = rows + spec.actions + 1
        self.register_buffer("offsets", torch.tensor(offsets), persistent=False)
        self.table = nn.Parameter(torch.randn(self.rows, width) / math.sqrt(len(offsets)))
        floats = 1 + sum(math.prod(spec.spaces[k].shape) for k in self._vector)
        self.floats = nn.Linear(floats, width)
        self.steps = nn.Embedding(spec.episode_cap, width)
        nn.init.normal_(self.steps.weight, std=0.02)
        self.fan = FanEncoder(spec.spaces, width) if fans(spec.spaces) else None
        if self.fan is not None and GOAL in self._index:
            first = offsets[sum(math.prod(s.shape) for k, s in self._index.items() if k < GOAL)]
            self.fan.know_by(self.table.data[first : first + spec.spaces[GOAL].size])
        self.position = PositionCode(width) if POSITION in self._vector else None
        self.images = image_encoder(spec.spaces, width, vision)

    def forward(self, tokens: Tokens) -> Tensor:
        lead = tokens["step"].shape
        parts = [tokens[k].reshape(*lead, -1) for k in self._index] + [tokens["action"][..., None]]
        index = torch.cat(parts, -1) + self.offsets
        hot = torch.zeros(*lead, self.rows, dtype=self.table.dtype, device=index.device).scatter_(-1, index, 1.0)
        floats = [tokens["reward"][..., None]] + [tokens[k].reshape(*lead, -1) for k in self._vector]
        x = hot @ self.table + self.floats(torch.cat(floats, -1)) + self.steps(tokens["step"])
        if self.position is not None:
            x = x + self.position(tokens[POSITION])
        if self.images is not None:
            x = x + self.images(tokens)
        return x if self.fan is None else x + self.fan(tokens)


class Heads(nn.Module):
    """Vectors [..., width] to action logits, a value and, where it can be known, the way to what was seen; all start at
    zero, so that every action is equally likely."""

    def __init__(self, width: int, spec: Spec) -> None:
        super().__init__()
        self.actions = spec.actions
        self.norm = nn.RMSNorm(width)
        self.out = nn.Linear(width, spec.actions + 1 + (WAYS if can_place(spec.spaces) else 0))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Output:
        out = self.out(self.norm(x)).float()
        return Output(out[..., : self.actions], out[..., self.actions], out[..., self.actions + 1 :])


class GatedMLP(nn.Module):
    """down(silu(gate(x)) · up(x)), no biases."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up(x).chunk(2, -1)
        return self.down(F.silu(gate) * up)
