#!/bin/bash
# A suite shared out among the jobs of an array, without Ray: sbatch docs/cluster/slurm-array.sh mujoco --out /shared/mujoco
# To do some again: sbatch --array=3,7 docs/cluster/slurm-array.sh mujoco --out /shared/mujoco
#SBATCH --job-name=pgsuite
#SBATCH --array=1-10
#SBATCH --cpus-per-task=4
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@120
set -euo pipefail

SHARDS="${SHARDS:-10}" # as many as the whole array has, also where only some are done again
cpus="${SLURM_CPUS_PER_TASK:-1}"
exec srun --cpus-per-task="$cpus" pgsuite run "$@" --shard "$SLURM_ARRAY_TASK_ID/$SHARDS" --workers "$cpus"
