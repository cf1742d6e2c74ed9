"""The code of time of remembered moments, and a clock that begins anew so that a long life has no times never seen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Clock:
    """Counts a trial's steps; with ``span`` it begins anew, half a span later, whenever it has counted a span. Its code
    is ``loud`` times the sinusoids."""

    span: int | None = None
    loud: float = 1.0

    def code(self, time: Tensor, width: int) -> Tensor:
        """[..., width] of times as they are counted."""
        return self.loud * sinusoid(time, width)

    def origin(self, now: int) -> int:
        """The step from which time is counted at step ``now``."""
        span = self.span
        return 0 if span is None or now < span else ((now - span) // (span // 2) + 1) * (span // 2)

    def stretches(self, time: Tensor) -> list[tuple[int, Tensor]]:
        """(origin, steps) of the stretches of steps ``time`` [T], 0 to T − 1, that are counted from the same step."""
        origins = [self.origin(t) for t in range(len(time))]
        return [(origin, time[origins.index(origin) :][: origins.count(origin)]) for origin in dict.fromkeys(origins)]

    def recounted(self, moments: Tensor, time: Tensor, before: int, after: int) -> Tensor:
        """Moments [..., width] of the steps ``time`` [...], whose time is counted from step ``before``, as counted from
        step ``after``; what is older than an origin counts as 0."""
        if before == after:
            return moments
        old, new = (self.code((time - origin).clamp(min=0), moments.shape[-1]) for origin in (before, after))
        return moments - old + new

    def as_lived(self, moments: Tensor) -> Tensor:
        """Moments [B, T, width] of a whole trial, counted from 0, each with its time counted as it was then."""
        time = torch.arange(moments.shape[1], device=moments.device)
        parts = [self.recounted(moments[:, t], t, 0, origin) for origin, t in self.stretches(time)]
        return torch.cat(parts, 1) if len(parts) > 1 else moments


def sinusoid(index: Tensor, width: int) -> Tensor:
    """[..., width]: the sine and cosine code of integers or floats."""
    half = torch.arange(0, width, 2, device=index.device) / width
    angle = index[..., None].float() * 10_000.0**-half
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)[..., :width]
