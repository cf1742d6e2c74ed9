#!/usr/bin/env bash
# Train everything that is shipped, two trainings at a time, then ship and evaluate it: hours on two cores. Started again
# after a kill it goes on.  ./scripts/train_policies.sh [NAME …]
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup
export OMP_NUM_THREADS=1
[ $# -gt 0 ] || set -- grid_object_search object_search darkroom

for name in "$@"; do
  mkdir -p "runs/policies/$name"
  # Each takes what the other has not begun; the third run, alone, does what a failed one may have left.
  .venv/bin/embodied-mem train "$name" >> "runs/policies/$name/second.log" 2>&1 &
  .venv/bin/embodied-mem train "$name"
  wait
  .venv/bin/embodied-mem train "$name"
  .venv/bin/python scripts/ship_policies.py "$name"
  .venv/bin/embodied-mem evaluate "$name" --out "runs/evaluation/$name"
  .venv/bin/python scripts/ship_policies.py "$name" --card --metrics "runs/evaluation/$name/metrics.json"
done
