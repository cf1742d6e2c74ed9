"""The progress of a run: predictions done, running score by agent, what each job is doing, time left."""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path

from embodied_mem.evaluation.run import DONE


class Display:
    """Reads the run folder's parts as they grow. On a terminal a live display; in a log one line every 15 s."""

    LOG_EVERY = 15.0

    def __init__(
        self, folder: Path, jobs: list[str], expected: int, quiet: bool, unit: str = "answers"
    ) -> None:
        self.unit = unit
        self.folder, self.jobs, self.expected, self.quiet = folder, jobs, max(1, expected), quiet
        self._offsets: dict[str, int] = defaultdict(int)
        self._right: dict[str, list[float]] = defaultdict(lambda: [0, 0])
        self._done, self._first_done = 0, -1
        self._started, self._logged = time.time(), 0.0
        self._live = None

    def __enter__(self) -> Display:
        if not self.quiet and sys.stdout.isatty():
            from rich.live import Live

            self._live = Live(refresh_per_second=2).__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.update(last=True)
        if self._live:
            self._live.__exit__(*error)

    def update(self, last: bool = False) -> None:
        """Read what is new and show it."""
        for job in self.jobs:
            self._read(job)
        if self._first_done < 0:
            self._first_done = self._done
        if self.quiet:
            return
        if self._live:
            self._live.update(self.text())
        elif last or time.time() - self._logged > self.LOG_EVERY:
            self._logged = time.time()
            print(self.text().replace("\n", " | "), flush=True)

    def text(self) -> str:
        """What is shown: counts, time left, running correctness, status of each job at work."""
        seconds = time.time() - self._started
        new = self._done - self._first_done
        left = f", about {seconds / new * (self.expected - self._done) / 60:.0f} min left" if new > 20 else ""
        head = f"{self._done}/{self.expected} {self.unit} in {seconds:.0f} s{left}"
        score = "  ".join(f"{agent} {right / n:.3f}" for agent, (right, n) in self._right.items() if n)
        jobs = [f"{job}: {text}" for job in self.jobs if (text := self._status(job)) not in ("", DONE)]
        return "\n".join(filter(None, [head, score, *jobs]))

    def _status(self, job: str) -> str:
        path = self.folder / "parts" / f"{job}.status"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _read(self, job: str) -> None:
        path = self.folder / "parts" / f"{job}.jsonl"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._offsets[job])
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offsets[job] += len(line)
                try:
                    row = json.loads(line)
                except ValueError:
                    continue  # the job that owns the part says what is wrong with it
                tally = self._right[row.get("agent", "")]
                tally[0] += float(row.get("correct") or 0)  # a share where a prediction is several attempts
                tally[1] += 1
                self._done += 1
