#!/usr/bin/env python
"""A small OpenEQA (or LA-EQA) folder out of an embedded house, to try the way from such a folder to a table end to end.

    .venv/bin/python scripts/make_openeqa_folder.py 7 demo
    .venv/bin/embodied-mem evaluate openeqa --folder demo --out runs/demo

    .venv/bin/python scripts/make_openeqa_folder.py 7 demo-la --la-eqa
    .venv/bin/embodied-mem evaluate la_eqa_files --folder demo-la

Nothing is downloaded. The same command again goes over the same files.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.tasks.openeqa.make import make_la_eqa, make_openeqa


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=int, help="house seed; below 10,000 for development")
    parser.add_argument("folder", type=Path, help="where the folder is made")
    parser.add_argument("--layout", choices=("hm3d-v0", "scannet-v0"), default="hm3d-v0", help="OpenEQA's file layout")
    parser.add_argument("--la-eqa", action="store_true", help="two past visits and the present, as LA-EQA's")
    arguments = parser.parse_args()
    try:
        if arguments.la_eqa:
            make_la_eqa(arguments.seed, arguments.folder)
        else:
            make_openeqa(arguments.seed, arguments.folder, arguments.layout)
    except EmbodiedMemError as error:
        print(f"make_openeqa_folder: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
