"""Causal attention with a sink: a slot that a head may look at when nothing it remembers is of use.

Keys and values are [B, H, T, D]. A sink stands in slot 0, before the first token, and is never rotated.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Which of a sink's key and value are learned: 0 means fixed at zero (k0v0 is softmax with +1 in the denominator).
SINKS = ("kv", "kv0", "k0v", "k0v0", "token", "none")
ROPE_BASE = 10_000.0


class Sink(nn.Module):
    """The key and value of one layer's slot 0, [G, D] each, for the variants that have their own."""

    def __init__(self, variant: str, groups: int, head_width: int) -> None:
        super().__init__()
        zeros = torch.zeros(groups, head_width)
        for name, learned in (("key", variant in ("kv", "kv0")), ("value", variant in ("kv", "k0v"))):
            if learned:
                setattr(self, name, nn.Parameter(zeros.clone()))
            else:
                self.register_buffer(name, zeros.clone(), persistent=False)


def rotation(index: Tensor, head_width: int) -> Tensor:
    """complex64 [..., 1, D/2]: the rotary code of an integer position (here the episode's index)."""
    half = torch.arange(0, head_width, 2, device=index.device) / head_width
    angle = index[..., None].float() * ROPE_BASE**-half
    return torch.polar(torch.ones_like(angle), angle).unsqueeze(-2)


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotary code on x [..., H, D]."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turn).flatten(-2).to(x.dtype)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Causal attention of T tokens over T keys, or over T + 1 when key and value begin with a sink.

    ``mask`` [B, 1, T, T] (True: may look) narrows it; None: all of the past. With a sink the query gets an idle first
    row, so that the fast causal kernel applies.
    """
    sinks = key.shape[2] - query.shape[2]
    if mask is not None:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=F.pad(mask, (sinks, 0), value=True))
    query = F.pad(query, (0, 0, sinks, 0))
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)[:, :, sinks:]


def with_sink(x: Tensor, sink: Tensor) -> Tensor:
    """[B, G, 1 + T, D] from x [B, G, T, D] and a sink [G, D]."""
    return torch.cat([sink[None, :, None].to(x.dtype).expand(x.shape[0], -1, -1, -1), x], 2)


def visible(episode: Tensor, across: bool, window: int | None) -> Tensor | None:
    """[B, 1, T, T] what each token may look at: its past, in its own episode only unless ``across``, and of the
    latest ``window`` tokens (itself included) only. None when that is all of the past. ``episode`` is [B, T]."""
    length = episode.shape[1]
    if across and (window is None or window >= length):
        return None
    ago = torch.arange(length, device=episode.device)
    ago = ago[:, None] - ago[None, :]
    near = (ago >= 0) & (ago < (window or length))
    mask = near.expand(episode.shape[0], 1, -1, -1)
    return mask if across else mask & (episode[:, None, :, None] == episode[:, None, None, :])
