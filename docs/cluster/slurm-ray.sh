#!/bin/bash
# A suite on a Ray cluster that lives as long as the job: sbatch docs/cluster/slurm-ray.sh mujoco --out /shared/mujoco
# Submitted again, it goes on from what is there.
#SBATCH --job-name=pgsuite
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --time=12:00:00
#SBATCH --signal=B:TERM@120
set -euo pipefail

mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
port=$((20000 + SLURM_JOB_ID % 10000)) # jobs that share a machine have one each
export RAY_ADDRESS="${hosts[0]}:$port" RAY_USAGE_STATS_ENABLED=0
cpus="${SLURM_CPUS_PER_TASK:-1}"
one=(--nodes=1 --ntasks=1 "--cpus-per-task=$cpus") # srun does not take the last from sbatch
nodes=()
end_nodes() { # and tell them again every two seconds: a signal that comes while one is being started may be lost
    for tenth in $(seq 0 400); do
        signal=$((tenth % 20 ? 0 : 15))
        kill "-$signal" "${nodes[@]}" 2> /dev/null || break
        sleep 0.1
    done
}
trap end_nodes EXIT

srun "${one[@]}" --nodelist="${hosts[0]}" ray start --head --block --include-dashboard=false \
    --node-ip-address="${hosts[0]}" --port="$port" --num-cpus="$cpus" &
nodes+=($!)
for _ in $(seq 60); do
    ray status --address "$RAY_ADDRESS" > /dev/null 2>&1 && break
    sleep "${PAUSE:-2}"
done
ray status --address "$RAY_ADDRESS" > /dev/null || { echo "the head on $RAY_ADDRESS does not answer" >&2; exit 1; }
for host in "${hosts[@]:1}"; do
    srun "${one[@]}" --nodelist="$host" ray start --block --address="$RAY_ADDRESS" --num-cpus="$cpus" &
    nodes+=($!)
done

pgsuite run "$@" --on ray &
driver=$!
trap 'kill -TERM "$driver"' TERM # before the time limit: running jobs save what they have
status=0
wait "$driver" || status=$?
if kill -0 "$driver" 2> /dev/null; then # the signal interrupted the waiting
    status=0
    wait "$driver" || status=$?
fi
exit "$status"
