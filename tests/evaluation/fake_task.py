"""A task of three small jobs that needs no simulator: what it predicts depends on nothing but job and question."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from embodied_mem import registry

QUESTIONS = 4


@dataclass(frozen=True)
class FakeConfig:
    """``kill_after``: predictions after which the process of a job dies as by kill -9 (None: it lives)."""

    seed: int = field(default=0, metadata={"min": 0})
    kill_after: int | None = None
    workers: int | None = None


class FakeTask:
    Config = FakeConfig

    def __init__(self, config: FakeConfig) -> None:
        self.config = config

    def jobs(self) -> list[str]:
        return ["house-a", "house-b", "house-c"]

    def expected(self) -> int:
        return len(self.jobs()) * QUESTIONS

    def run(
        self, job: str, folder: Path, done: set[str], emit: Callable[[dict], None], status: Callable[[str], None]
    ) -> None:
        for n in range(QUESTIONS):
            key = f"walker/{job}/{n}"
            if key not in done:
                status(f"question {n + 1}/{QUESTIONS}")
                emit({"key": key, "agent": "walker", "correct": (n + self.config.seed) % 2 == 0})
                if self.config.kill_after == n + 1:
                    os._exit(9)

    @staticmethod
    def score(rows: list[dict]) -> dict:
        return {"task": "fake", "questions": len(rows), "correct": sum(r["correct"] for r in rows) / len(rows)}

    def metrics(self, rows: list[dict]) -> dict:
        return self.score(rows)

    def report(self, folder: Path) -> None:
        return None


def load(group: str, name: str) -> type:
    """In place of :func:`embodied_mem.registry.load`."""
    assert (group, name) == ("tasks", "fake")
    return FakeTask


def work(*job: object) -> None:
    """In place of the runner's worker: registers the fake task in the fresh process, then works as it does."""
    from embodied_mem.evaluation import run

    registry.load = load
    run._work(*job)
