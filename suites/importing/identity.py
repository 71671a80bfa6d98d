"""Whose a run is: what its file, the path of its file and the name of the run say, and what the user states."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError
from .runs import checked_name

_ZOO = re.compile(r"(.+-v\d+)_(\d+)")
_STABLE_BASELINES = re.compile(
    r"(A2C|PPO|DQN|SAC|TD3|DDPG|HER|TRPO|ARS|QRDQN|TQC|CrossQ|RecurrentPPO|MaskablePPO)_(\d+)"
)
_CLEAN_RL = re.compile(r"(.+)__(.+)__(\d+)__\d+")
_OURS = re.compile(r"(.+) · (.+) · seed (\d+)")
_OUR_FOLDER = re.compile(r"(.+?)--(.+)--[0-9a-f]{12}")
_SEED = re.compile(r"(?:^|[^A-Za-z])seed[-_=\s]?(\d{1,18})(?!\d)", re.IGNORECASE)


class Origin(NamedTuple):
    """What a path or a name tells of a run; None where it tells nothing."""

    algorithm: str | None
    env: str | None
    seed: int | None
    counted: bool = False
    """Whether the seed is a number that RL Zoo or Stable-Baselines3 counts runs by."""


class Key(NamedTuple):
    """A run."""

    algorithm: str
    env: str
    seed: int


def key_of(told: Origin, given: Mapping[str, str], where: str, env: str | None = None) -> Key:
    """The run that something is of: as the user states, else as the file says, else as its path does.

    Args:
        told: by the path or the name.
        given: algorithm, env or seed that the user stated.
        where: for messages.
        env: told by the file.

    Raises:
        UsageError: naming what nobody tells.
    """
    algorithm, env = given.get("algorithm") or told.algorithm, given.get("env") or env or told.env
    seed = given.get("seed", told.seed)
    lacking = [
        (name, example)
        for name, value, example in (("algorithm", algorithm, "ppo"), ("env", env, "CartPole-v1"), ("seed", seed, "3"))
        if value is None
    ]
    if lacking:
        names, options = zip(*((name, f"--{name} {example}") for name, example in lacking), strict=True)
        raise UsageError(
            f"{where} does not tell its {' and its '.join(names)}, and neither does its path; "
            f"give it, as in {' '.join(options)}"
        )
    return Key(checked_name(str(algorithm), "algorithm", where), checked_name(str(env), "env", where), int(seed or 0))


def said_of_numbers(told: Sequence[Origin]) -> list[str]:
    """That a number which counts runs was taken for the seed, where it was."""
    if not (counted := [one for one in told if one.counted]):
        return []
    first = counted[0]
    return [
        f"the number in {first.env or first.algorithm}_{first.seed} and its like is taken for the seed: RL Zoo and "
        "Stable-Baselines3 count runs by it, and train them by seeds of their own (RL Zoo's is in args.yml)"
    ]


def origin(file: Path) -> Origin:
    """Read a path: the names of runs that tools give to files and folders, else any ``seed-3`` in it.

    Those are RL Zoo's ``<algorithm>/<env>_<n>``, whose n is taken for the seed, as a folder or as the beginning of a
    file's name (``Monitor(env, "a2c/CartPole-v1_1")``), and what `origin_in` reads.
    """
    parts = file.absolute().parts
    stem = re.sub(r"\.?(monitor\.csv|csv|npz)(\.gz)?$", "", parts[-1])
    seed = next((seed for part in reversed(parts) if (seed := _seed_in(part)) is not None), None)
    stated = next((seed for part in reversed(parts[-4:]) if (seed := _seed_in(part)) is not None), None)
    for name, parent in ((stem, parts[-2:-1]), (parts[-2] if len(parts) > 2 else "", parts[-3:-2])):
        if parent and (zoo := _ZOO.fullmatch(name)):
            counted = int(zoo[2][:18])
            return Origin(parent[0], zoo[1], counted if stated is None else stated, counted=stated is None)
    for part in (stem, *reversed(parts[-3:-1])):
        told = origin_in(part)
        if told.algorithm:
            return (
                told if told.seed is not None and not (told.counted and seed is not None) else told._replace(seed=seed)
            )
    return Origin(None, None, seed)


def origin_in(name: str) -> Origin:
    """Read the name of a run.

    As CleanRL and RL Zoo write it (``<env>__<algorithm>__<seed>__<time>``), as our own exports do
    (``<algorithm> · <env> · seed 3``, ``<algorithm>--<env>--<fingerprint>``), or as Stable-Baselines3's TensorBoard
    folders are called (``PPO_1``).
    """
    if found := _CLEAN_RL.fullmatch(name):
        return Origin(found[2], found[1], int(found[3][:18]))
    if found := _OURS.fullmatch(name):
        return Origin(found[1], found[2], int(found[3][:18]))
    if found := _OUR_FOLDER.fullmatch(name):
        return Origin(found[1], found[2], None)
    if found := _STABLE_BASELINES.fullmatch(name):
        return Origin(found[1], None, int(found[2][:18]), counted=True)
    return Origin(None, None, _seed_in(name))


def _seed_in(text: str) -> int | None:
    found = _SEED.search(text)
    return int(found[1]) if found else None
