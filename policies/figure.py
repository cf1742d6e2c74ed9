"""The figure of learning in context: return and success by the index of the episode, with 95 % bands.

It is not drawn without the control that was trained without attention across episodes: a curve that rises says nothing
before that one is seen to be flat.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from embodied_mem.errors import ConfigError

#: Colour and line of each agent by its name; others take the rest of the colours.
STYLES = {
    "relic": ("#1d4ed8", "-"), "spatial": ("#15803d", "-"), "gru": ("#b45309", "-"), "trxl": ("#7c3aed", "-"),
    "hcam": ("#0e7490", "-"), "elmur": ("#be185d", "-"), "memo": ("#65a30d", "-"), "lstm": ("#92400e", "-"),
    "rate": ("#4b5563", "-"), "no_inter_episode": ("#dc2626", "-"), "swapped_context": ("#1d4ed8", ":"),
    "random": ("#9aa4b2", ":"), "oracle": ("#111827", "--"),
}  # fmt: skip
_OTHERS = ("#f59e0b", "#14b8a6", "#a855f7", "#84cc16", "#ec4899", "#64748b")
PANELS = (("return", "return_by_episode", "ci95"), ("success", "success_by_episode", "success_ci95"))


def draw(metrics: dict, path: Path) -> None:
    """Write the figure as PNG. Raises ConfigError where ``no_inter_episode`` is not among the agents."""
    if "no_inter_episode" not in metrics["agents"]:
        raise ConfigError("a curve over episodes shows learning in context only beside the control no_inter_episode; "
                          "train that agent and evaluate it with the others")  # fmt: skip
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(PANELS), figsize=(11, 4.2))
    for panel, (label, curve, band) in zip(axes, PANELS, strict=True):
        _panel(panel, metrics, curve, band)
        panel.set(xlabel="episode in the same house", ylabel=label)
    axes[1].set_ylim(0, 1.02)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    seeds = max(len(a["seeds"]) for a in metrics["agents"].values())
    name = metrics.get("name") or metrics["task"]
    trained = f"{seeds} seeds" if seeds > 1 else "one seed"
    figure.suptitle(f"{name}: {metrics['houses']} unseen houses, {trained}, 95 % bands", fontsize=11)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    part = path.with_name(path.name + ".part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)


def _panel(axes: Any, metrics: dict, curve: str, band: str) -> None:
    others = iter(_OTHERS * 10)
    for name, figures in metrics["agents"].items():
        colour, line = STYLES[name] if name in STYLES else (next(others), "-")
        values, low, high = figures[curve], *zip(*figures[band], strict=True)
        shown = figures.get("demonstrations", 0)  # an own episode stands where as many were lived before it
        values, low, high = (x[: max(0, len(x) - shown)] for x in (values, low, high))
        index = range(1 + shown, len(values) + 1 + shown)
        marker = "o" if len(values) <= 20 else None
        axes.plot(index, values, line, color=colour, label=name, lw=1.8, marker=marker, ms=3)
        axes.fill_between(index, low, high, color=colour, alpha=0.15, lw=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.xaxis.get_major_locator().set_params(integer=True)
