"""Pictures of an episode that was played on any backend, drawn by Gymnasium's environments.

Three ways, by what the backend left: set the state that an observation shows and draw it (classic control, MuJoCo);
play the same actions from the same seed again (Gymnasium's own environments); or not at all (EnvPool's Box2D).

Legend for shapes: T steps, O observation size, H×W pixels.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .answers import faults_of
from .classic import TASKS
from .gymnasium_backend import make_one
from .spaces import first_action

Picture = NDArray[np.uint8]
"""``(H, W, 3)``"""

_UNOBSERVED = {"HalfCheetah-v5": 1, "Hopper-v5": 1, "Walker2d-v5": 1, "Swimmer-v5": 2, "Ant-v5": 2}
"""Leading coordinates of the root that MuJoCo environments keep to themselves."""
_MUJOCO = {*_UNOBSERVED, "InvertedPendulum-v5", "InvertedDoublePendulum-v5", "Reacher-v5"}


class Episode(NamedTuple):
    """One episode as it was played."""

    seed: int
    """Of its environment, at its first reset."""
    observation: NDArray[np.float32]
    """``(T + 1, O)`` flat, the first and the final one included."""
    action: NDArray[Any]
    """``(T, ...)`` as the vector environment took them."""
    reward: NDArray[np.float64]
    """``(T,)``"""


class Film(NamedTuple):
    """Pictures of an episode: its first state and the state after every step."""

    pictures: Iterator[Picture]
    """T + 1 of them, drawn as they are asked for."""
    fps: int
    """Pictures per second of the environment's time."""


def headless() -> None:
    """Let pygame and MuJoCo draw without a display; call it before either is imported."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        os.environ.setdefault("MUJOCO_GL", "egl")


def can_draw(env_id: str, backend: str) -> bool:
    """Whether an episode of this backend can be drawn as it was; all others can be on the backend `gymnasium`."""
    return backend == "gymnasium" or env_id in TASKS or env_id in _MUJOCO


def film(env_id: str, backend: str, options: dict[str, Any], episode: Episode) -> Film:
    """Draw an episode.

    Raises:
        UsageError: the environment draws nothing, or what it needs for drawing is not there.
        EnvironmentFault: the environment raised, or did not repeat the episode.
    """
    with drawing(env_id):
        env = make_one(env_id, **options)
    modes, fps = env.metadata.get("render_modes", ()), int(env.metadata.get("render_fps") or 30)
    env.close()
    if "rgb_array" not in (modes or ()):
        raise UsageError(f"environment {env_id!r} has no render_mode rgb_array, so it cannot be drawn: leave -o out")
    shown = _repeated if backend == "gymnasium" else _observed
    return Film(_closing(env_id, options, lambda env: shown(env, env_id, episode)), fps)


def _closing(
    env_id: str, options: dict[str, Any], pictures: Callable[[gymnasium.Env[Any, Any]], Iterator[Picture]]
) -> Iterator[Picture]:
    with drawing(env_id):
        env = make_one(env_id, render_mode="rgb_array", **options)
        try:
            follow(env)
            yield from pictures(env)
        finally:
            env.close()


def follow(env: gymnasium.Env[Any, Any]) -> None:
    """Look through the camera that follows a MuJoCo body; from where Gymnasium looks, it soon walks out of sight."""
    inner: Any = env.unwrapped
    cameras = [inner.model.camera(n) for n in range(inner.model.ncam)] if hasattr(inner, "mujoco_renderer") else []
    for camera in cameras:
        if camera.name == "track":
            inner.mujoco_renderer.camera_id = camera.id


@contextmanager
def drawing(env_id: str) -> Iterator[None]:
    """Say in one line what a failing renderer lacks."""
    try:
        yield
    except gymnasium.error.DependencyNotInstalled as error:
        raise UsageError(f"drawing {env_id!r} needs more packages: pip install 'pgsuite[video]'") from error
    except Exception as error:
        if not _from_opengl(error.__cause__ or error):
            raise
        raise UsageError(
            f"MuJoCo cannot draw {env_id!r} by MUJOCO_GL={os.environ.get('MUJOCO_GL', '')}: install EGL (libegl1) or "
            "OSMesa (libosmesa6) and set MUJOCO_GL to egl or osmesa"
        ) from error


def _from_opengl(error: BaseException) -> bool:
    trace, files = error.__traceback__, []
    while trace:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    return any(part in file for file in files for part in ("OpenGL", "mujoco_rendering", "gl_context", "glfw"))


def _picture(env: gymnasium.Env[Any, Any]) -> Picture:
    return np.asarray(env.render(), dtype=np.uint8)


def _repeated(env: gymnasium.Env[Any, Any], env_id: str, episode: Episode) -> Iterator[Picture]:
    """Play the same actions from the same seed; a reward that is not the recorded one ends in an error."""
    offset, space = first_action(env.action_space), env.action_space
    with faults_of(env_id, "reset"):
        env.reset(seed=episode.seed)
    yield _picture(env)
    for action, reward in zip(episode.action, episode.reward, strict=True):
        own = np.array(action + offset, space.dtype).reshape(space.shape or ())
        with faults_of(env_id, "step"):
            again = env.step(own)[1]
            if float(again) != reward:
                raise RuntimeError(f"reward {again} where the same actions had brought {reward}: it is not repeatable")
        yield _picture(env)


def _observed(env: gymnasium.Env[Any, Any], env_id: str, episode: Episode) -> Iterator[Picture]:
    """Set the states that the observations show."""
    env.reset(seed=0)
    inner: Any = env.unwrapped
    distance = np.zeros(2)
    for time, observation in enumerate(episode.observation.astype(np.float64)):
        action = episode.action[time - 1] if time else None
        if env_id in TASKS:
            inner.state = classic_state(env_id, observation)
            if env_id == "Pendulum-v1":
                inner.last_u = None if action is None else action[0]
        else:
            position, velocity = mujoco_state(env_id, observation, inner.model.nq, inner.model.nv)
            hidden = _UNOBSERVED.get(env_id, 0)
            position[:hidden] = distance[:hidden]
            inner.set_state(position, velocity)
            distance[:hidden] += velocity[:hidden] * inner.dt  # not observed: what the velocity adds up to
        yield _picture(env)


def classic_state(env_id: str, observation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The state ``(D,)`` that an observation ``(O,)`` of classic control shows, in Gymnasium's variables."""
    match env_id:
        case "Acrobot-v1":
            angles = np.arctan2(observation[[1, 3]], observation[[0, 2]])
            return np.concatenate([angles, observation[4:]])
        case "Pendulum-v1":
            return np.array([np.arctan2(observation[1], observation[0]), observation[2]])
        case _:
            return observation


def mujoco_state(
    env_id: str, observation: NDArray[np.float64], positions: int, velocities: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions and velocities that an observation ``(O,)`` shows; coordinates that are not observed are 0."""
    position, velocity = np.zeros(positions), np.zeros(velocities)
    match env_id:
        case "InvertedDoublePendulum-v5":
            position[0] = observation[0]
            position[1:] = np.arctan2(observation[1:3], observation[3:5])
            velocity[:] = observation[5:8]
        case "Reacher-v5":
            position[:2] = np.arctan2(observation[2:4], observation[:2])
            position[2:] = observation[4:6]
            velocity[:2] = observation[6:8]
        case _:
            hidden = _UNOBSERVED.get(env_id, 0)
            position[hidden:] = observation[: positions - hidden]
            velocity[:] = observation[positions - hidden :][:velocities]
    return position, velocity
