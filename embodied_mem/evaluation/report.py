"""The pieces of a self-contained HTML report: page, tables, plots as inline pictures. Nothing is fetched."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

STYLE = """
:root { --ink:#1d2430; --soft:#5b6675; --line:#dde3ea; --back:#f6f7f9; --card:#fff; --good:#15803d; --bad:#b91c1c }
* { box-sizing:border-box }
body { margin:0; font:15px/1.5 system-ui,sans-serif; color:var(--ink); background:var(--back) }
main { max-width:1120px; margin:0 auto; padding:28px 20px 80px } h1 { font-size:26px; margin:0 0 4px }
h2 { font-size:19px; margin:40px 0 10px } p.note { color:var(--soft); margin:4px 0 12px; max-width:80ch }
.wide { overflow-x:auto } table { border-collapse:collapse; background:var(--card); font-size:13.5px }
th,td { padding:6px 10px; border-bottom:1px solid var(--line); text-align:right; white-space:nowrap }
th:first-child,td:first-child { text-align:left } th { color:var(--soft); font-weight:600 }
td small { color:var(--soft) }
tr.main td { font-weight:650 } .plots { display:flex; flex-wrap:wrap; gap:14px } .plots img { background:#fff;
border:1px solid var(--line); border-radius:8px; max-width:100% } details.card { background:var(--card);
border:1px solid var(--line); border-radius:8px; margin:10px 0; padding:10px 14px } summary { cursor:pointer }
.right { color:var(--good); font-weight:650 } .wrong { color:var(--bad); font-weight:650 }
.row { display:flex; flex-wrap:wrap; gap:12px; margin-top:10px } .row figure { margin:0 }
figcaption { color:var(--soft); font-size:12.5px; max-width:330px } .trace { margin-top:10px }
.trace td,.trace th { font-size:12.5px; white-space:normal; text-align:left; vertical-align:top }
code { background:#eef1f5; padding:1px 5px; border-radius:4px }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole HTML page."""
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><main>{''.join(body)}</main></body></html>"
    )


def text(value: Any) -> str:
    """Escaped text."""
    return html.escape(str(value))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], main: str = "", cls: str = "") -> str:
    """A table; cells are HTML already. The row whose first cell is ``main`` stands out."""
    lines = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"]
    for row in rows:
        mark = " class=main" if main and row[0] == main else ""
        lines.append(f"<tr{mark}>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>")
    return f"<div class=wide><table class='{cls}'>{''.join(lines)}</table></div>"


def image(data: bytes, alt: str, width: int | None = None) -> str:
    """An inline picture (PNG or JPEG bytes)."""
    kind = "png" if data[:4] == b"\x89PNG" else "jpeg"
    size = f" width={width}" if width else ""
    return f"<img{size} alt='{text(alt)}' src='data:image/{kind};base64,{base64.b64encode(data).decode()}'>"


def figure_png(figure: Any, dpi: int = 110) -> bytes:
    """A matplotlib figure as PNG bytes; the figure is closed."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
    plt.close(figure)
    return buffer.getvalue()


def new_figure(width: float = 4.8, height: float = 3.6) -> tuple[Any, Any]:
    """A small figure with one axes, drawn without a screen."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(width, height))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes


def cost_plot(points: dict[str, tuple[float, float]], xlabel: str) -> bytes:
    """Correctness against a mean cost, one point an agent: {agent: (cost, correctness)}."""
    figure, axes = new_figure()
    for cost, right in points.values():
        axes.scatter(cost, right, s=46, zorder=3)
    axes.set(xlabel=xlabel, ylabel="correctness", ylim=(0, 1.03))
    axes.margins(x=0.15)
    _name_points(axes, points)
    return figure_png(figure)


def _name_points(axes: Any, points: dict[str, tuple[float, float]]) -> list[Any]:
    """Names beside their points, each at the nearest of a few places where it covers no other name and no point;
    returns them."""
    axes.get_xlim(), axes.get_ylim()  # limits that follow the data are worked out only when asked for
    placed, dots = [], [_dot(axes, at) for at in points.values()]
    for name, at in points.items():
        for right, up in ((5, 4), (5, -11), (-5, 4), (-5, -11), (5, 15), (5, -22), (-5, 15), (-5, -22)):
            side = "left" if right > 0 else "right"
            label = axes.annotate(name, at, (right, up), textcoords="offset points", fontsize=8, ha=side)
            box = label.get_window_extent()
            if not any(box.overlaps(other) for other in [*dots, *(other.get_window_extent() for other in placed)]):
                break
            label.remove()
        else:  # a crowd: the first place is as good as any
            label = axes.annotate(name, at, (5, 4), textcoords="offset points", fontsize=8)
        placed.append(label)
    return placed


def _dot(axes: Any, at: tuple[float, float]) -> Any:
    """Where a point's marker is drawn (pixels); a little less than all of it, so that its own name may touch it."""
    from matplotlib.transforms import Bbox

    x, y = axes.transData.transform(at)
    return Bbox.from_extents(x - 3, y - 3, x + 3, y + 3)


def calibration_plot(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> bytes:
    """Reliability diagram of the answered questions: share right against stated confidence, 10 equal bins."""
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], "--", color="#9aa4b2", lw=1)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    for b in np.unique(which):
        inside = which == b
        axes.scatter(confidence[inside].mean(), right[inside].mean(), s=14 + 160 * inside.mean(), color="#2563eb")
    axes.set(xlabel="stated confidence", ylabel="share right", xlim=(0, 1.02), ylim=(0, 1.03), title="calibration")
    return figure_png(figure)


def risk_coverage_plot(curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> bytes:
    """Share wrong among the answered against the share answered, most confident first: {agent: (confidence, right)}."""
    figure, axes = new_figure()
    for name, (confidence, right) in curves.items():
        if len(right):
            wrong = 1 - right[np.argsort(-confidence, kind="stable")]
            n = np.arange(1, len(wrong) + 1)
            axes.plot(n / len(wrong), np.cumsum(wrong) / n, label=name, lw=1.4)
    axes.set(xlabel="coverage (share answered)", ylabel="risk (share wrong)", ylim=(0, None), title="risk and coverage")
    axes.legend(fontsize=7)
    return figure_png(figure)


def save(path: Path, content: str) -> Path:
    """Write a page atomically."""
    from embodied_mem.evaluation.run import write_atomically

    write_atomically(path, content)
    return path
