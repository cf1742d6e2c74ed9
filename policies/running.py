"""A short memory beside a long one: what a recurrent state makes of the moments so far is added to the present."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Running(nn.Module):
    """A GRU over a trial's moments. It adds nothing at the beginning of a training, so that what stands behind it
    begins as it would alone."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.cell = nn.GRU(width, size, batch_first=True)
        self.out = nn.Linear(size, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, moments: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Moments [B, T, width] with what the state [1, B, size] (none: a trial begins) makes of them added, and the
        state after them."""
        # In half precision a recurrence would sum up what is rounded.
        with torch.autocast(moments.device.type, enabled=False):
            seen, state = self.cell(moments.float(), state)
        return moments + self.out(seen), state
