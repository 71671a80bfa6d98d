"""What a Gymnasium environment answers, held to Gymnasium's interface: one line names what it is instead.

The training loop asks for less than Gymnasium's own checker: numbers of any type do for an observation, 0 and 1 for a
flag, anything that is one number for a reward. What would be taken for something else, or stop a run with an error of
numpy, is refused, with the environment, the call and the remedy.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any, SupportsFloat

import numpy as np
from gymnasium import Space, spaces
from numpy.typing import NDArray

from ..errors import EnvironmentFault

_RESET = "return (observation, info), info a dictionary, as Gymnasium does"
_STEP = "return (observation, reward, terminated, truncated, info), as Gymnasium does"
_LONGEST = 60
"""Characters of a value that a message quotes."""


@contextmanager
def faults_of(env_id: str, where: str) -> Iterator[None]:
    """Name the environment in whatever it raises in a call; an answer in the form of old versions is named as such."""
    try:
        yield
    except EnvironmentFault:
        raise
    except Exception as error:
        raise named(env_id, where, error) from error


def named(env_id: str, where: str, error: Exception) -> EnvironmentFault:
    """What to raise from an error of an environment's."""
    return EnvironmentFault(_old(env_id, where, error) or fault(env_id, where, error))


def fault(env_id: str, where: str, error: Exception) -> str:
    """One line on an environment that raised."""
    return f"environment {env_id!r} raised {type(error).__name__} in {where}: {error}; fix the environment"


def _old(env_id: str, where: str, error: Exception) -> str:
    """One line on an error that only the interface of older versions makes; empty for any other."""
    raised_in = [str(frame.f_globals.get("__name__", "")) for frame, _ in walk_tb(error.__traceback__)][-1]
    if where == "reset" and isinstance(error, TypeError) and "argument 'seed'" in str(error):
        return f"environment {env_id!r} has a reset that takes no seed: define reset(self, *, seed=None, options=None)"
    if where == "step" and raised_in.startswith("gymnasium.") and "unpack" in str(error):  # in one of its wrappers
        return _step_of(env_id, 4 if "got 4" in str(error) else None)
    return ""


def _step_of(env_id: str, size: int | None) -> str:
    """One line on a step whose answer is not of five values, but of ``size``."""
    if size == 4:
        what = "4 values, as (observation, reward, done, info) of versions before 0.26"
    else:
        what = "something else than 5 values" if size is None else f"{size} values"
    return f"environment {env_id!r} returned {what}, in step: {_STEP}"


def reset_answer(env_id: str, space: Space[Any], answer: Any) -> NDArray[Any]:
    """The flat observation ``(O,)`` that a reset answered.

    Raises:
        EnvironmentFault: it is no observation of the space with an info beside it.
    """
    if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], Mapping)):
        alone = not wrong(space, answer)
        what = "an observation alone, as versions before 0.26 did" if alone else kind(answer)
        raise EnvironmentFault(f"environment {env_id!r} returned {what}, in reset: {_RESET}")
    return observed(env_id, "reset", space, answer[0])


def step_answer(env_id: str, space: Space[Any], answer: Any) -> tuple[NDArray[Any], float, bool, bool]:
    """Flat observation ``(O,)``, reward, and whether the episode terminated or was truncated, as a step answered.

    Raises:
        EnvironmentFault: any of them is something else.
    """
    if not isinstance(answer, tuple) or len(answer) != 5:
        if isinstance(answer, tuple):
            raise EnvironmentFault(_step_of(env_id, len(answer)))
        raise EnvironmentFault(f"environment {env_id!r} returned {kind(answer)}, in step: {_STEP}")
    observation, reward, terminated, truncated, _ = answer
    return (
        observed(env_id, "step", space, observation),
        reward if type(reward) is float else _reward(env_id, reward),
        terminated if type(terminated) is bool else _flag(env_id, "terminated", terminated),
        truncated if type(truncated) is bool else _flag(env_id, "truncated", truncated),
    )


