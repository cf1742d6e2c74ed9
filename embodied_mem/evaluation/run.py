"""Run a task's jobs in parallel processes into a folder that can be resumed.

    RUN/config.json          the full configuration; a resumed run must have the same one
    RUN/inputs.json          what else each job was made of
    RUN/parts/JOB.jsonl      one line a prediction, appended as it is made; a torn last line is dropped on resume
    RUN/parts/JOB.status     what the job is doing right now, for the progress display
    RUN/predictions.jsonl    all parts in order, written when every job is done
    RUN/metrics.json         the task's metrics
    RUN/report.html          the task's report
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol

from embodied_mem import registry
from embodied_mem.config import build, read_yaml, to_dict
from embodied_mem.errors import ConfigError, EmbodiedMemError, InputError

DONE = "done"  # the status of a job that is
MAX_LINE = 4_000_000  # bytes of one prediction; more is not one of ours


class Task(Protocol):
    """What the runner needs of a task; found through the entry points of ``embodied_mem.tasks``.

    It may also have ``OPTIONS`` {option of the command line: dotted key it sets} (left out: each field of Config),
    ``unit`` (what a prediction is called; left out: answers), ``inputs()`` ({job: fingerprint} of what its predictions
    depend on besides the configuration, weights say: a job is done anew where that changed), and ``train(config, agent,
    seed, out)``. A ``Config`` with a field ``task`` is told it.
    """

    Config: type

    def __init__(self, config: Any) -> None: ...

    def jobs(self) -> list[str]:
        """Names of independent pieces of work (one a house), in order."""

    def expected(self) -> int:
        """How many predictions the whole run makes, about: for the progress display."""

    def run(
        self, job: str, folder: Path, done: set[str], emit: Callable[[dict], None], status: Callable[[str], None]
    ) -> None:
        """Do one job: ``emit`` every prediction whose ``key`` is not in ``done``; side files go into ``folder``."""

    def metrics(self, rows: list[dict]) -> dict:
        """The metrics of all predictions."""

    def report(self, folder: Path) -> Path | None:
        """Write the report of a finished run folder; None where the task has none."""


def load_task(name: str | Path, overrides: dict | None = None) -> tuple[Task, dict]:
    """The task that a configuration names, built from it with single values overridden, and the full configuration."""
    cls, raw = task_class(name)
    kind = raw["task"]
    if "task" not in cls.Config.__dataclass_fields__:
        del raw["task"]
    for option in overrides or {}:
        if overrides[option] is not None:
            _override(cls, kind, raw, option, overrides)
    task = cls(build(cls.Config, raw, kind))
    return task, {"task": kind, **to_dict(task.config)}


def task_class(name: str | Path) -> tuple[Any, dict]:
    """The class of the task that a configuration names, and the configuration as it stands in the file."""
    raw = read_yaml(name)
    if not isinstance(raw.get("task"), str):
        raise ConfigError(f"{name}: missing key 'task'; installed tasks: {', '.join(registry.names('tasks'))}")
    return registry.load("tasks", raw["task"]), raw


def _override(cls: Any, kind: str, raw: dict, option: str, options: dict) -> None:
    """Set the key of an option of the command line; ``options`` are all there are."""
    keys = getattr(cls, "OPTIONS", None) or {name: name for name in cls.Config.__dataclass_fields__}
    if option not in keys:
        known = ", ".join(f"--{name}" for name in options if name in keys)
        raise ConfigError(f"{kind} takes no --{option}; it takes {known}")
    *path, last = keys[option].split(".")
    for key in path:
        raw = raw.setdefault(key, {})
        if not isinstance(raw, dict):
            return  # the configuration is wrong there, and will be refused for it
    raw[last] = options[option]


def evaluate(name: str | Path, out: Path | None = None, overrides: dict | None = None, quiet: bool = False) -> Path:
    """Run (or go on with) an evaluation; returns the run folder. Raises ConfigError for a folder of another run."""
    task, config = load_task(name, overrides)
    folder = Path(out) if out else Path("runs") / f"{config['task']}-{_digest(config)}"
    jobs, inputs = task.jobs(), task.inputs() if hasattr(task, "inputs") else {}
    workers = max(1, min(len(jobs), config.get("workers") or os.cpu_count() or 1))
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    with _only_run(folder):
        for job in _claim(folder, config, inputs):
            print(f"{job}: what it is made of has changed since; it is done anew", flush=True)
        started = time.time() - _seconds_so_far(folder)
        _run_jobs(name, overrides, folder, jobs, workers, task, quiet, started)
    rows = [row for job in jobs for row in read_rows(folder / "parts" / f"{job}.jsonl")]
    write_atomically(folder / "predictions.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
    metrics = {**task.metrics(rows), "run_seconds": round(time.time() - started)}
    write_atomically(folder / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    task.report(folder)
    return folder


def read_rows(path: Path, torn_ok: bool = True) -> Iterator[dict]:
    """The predictions of a file; a torn last line (a killed run) is left out, any other damage is an InputError.

    torn_ok: False makes a torn last line an InputError too.
    """
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_LINE:
                raise InputError(f"{path}:{number} has {len(line)} bytes, the limit is {MAX_LINE}")
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                if torn_ok and not line.endswith(b"\n"):
                    return
                raise InputError(f"{path}:{number} is not JSON ({error}); remove the line") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}:{number} must be a JSON object, it is {type(row).__name__}")
            yield row


def write_atomically(path: Path, text: str) -> None:
    """The whole file or the old one, never half of it."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _digest(config: dict) -> str:
    plain = {k: v for k, v in config.items() if k != "workers"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]


