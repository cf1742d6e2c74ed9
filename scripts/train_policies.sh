#!/usr/bin/env bash
# Train everything that is shipped, some trainings at a time, then ship and evaluate it: hours on two cores. Started again
# after a kill it goes on.  ./scripts/train_policies.sh [NAME …]
#   JOBS=2 DEVICE=cpu     how many at a time, and where. Many small trainings share one GPU well (JOBS=16 DEVICE=cuda,
#                         a core each), better still with NVIDIA's multi-process service (nvidia-cuda-mps-control -d).
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup
export OMP_NUM_THREADS=1
[ $# -gt 0 ] || set -- grid_object_search object_search darkroom

train() { .venv/bin/embodied-mem train "$1" ${DEVICE:+--device "$DEVICE"}; }

for name in "$@"; do
  mkdir -p "runs/policies/$name"
  # Each takes what the others have not begun; the last run, alone, does what a failed one may have left.
  for job in $(seq 2 "${JOBS:-2}"); do
    train "$name" >> "runs/policies/$name/job-$job.log" 2>&1 &
  done
  train "$name"
  wait
  train "$name"
  .venv/bin/python scripts/ship_policies.py "$name"
  .venv/bin/embodied-mem evaluate "$name" --out "runs/evaluation/$name"
  .venv/bin/python scripts/ship_policies.py "$name" --card --metrics "runs/evaluation/$name/metrics.json"
done
