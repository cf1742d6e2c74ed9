"""The marching of :mod:`embodied_mem.sim.vector.march` as one kernel, for GPUs.

There a step of a few hundred robots costs calls rather than arithmetic, and the torch version makes seven hundred. Both
say the same (``tests/policies/test_cuda.py``). It needs Triton, which comes with torch's builds for GPUs.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from embodied_mem.sim.vector.march import LONGEST, NUDGE, Met, Rays
from embodied_mem.sim.vector.plans import CAMERA, CELL
from embodied_mem.sim.vector.raster import Houses

_BLOCK = 128  # rays of a program
_MOST = 2 * LONGEST  # leaps: a ray along a wall takes one a cell


@torch.inference_mode()
def meet(houses: Houses, rays: Rays) -> Met:
    """See :func:`embodied_mem.sim.vector.march.meet`."""
    count = len(rays.row)
    near, over = (torch.empty(count, device=rays.px.device) for _ in range(2))
    near_piece, over_piece = (torch.empty(count, dtype=torch.int64, device=rays.px.device) for _ in range(2))
    if count:
        ray, inverse = rays.ray.contiguous(), rays.inverse.contiguous()
        _meet[(triton.cdiv(count, _BLOCK),)](
            houses.leap[0], houses.leap[1], houses.piece, houses.box, houses.disc, houses.hides,
            rays.row, rays.px, rays.py, ray, inverse, near, near_piece, over, over_piece, count,
            houses.extent.deep, houses.piece.shape[1], houses.box.shape[1],
            CELL, CAMERA, NUDGE, _MOST, _BLOCK,
        )  # fmt: skip
    return Met(near, near_piece, over, over_piece)


@triton.jit
def _meet(all_leap, tall_leap, piece, box, disc, hides, rows, xs, ys, rays, inverses,
          near, near_piece, over, over_piece, count, deep, cells, solids, CELL: tl.constexpr, CAMERA: tl.constexpr,
          NUDGE: tl.constexpr, MOST: tl.constexpr, BLOCK: tl.constexpr):  # fmt: skip
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    on = n < count
    row = tl.load(rows + n, mask=on, other=0)
    px, py = tl.load(xs + n, mask=on, other=0.0), tl.load(ys + n, mask=on, other=0.0)
    ux, uy = tl.load(rays + 2 * n, mask=on, other=1.0), tl.load(rays + 2 * n + 1, mask=on, other=1.0)
    vx, vy = tl.load(inverses + 2 * n, mask=on, other=1.0), tl.load(inverses + 2 * n + 1, mask=on, other=1.0)
    base, first = row * cells, row * solids
    at, number = _leaps(all_leap, piece, base, deep, px, py, ux, uy, vx, vy, px * 0.0, on, NUDGE, MOST)
    at = _cut(box, disc, first + number, px, py, ux, uy, vx, vy, at, on, CELL)
    tl.store(near + n, at, mask=on)
    tl.store(near_piece + n, number, mask=on)
    low = on & (tl.load(hides + first + number, mask=on, other=CAMERA) < CAMERA)
    start = tl.maximum(at, 0.0)
    further, behind = _leaps(tall_leap, piece, base, deep, px, py, ux, uy, vx, vy, start, low, NUDGE, MOST)
    further = _cut(box, disc, first + behind, px, py, ux, uy, vx, vy, further, low, CELL)
    tl.store(over + n, tl.where(low, further, at), mask=on)
    tl.store(over_piece + n, tl.where(low, behind, number), mask=on)


@triton.jit
def _leaps(leap, piece, base, deep, px, py, ux, uy, vx, vy, t, on, NUDGE: tl.constexpr, MOST: tl.constexpr):
    """Cells along rays to the first solid, and its number; see ``march._march``."""
    cx, cy = ((ux < 0).to(tl.float32) - px) * vx, ((uy < 0).to(tl.float32) - py) * vy
    wx, wy = tl.abs(vx), tl.abs(vy)
    cell, todo, made = base, on, 0
    while (tl.max(todo.to(tl.int32), 0) > 0) & (made < MOST):
        ix, iy = tl.floor(px + ux * t), tl.floor(py + uy * t)
        cell = tl.where(todo, base + (ix * deep + iy).to(tl.int32), cell)
        far = tl.load(leap + cell, mask=todo, other=0).to(tl.float32)
        todo = todo & (far > 0)
        end = tl.minimum(cx + ix * vx + wx * far, cy + iy * vy + wy * far)
        t = tl.where(todo, tl.maximum(end, t) + NUDGE, t)
        made += 1
    return t, tl.load(piece + cell, mask=on, other=0).to(tl.int64)


@triton.jit
def _cut(box, disc, solid, px, py, ux, uy, vx, vy, at, on, CELL: tl.constexpr):
    """Where rays really enter the solids they met; see ``march._cut``."""
    side = box + 4 * solid
    x0, y0 = tl.load(side, mask=on, other=0.0) / CELL, tl.load(side + 1, mask=on, other=0.0) / CELL
    x1, y1 = tl.load(side + 2, mask=on, other=1.0) / CELL, tl.load(side + 3, mask=on, other=1.0) / CELL
    ax, bx, ay, by = (x0 - px) * vx, (x1 - px) * vx, (y0 - py) * vy, (y1 - py) * vy
    enter = tl.maximum(tl.minimum(ax, bx), tl.minimum(ay, by))
    leave = tl.minimum(tl.maximum(ax, bx), tl.maximum(ay, by))
    exact = tl.where((enter <= leave) & (enter > 0), enter, at)
    hx, hy = (x1 - x0) / 2, (y1 - y0) / 2
    qx, qy = (px - (x0 + x1) / 2) / hx, (py - (y0 + y1) / 2) / hy
    sx, sy = ux / hx, uy / hy
    square, mixed = sx * sx + sy * sy, qx * sx + qy * sy
    under = mixed * mixed - square * (qx * qx + qy * qy - 1)
    curved = tl.where(under > 0, (-mixed - tl.sqrt(tl.maximum(under, 0.0))) / square, at)
    return tl.where(tl.load(disc + solid, mask=on, other=0) != 0, curved, exact)
