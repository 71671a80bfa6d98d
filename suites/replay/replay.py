"""A stored policy's evaluation again: the same bits as the recorded one, and any of its episodes step by step."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ...algorithms.interface import Episodes
from ...algorithms.streams import Stream
from ...envs.rendering import Episode, can_draw
from ...errors import UsageError
from ...results.store.provenance import versions
from ..cells import open_environments
from ..evaluation import Evaluated, environment_seeds, evaluate, evaluation_noise
from ..playing import play
from ..process import single_thread
from .policies import StoredPolicy

COMPARED = ("return_mean", "return_std", "length_mean")


class Replayed(NamedTuple):
    """A recorded evaluation made again."""

    episodes: Evaluated
    differences: list[str]
    """What is not bit-equal, as recorded and now; empty when all is."""


def replay(policy: StoredPolicy) -> Replayed:
    """Evaluate again, and compare bit for bit with what was recorded."""
    with single_thread():
        episodes = evaluate(policy.actor, policy.environment, policy.protocol, [policy.seed], policy.row.checkpoint)
    returns, lengths = episodes.returns[0], episodes.lengths[0]
    now = dict(zip(COMPARED, map(float, (returns.mean(), returns.std(), lengths.mean())), strict=True))
    recorded = {name: float(getattr(policy.row, name)) for name in COMPARED}
    differences = [f"{name} {recorded[name]!r}, now {now[name]!r}" for name in COMPARED if recorded[name] != now[name]]
    return Replayed(episodes, differences)


def reasons(policy: StoredPolicy) -> list[str]:
    """What is not as it was when the evaluation was recorded, and so may have changed its bits."""
    record = policy.store.record()
    before = dict(record.get("versions") or {})
    before |= (record.get("environment") or {}).get("physics") or {}
    found = [f"{name} was {old}, is {new}" for name, old in before.items() if (new := versions(name)[name]) != old]
    probe = open_environments(policy.environment, [0])
    backend, old = probe.version, (record.get("environment") or {}).get("backend_version")
    probe.close()
    if backend != old:
        found.append(f"backend {policy.environment.backend} was {old}, is {backend}")
    machine = (record.get("provenance") or {}).get("machine") or {}
    capability = torch.backends.cpu.get_cpu_capability()
    if machine.get("cpu_capability") not in (None, capability):
        found.append(f"instructions were {machine['cpu_capability']}, are {capability}")
    return found or ["versions and instructions are the same: the code has changed, or the files have"]


def drawable(policy: StoredPolicy) -> StoredPolicy:
    """The policy where its episodes can be drawn: as recorded, or on Gymnasium's own form of the environment."""
    if can_draw(policy.environment.id, policy.environment.backend):
        return policy
    return replace(policy, environment=replace(policy.environment, backend="gymnasium"))


def episode(policy: StoredPolicy, number: int) -> Episode:
    """One episode of the evaluation, step by step.

    Args:
        policy: whose evaluation.
        number: which of its episodes, from 0.

    Raises:
        UsageError: there are not so many.
    """
    count, actor, checkpoint = policy.protocol.episodes, policy.actor, policy.row.checkpoint
    if number >= count:
        raise UsageError(f"--episode {number}: the evaluation has episodes 0 to {count - 1}")
    members = environment_seeds(policy.seed, Stream.EVALUATION_ENVIRONMENT, checkpoint, count)
    env = open_environments(policy.environment, members)
    noise = evaluation_noise(actor, policy.protocol, [policy.seed], checkpoint)
    observations: list[NDArray[np.float32]] = []
    actions, rewards = [], []
    with single_thread():
        for played in play(Episodes(count), env, actor, noise, np.arange(count).reshape(1, count)):
            steps = int(played.valid[0, number].sum())
            observations += list(played.observation[0, number, len(observations) > 0 : steps + 1])
            actions += list(played.environment()[0, number, :steps])
            rewards += list(played.reward[0, number, :steps])
            if (played.terminated | played.truncated)[0, number].any():
                break
    env.close()
    return Episode(members[number], np.stack(observations), np.stack(actions), np.array(rewards))