def observed(env_id: str, where: str, space: Space[Any], observation: Any) -> NDArray[Any]:
    """An observation as a vector ``(O,)``.

    Raises:
        EnvironmentFault: it is none of the space.
    """
    if reason := wrong(space, observation):
        raise EnvironmentFault(
            f"environment {env_id!r} gave an observation in {where} that is {reason}: "
            "return what its observation_space declares, or declare what it returns"
        )
    if isinstance(space, spaces.Box):
        flat: NDArray[Any] = np.asarray(observation).reshape(-1)
        return flat
    return np.asarray(spaces.flatten(space, observation))


def wrong(space: Space[Any], value: Any) -> str:
    """What a value is that a space does not have; empty where it has it, bounds and kind of float aside."""
    match space:
        case spaces.Box():
            return _wrong_array(space.shape, value, "fiub")
        case spaces.Discrete():
            reason = _wrong_array((), value, "iu")
            low, high = int(space.start), int(space.start + space.n - 1)
            return reason or ("" if low <= int(value) <= high else f"{value}, where it counts from {low} to {high}")
        case spaces.MultiDiscrete() | spaces.MultiBinary():
            reason = _wrong_array(space.shape, value, "iub")
            whole = reason or space.contains(np.asarray(value, space.dtype))
            return reason or ("" if whole else f"{kind(value)} with a number out of its range")
        case spaces.Dict():
            if not isinstance(value, Mapping):
                return f"{kind(value)} where a dictionary of {', '.join(space.spaces)} is declared"
            if set(value) != set(space.spaces):
                return f"a dictionary of {', '.join(map(str, value))} where {', '.join(space.spaces)} are declared"
            parts = {name: wrong(part, value[name]) for name, part in space.spaces.items()}
            return next((f"at {name!r} {reason}" for name, reason in parts.items() if reason), "")
        case spaces.Tuple():
            if not isinstance(value, tuple | list) or len(value) != len(space.spaces):
                return f"{kind(value)} where a tuple of {len(space.spaces)} is declared"
            reasons = [wrong(part, one) for part, one in zip(space.spaces, value, strict=True)]
            return next((f"at {place} {reason}" for place, reason in enumerate(reasons) if reason), "")
    return ""


def _wrong_array(shape: tuple[int, ...], value: Any, kinds: str) -> str:
    """What a value is that is no array of a shape and of numbers of some of numpy's kinds."""
    array = value
    if not isinstance(value, np.ndarray):
        try:
            array = np.asarray(value)
        except (ValueError, TypeError):  # lists of different lengths, or an object that refuses
            return kind(value)
    if array.dtype.kind in kinds and array.shape == shape:
        return ""
    if array.dtype.kind not in "fiub":
        return kind(value)
    if array.shape != shape:
        return f"of shape {array.shape} where {shape} is declared"
    return f"{kind(value)} where whole numbers are declared"


def _reward(env_id: str, reward: Any) -> float:
    """One number; its shape would else be lost without a word."""
    if getattr(reward, "shape", ()) == () and isinstance(reward, SupportsFloat) and not isinstance(reward, str | bytes):
        return float(reward)
    remedy = "return one number"
    if isinstance(reward, np.ndarray) and reward.size == 1:
        remedy += ", such as float(reward.item())"
    raise EnvironmentFault(f"environment {env_id!r} gave a reward in step that is {kind(reward)}: {remedy}")


def _flag(env_id: str, name: str, flag: Any) -> bool:
    """A truth value: any text is true, and so is a number that is not one."""
    if isinstance(flag, np.bool_) or (isinstance(flag, int | np.integer) and flag in (0, 1)):
        return bool(flag)
    if isinstance(flag, np.ndarray) and flag.shape == () and flag.dtype == np.bool_:
        return bool(flag)
    raise EnvironmentFault(
        f"environment {env_id!r} gave {name} in step as {kind(flag)}: return True or False, as bool(...) makes them"
    )


def kind(value: Any) -> str:
    """What a value is, in a few words for a message."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape and dtype is not None:
        return f"an array of shape {tuple(shape)} and dtype {dtype}"
    if value is None:
        return "None"
    quoted = " ".join(repr(value).split())
    quoted = quoted if len(quoted) <= _LONGEST else f"{quoted[:_LONGEST]}..."
    return f"the text {quoted}" if isinstance(value, str) else f"{quoted}, of type {type(value).__name__}"
