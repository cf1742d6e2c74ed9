#!/usr/bin/env python
"""Serves a simulator to this stack from another environment: all it needs there is numpy, msgpack and websockets (and
habitat_sim for ``habitat``), on Python 3.9 or newer. docs/habitat.md says how to use it.

    python scripts/serve_simulator.py embedded
    python scripts/serve_simulator.py habitat --scene-dataset house.scene_dataset_config.json --port 8765
"""

from __future__ import annotations

import argparse
import functools
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # that environment has no embodied_mem installed

from embodied_mem.errors import EmbodiedMemError  # noqa: E402
from embodied_mem.wire.server import Server  # noqa: E402

TOKEN_FILE = Path.home() / ".embodied-mem" / "wire-token"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve a simulator over a websocket on 127.0.0.1.")
    parser.add_argument("simulator", choices=("embedded", "habitat"))
    parser.add_argument("--scene-dataset", default="default", metavar="FILE",
                        help="habitat: a scene_dataset_config.json (default: paths of models are scenes)")  # fmt: skip
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--token-file", type=Path, default=TOKEN_FILE, metavar="FILE",
                        help="holds the token; written if it is not there (default: %(default)s)")  # fmt: skip
    parser.add_argument("--truth", action="store_true",
                        help="let clients ask for true poses and instance images: for scoring")  # fmt: skip
    parser.add_argument("--limit-s", type=float, default=240.0, metavar="SECONDS",
                        help="end a simulator that takes longer for a request (default: %(default)g)")  # fmt: skip
    return parser.parse_args()


def token_in(path: Path) -> str:
    """The token in a file; a new one, readable by its owner only, where there is no file."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip()


def simulator(chosen: argparse.Namespace) -> tuple:
    """What makes the chosen simulator, and the modules that it needs."""
    if chosen.simulator == "embedded":
        from embodied_mem.sim.embedded import EmbeddedSimulator

        return EmbeddedSimulator, ("embodied_mem.sim.embedded", "open3d")
    from embodied_mem.sim.habitat import HabitatSimulator
    from embodied_mem.sim.habitat_world import require_habitat

    require_habitat()
    return functools.partial(HabitatSimulator, chosen.scene_dataset), ("embodied_mem.sim.habitat", "habitat_sim")


def main() -> None:
    chosen, stop = arguments(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        make, slow = simulator(chosen)
        server = Server(make, token_in(chosen.token_file), port=chosen.port, truth=chosen.truth,
                        limit_s=chosen.limit_s, preload=slow)  # fmt: skip
    except (EmbodiedMemError, OSError) as error:
        sys.exit(f"serve_simulator: {error}")
    with server:
        print(f"serving {chosen.simulator} on {server.url}{' with its truth' if chosen.truth else ''}\n"
              f"token in {chosen.token_file}\n"
              f'client: RemoteSimulator("{server.url}", Path("{chosen.token_file}"))', flush=True)  # fmt: skip
        stop.wait()


if __name__ == "__main__":
    main()
