"""Causal attention with a sink: a slot that a head may look at when nothing it remembers is of use.

Keys and values are [B, H, T, D]. A sink stands in slot 0, before the first token, and is never rotated.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.sim.vector.fused import FUSED

#: Which of a sink's key and value are learned: 0 means fixed at zero (k0v0 is softmax with +1 in the denominator).
SINKS = ("kv", "kv0", "k0v", "k0v0", "token", "none")
ROPE_BASE = 10_000.0
#: Keys and queries that match are as much longer than at random, so that likes stand out from the first step on.
SHARP = 3.0
#: Score of what may not be looked at.
FORBIDDEN = -1e6
_SPAN = {"cpu": 32, "cuda": 1024}  # tokens of a span, at least: a CPU counts pairs, a GPU counts calls
_LONG = 4096  # tokens from which on reading them, not calling, takes a GPU's time
_LEAST = 1e-15  # total of a chunk's weights, whose square must still be a number


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


class Span(NamedTuple):
    """Tokens ``begin`` to ``end``, and what they may look at of the tokens from ``first`` on."""

    begin: int
    end: int
    first: int
    mask: Tensor
    """[1 or B, 1, end − begin, end − first] bool."""


def span_of(window: int, device: torch.device) -> int:
    """Tokens that are learned from at once, where each sees ``window`` tokens or so."""
    return max(window, _SPAN.get(device.type, _SPAN["cpu"]))


def spans(episode: Tensor, across: bool, window: int) -> list[Span]:
    """:func:`visible` part by part, so that a long trial costs pairs with its window, not with all steps."""
    time, parts = torch.arange(episode.shape[1], device=episode.device), []
    for now in time.split(span_of(window, time.device)):
        begin, end = int(now[0]), int(now[-1]) + 1
        first = max(0, begin - window + 1)
        ago = now[:, None] - time[None, first:end]
        mask = ((ago >= 0) & (ago < window))[None, None]
        if not across:
            mask = mask & (episode[:, None, now, None] == episode[:, None, None, first:end])
        parts.append(Span(begin, end, first, mask))
    return parts


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | list[Span] | None, since: int = 0) -> Tensor:
    """Causal attention of T tokens over T keys, or over T + 1 when key and value begin with a sink.

    ``mask`` [B, 1, T, T] (True: may look) or its :func:`spans` narrow it; None: all of the past. ``query`` is of the
    tokens from ``since`` on. With a sink a query of all gets an idle first row, so that the fast causal kernel applies.
    """
    sinks = key.shape[2] - query.shape[2] - since
    if isinstance(mask, list):
        parts = []
        for begin, end, first, part in (s for s in mask if s.end > since):
            keys, values = (torch.cat([x[:, :, :sinks], x[:, :, sinks + first : sinks + end]], 2) for x in (key, value))
            now, old = query[:, :, max(begin - since, 0) : end - since], max(since - begin, 0)
            parts.append(attend(now, keys, values, F.pad(part[:, :, old:], (sinks, 0), value=True)))
        return torch.cat(parts, 2)
    if mask is not None:
        mask = F.pad(mask[:, :, since:], (key.shape[2] - mask.shape[3], 0), value=True)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    if since:
        return attend_after(query, key, value)
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


def attend_after(query: Tensor, key: Tensor, value: Tensor, causal: bool = True) -> Tensor:
    """Attention of the n latest tokens over all m keys, the last n of which are their own."""
    n, m = query.shape[2], key.shape[2]
    if n == 1 or not causal:
        return F.scaled_dot_product_attention(query, key, value)
    if n == m:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)
    mask = torch.ones(n, m, dtype=torch.bool, device=query.device).tril(m - n)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def attend_one(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of a step's few queries [B, G, n, D] over all that is remembered [B, G, T, D]; ``mask`` [B, 1, 1, T].

    Kernels made for many queries leave most of a GPU idle here: 26 ms a step (57 ms in bfloat16) for 64 trials behind
    65,536 steps on an H100, four layers of 256. Plain products took 14 ms (17 ms) on an H200, where reading takes 2.
    """
    if not query.is_cuda:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    if FUSED and key.shape[2] >= _LONG:
        from embodied_mem.policies import attention_gpu

        if attention_gpu.fits(query, key):
            return attention_gpu.attend_one(query, key, value, mask)
    score = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    score = score.float() if mask is None else score.float().masked_fill(~mask, FORBIDDEN)
    return score.softmax(-1).to(value.dtype) @ value


def two_level(
    query: Tensor, key: Tensor, value: Tensor, score: Tensor, chunk: Tensor, member: Tensor, top: int
) -> Tensor:
    """Choose the ``top`` chunks by their score, attend inside each of them, and add up by the softmax of the scores.

    query [B, H, n, D], key and value [B, H, S, D]; ``score`` [B, n, C] with FORBIDDEN for chunks that are not there;
    ``chunk`` [B, S] says to which chunk a token belongs, ``member`` [B, n, S] whether it is remembered at all. Where
    nothing is, 0 comes back. Returns [B, H, n, D].
    """
    logits = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).masked_fill(~member[:, None], FORBIDDEN)
    of = F.one_hot(chunk, score.shape[-1]).to(score.dtype)
    return token_weights(logits, score, of, top) @ value


def token_weights(logits: Tensor, score: Tensor, of: Tensor, top: int) -> Tensor:
    """[B, H, n, S]: what :func:`two_level` adds values up by.

    ``logits`` [B, H, n, S], FORBIDDEN where there is no token; ``of`` [B, S, C] one-hot. A chunk in which no token
    comes within e^-34 of the best of all chunks fades out.
    """
    if top < score.shape[-1]:
        score = score.masked_fill(score < score.topk(top, -1).values[..., -1:], FORBIDDEN)
    share = score.softmax(-1) * (score > FORBIDDEN / 2)
    inside = logits.softmax(-1)  # over all chunks: the same in each, up to a factor that its total takes out
    total = (inside.flatten(1, 2) @ of).unflatten(1, inside.shape[1:3]).clamp(min=_LEAST)
    return inside * ((share[:, None] / total).flatten(1, 2) @ of.transpose(1, 2)).view_as(inside)
