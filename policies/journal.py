"""What a training tells while it runs: a log file, lines on the screen, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import IO, Any

import numpy as np

from embodied_mem.policies.trainer import Trainer

_SHOW_EVERY = 15.0  # seconds


class Journal:
    """Takes the figures of every round. ``folder`` none: keeps nothing; ``quiet``: shows nothing."""

    def __init__(self, trainer: Trainer, folder: Path | None, quiet: bool) -> None:
        self._log = _open_log(folder / "log.jsonl" if folder else Path(os.devnull), trainer.rounds)
        self._board, self._show = _board(folder, trainer) if folder else None, _Progress(trainer, quiet)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._log.close()
        if self._board is not None:
            self._board.close()

    def write(self, row: dict) -> None:
        self._log.write(json.dumps(row) + "\n")
        self._log.flush()
        self._show(row)
        _draw(self._board, row)


def _open_log(path: Path, rounds: int) -> IO[str]:
    """The log without what came after the checkpoint: those rounds are lived again."""
    kept = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                break  # torn by a kill
            if row["round"] <= rounds:
                kept.append(line + "\n")
    path.write_text("".join(kept), encoding="utf-8")
    return path.open("a", encoding="utf-8")


def _board(folder: Path, trainer: Trainer) -> Any:
    """TensorBoard's writer, where it is installed; what a killed run wrote after its checkpoint is taken back."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=trainer.steps or None)


def _draw(board: Any, row: dict) -> None:
    """Every number of a log line against the steps; of curves over episodes the first and the last third."""
    if board is None:
        return
    for key, value in row.items():
        if isinstance(value, list) and value:
            late = value[-max(1, len(value) // 3) :]
            board.add_scalar(f"{key}/first", value[0], row["steps"])
            board.add_scalar(f"{key}/last_third", sum(late) / len(late), row["steps"])
        elif isinstance(value, int | float):
            board.add_scalar(key, value, row["steps"])


class _Progress:
    """A line every few seconds: how far, how fast, how long still, how well."""

    def __init__(self, trainer: Trainer, quiet: bool) -> None:
        self.trainer, self.quiet, self._shown = trainer, quiet, 0.0
        self._began, self._steps = time.monotonic(), trainer.steps

    def __call__(self, row: dict) -> None:
        now, total = time.monotonic(), self.trainer.config.total_steps
        if self.quiet or (now - self._shown < _SHOW_EVERY and not self.trainer.done):
            return
        self._shown = now
        rate = (row["steps"] - self._steps) / (now - self._began)
        left = max(0, total - row["steps"]) / rate / 60
        curve = " ".join(f"{x:.1f}" for x in row["return_by_episode"][:12])
        print(f"{row['steps'] / 1e6:.2f}/{total / 1e6:.2f} M steps, {rate:.0f}/s, about {left:.0f} min left | "
              f"entropy {row['entropy']:.2f} kl {row['kl']:.4f} value {row['value_loss']:.3f} | return {curve}",
              flush=True)  # fmt: skip


def learning_curve(log: Path, points: int = 60) -> dict[str, list[float]]:
    """A log thinned to means of neighbouring rounds: ``steps``, return of the ``first`` episode, of the ``last_third``,
    and the same of success (in training houses: a look, not a result). Empty where there is no log."""
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    rows = [row for row in rows if row["return_by_episode"]]
    names = ("steps", "first", "last_third", "success_first", "success_last_third")
    curve: dict[str, list[float]] = {name: [] for name in names}
    for part in np.array_split(np.arange(len(rows)), min(points, len(rows))) if rows else ():
        curve["steps"].append(rows[part[-1]]["steps"])
        for kind, prefix in (("return", ""), ("success", "success_")):
            values = [rows[i][f"{kind}_by_episode"] for i in part]
            curve[f"{prefix}first"].append(round(float(np.mean([v[0] for v in values])), 4))
            late = [np.mean(v[-max(1, len(v) // 3) :]) for v in values]
            curve[f"{prefix}last_third"].append(round(float(np.mean(late)), 4))
    return curve


def takeoff(curve: dict[str, list[float]]) -> int | None:
    """Steps after which a :func:`learning_curve` took off; None: it never did."""
    at = takeoff_at(np.array(curve["first"]), np.array(curve["last_third"]))
    return None if at is None else int(curve["steps"][at])


def takeoff_at(first: np.ndarray, late: np.ndarray) -> int | None:
    """The point of a training [N] at which a trial's last episodes first were half as much better than its first one
    as they are in the end (the mean of five points); None where that is less than a tenth of what the first one has:
    it never took off."""
    gain = late - first
    if len(gain) < 5 or gain[-5:].mean() < 0.1 * abs(first[-5:].mean()):
        return None
    return int(np.argmax(gain >= gain[-5:].mean() / 2))