def _claim(folder: Path, config: dict, inputs: dict[str, str]) -> list[str]:
    """Make the folder this run's; returns the jobs whose predictions were of other inputs and are gone now."""
    path, made_from = folder / "config.json", folder / "inputs.json"
    if path.exists() and _digest(_mapping(path)) != _digest(config):
        raise ConfigError(f"{folder} holds a run with another configuration; choose another --out or remove it")
    before = _mapping(made_from) if made_from.exists() else {}
    changed = [job for job, made_of in inputs.items() if before.get(job, made_of) != made_of]
    for job in changed:
        for end in (".jsonl", ".status"):
            (folder / "parts" / f"{job}{end}").unlink(missing_ok=True)
    write_atomically(path, json.dumps(config, indent=1) + "\n")
    write_atomically(made_from, json.dumps({**before, **inputs}, indent=1) + "\n")
    return changed


def _mapping(path: Path) -> dict:
    with contextlib.suppress(ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    raise ConfigError(f"{path} is damaged; remove that file to go on with the run, or choose another --out")


@contextlib.contextmanager
def _only_run(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system drops with the process: two runs in one folder would mix their parts."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f"{folder} is in use by another run; wait for it or choose another --out") from error
        yield


def _seconds_so_far(folder: Path) -> float:
    path = folder / "seconds"
    return float(path.read_text()) if path.exists() else 0.0


def _run_jobs(
    name: Any, overrides: Any, folder: Path, jobs: list[str], workers: int, task: Task, quiet: bool, started: float
) -> None:
    # Processes are spawned, not forked: open3d's and torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one process a core; more threads only get in the way
    stop = context.Event()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_obey, initargs=(stop,)) as pool:
        left = [job for job in jobs if not _is_done(folder, job)]
        futures = {job: pool.submit(_work, str(name), overrides, str(folder), job) for job in left}
        try:
            _watch(folder, jobs, futures, task, quiet, started)
        except BaseException:
            stop.set()  # the jobs at work end at their next prediction; what they have written stays
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    for future in futures.values():
        _result(future)


def _is_done(folder: Path, job: str) -> bool:
    part, status = (folder / "parts" / f"{job}{end}" for end in (".jsonl", ".status"))
    return part.exists() and status.exists() and status.read_text(encoding="utf-8") == DONE


def _result(future: Future) -> None:
    try:
        future.result()
    except BrokenProcessPool as error:
        raise EmbodiedMemError(
            "a worker process was killed (out of memory?); what is done is kept, the same command goes on from here, "
            "with less memory under --workers 1"
        ) from error


def _watch(
    folder: Path, jobs: list[str], futures: dict[str, Future], task: Task, quiet: bool, started: float
) -> None:
    from embodied_mem.evaluation.progress import Display

    unit = getattr(task, "unit", "answers")
    with Display(folder, jobs, task.expected(), quiet, unit) as display:
        while True:
            pending = [f for f in futures.values() if not f.done()]
            display.update()
            write_status(folder / "seconds", f"{time.time() - started:.0f}\n")  # a killed run keeps its run time
            for future in futures.values():
                if future.done() and not future.cancelled():
                    _result(future)  # an error in one job ends the run; what is done stays
            if not pending:
                return
            time.sleep(0.5)


_stop: Any = None  # in a worker: the event that ends it


def _obey(stop: Any) -> None:
    global _stop
    _stop = stop


def _work(name: str, overrides: dict | None, folder: str, job: str) -> None:
    """One job in its own process."""
    task, _ = load_task(name, overrides)
    part, status = (Path(folder) / "parts" / f"{job}{end}" for end in (".jsonl", ".status"))
    rows = list(read_rows(part))
    write_atomically(part, "".join(json.dumps(r) + "\n" for r in rows))
    with part.open("a", encoding="utf-8") as file:

        def emit(row: dict) -> None:
            parent = multiprocessing.parent_process()
            ended = _stop is not None and _stop.is_set()
            # The run failed or was killed: going on would mean two writers on this part once it is resumed.
            if ended or (parent is not None and not parent.is_alive()):
                raise SystemExit(f"{job}: the run that this worker belongs to is gone")
            file.write(json.dumps(row) + "\n")
            file.flush()

        task.run(job, Path(folder), {row["key"] for row in rows}, emit, lambda text: write_status(status, text))
    write_status(status, DONE)


def write_status(path: Path, text: str) -> None:
    """Replace a status line; readers see the old one or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
