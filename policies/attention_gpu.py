"""A step's attention over all that is remembered, as one kernel on a GPU.

What is remembered is cut into parts, so that a few trials with a long memory keep the whole GPU reading; each part is
read once, and the parts are put together afterwards (as in flash decoding). It needs Triton, which comes with torch's
builds for GPUs.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_PART, _BLOCK = 1024, 64  # tokens of a program, and of one of its reads
_ROWS = 16  # queries of a group at most: the least that matrix units take


def fits(query: Tensor, key: Tensor) -> bool:
    """Whether the kernel takes them: heads as wide as a power of two, and few of them share a group's keys."""
    width = key.shape[-1]
    return query.shape[2] <= _ROWS and width >= 16 and width & (width - 1) == 0 and key.stride(-1) == 1


def attend_one(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """See :func:`embodied_mem.policies.attention.attend_one`. Keys and values have the same strides."""
    batch, groups, count, width = query.shape
    tokens = key.shape[2]
    parts = triton.cdiv(tokens, _PART)
    query = query.contiguous()
    top, total = (torch.empty(batch, groups, parts, _ROWS, device=query.device) for _ in range(2))
    seen = torch.empty(batch, groups, parts, _ROWS, width, device=query.device)
    mask = None if mask is None else mask.reshape(batch, tokens).contiguous()
    _read[(batch * groups, parts)](
        query, key, value, query if mask is None else mask, top, total, seen, tokens, count,
        key.stride(0), key.stride(1), key.stride(2), width**-0.5,
        groups, width, mask is not None, _PART, _BLOCK, _ROWS,
    )  # fmt: skip
    share = (top - top.amax(2, keepdim=True)).exp()
    whole = (seen * share[..., None]).sum(2) / (total * share).sum(2)[..., None]
    return whole[:, :, :count].to(value.dtype)


@triton.jit(do_not_specialize=["tokens", "count"])
def _read(queries, keys, values, masks, tops, totals, seens, tokens, count, by_trial, by_group, by_token, scale,
          GROUPS: tl.constexpr, WIDTH: tl.constexpr, MASKED: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr,
          ROWS: tl.constexpr):  # fmt: skip
    """Softmax over one part of one group's memory: the top score, the total and the weighted values of each query."""
    one, part = tl.program_id(0), tl.program_id(1)
    trial, group = (one // GROUPS).to(tl.int64), (one % GROUPS).to(tl.int64)
    row, column, step = tl.arange(0, ROWS), tl.arange(0, WIDTH), tl.arange(0, BLOCK)
    asked = row < count
    query = tl.load(queries + (one * count + row)[:, None] * WIDTH + column[None, :], mask=asked[:, None], other=0.0)
    memory = trial * by_trial + group * by_group
    top = tl.full((ROWS,), -1e30, tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    seen = tl.zeros((ROWS, WIDTH), tl.float32)
    for begin in range(part * PART, tl.minimum((part + 1) * PART, tokens), BLOCK):
        token = begin + step
        there = token < tokens
        at = memory + token[:, None].to(tl.int64) * by_token + column[None, :]
        key = tl.load(keys + at, mask=there[:, None], other=0.0)
        value = tl.load(values + at, mask=there[:, None], other=0.0)
        if MASKED:
            there = there & (tl.load(masks + trial * tokens + token, mask=there, other=0) != 0)
        score = tl.dot(query, tl.trans(key), input_precision="ieee") * scale
        score = tl.where(there[None, :], score, -1e30)
        higher = tl.maximum(top, tl.max(score, 1))
        weight = tl.where(there[None, :], tl.exp(score - higher[:, None]), 0.0)
        fade = tl.exp(top - higher)
        total = total * fade + tl.sum(weight, 1)
        seen = seen * fade[:, None] + tl.dot(weight.to(value.dtype), value, input_precision="ieee")
        top = higher
    out = (one * tl.num_programs(1) + part) * ROWS + row
    tl.store(tops + out, top)
    tl.store(totals + out, total)
    tl.store(seens + out[:, None] * WIDTH + column[None, :], seen)
