"""A class of Stable-Baselines3 or sb3-contrib, or of one's own derived from them, as an algorithm of a suite.

Its hyperparameters are the library's, by the library's names and with its defaults, read off the signature of the
installed version. Three more say what stands around a model: ``n_envs``, and what `VecNormalize` does.
"""

import inspect
import re
import typing
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, make_dataclass
from difflib import get_close_matches
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, ClassVar, NamedTuple

import torch

from ...algorithms.model import Spaces
from ...envs.vector import VectorEnv
from ...errors import UsageError, brief
from ...foreign import plain
from . import modules as _modules  # noqa: F401  (registers the form of a policy as a torch module)
from .acting import PolicyActor
from .vector import Nowhere, SuiteVecEnv

try:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike
    from stable_baselines3.common.vec_env import VecEnv, VecNormalize
except ImportError as error:
    raise UsageError("Stable-Baselines3 is not installed: pip install 'pgsuite[peers]'") from error

_THE_SUITES = frozenset(
    ("self", "policy", "env", "seed", "device", "verbose", "tensorboard_log", "stats_window_size", "_init_setup_model")
)
"""Arguments that no suite file gives: what they are follows from the run."""
_LINEAR = "lin_"
_NAMED: Mapping[str, Mapping[str, type]] = {
    "activation_fn": vars(torch.nn),
    "optimizer_class": {**vars(torch.optim), RMSpropTFLike.__name__: RMSpropTFLike},
}
"""Classes that ``policy_kwargs`` name."""


class Schedule:
    """Stands for what falls to 0 over the budget, written ``lin_0.001``."""


_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list",
    dict: "a table",
    Schedule: "a schedule such as 'lin_0.001'",
}
"""Types of hyperparameters that TOML has, in its words."""


class Parameter(NamedTuple):
    """A hyperparameter of the library."""

    kinds: tuple[type, ...]
    """Types that it may have."""
    default: Any


@dataclass(frozen=True, kw_only=True)
class SB3Algorithm:
    """What every adapter has. Those of a class are made by `sb3_algorithm`."""

    trainer: ClassVar[str] = "pgsuite.suites.sb3.training:SB3Trainer"
    """What trains it, instead of our own loop."""
    one_by_one: ClassVar[bool] = True
    """Whether its runs are trained one after another, so that each may as well be a job of its own."""
    packages: ClassVar[tuple[str, ...]] = ("stable-baselines3", "sb3-contrib")
    """Packages whose versions its results depend on."""
    library: ClassVar[type[BaseAlgorithm]]
    """The class of the library."""

    n_envs: int = 1
    """Environments that it trains in side by side, as for ``make_vec_env``."""
    normalise_observations: bool = False
    """Whether `VecNormalize` standardises observations."""
    rescale_actions: bool = False
    """Whether a bounded action is addressed from -1 to 1, as ours is, instead of in the environment's units."""
    scale_rewards: bool = False
    """Whether `VecNormalize` divides rewards by the standard deviation of discounted returns."""

    def __post_init__(self) -> None:
        """Hold what was given to the signature.

        Raises:
            UsageError: naming a hyperparameter of another type, or what it names and is not there.
        """
        own = {
            "n_envs": (int,),
            "normalise_observations": (bool,),
            "scale_rewards": (bool,),
            "rescale_actions": (bool,),
        }
        for name, kinds in ({name: one.kinds for name, one in _parameters(self.library).items()} | own).items():
            if not _is_one_of(value := getattr(self, name), kinds):
                wanted = " or ".join(_TYPES[kind] for kind in kinds if kind is not NoneType)
                raise UsageError(f"{name} = {brief(value)}: {self.library.__name__} takes {wanted}")
        if self.n_envs < 1:
            raise UsageError(f"n_envs = {self.n_envs}: it trains in at least 1 environment")
        self._arguments()

    def refusal(self, spaces: Spaces) -> str:
        """Say why it cannot act in an environment of these spaces; empty where it can.

        Raises:
            UsageError: its hyperparameters are refused by the library.
        """
        try:
            self.actor_for(spaces)
        except AssertionError as error:
            if "action space" in (reason := _line(error)):
                return reason
            raise UsageError(f"{self.library.__name__} refuses its hyperparameters: {reason}") from error
        except (ValueError, TypeError, RuntimeError, KeyError, AttributeError, ZeroDivisionError) as error:
            reason = _line(error)
            raise UsageError(f"{self.library.__name__} refuses its hyperparameters: {reason}") from error
        return ""

    def actor_for(self, spaces: Spaces) -> PolicyActor:
        """Return an actor of the form that policies in these spaces have; who trains elsewhere notices nothing."""
        with torch.random.fork_rng(devices=[]):
            env = self.environment(Nowhere.of(spaces, self.n_envs))
            return PolicyActor(self.model(env, seed=None), env)

    def environment(self, env: VectorEnv | Nowhere, seed: int = 0) -> SuiteVecEnv:
        """Return environments as its model takes them; the run's seed is for messages."""
        return SuiteVecEnv(env, seed, rescale_actions=self.rescale_actions)

    def model(self, env: VecEnv, *, seed: int | None) -> BaseAlgorithm:
        """Build the library's model, whose environment is normalised as asked."""
        arguments = self._arguments()
        if self.normalise_observations or self.scale_rewards:
            env = VecNormalize(
                env,
                norm_obs=self.normalise_observations,
                norm_reward=self.scale_rewards,
                gamma=arguments.get("gamma", 0.99),
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on hyperparameters, which are as the suite has them
            return self.library("MlpPolicy", env, seed=seed, device="cpu", **arguments)

    def _arguments(self) -> dict[str, Any]:
        """The hyperparameters as the library takes them."""
        arguments = {name: _as_taken(getattr(self, name)) for name in _parameters(self.library)}
        if arguments.get("policy_kwargs") is not None:
            arguments["policy_kwargs"] = _policy_arguments(arguments["policy_kwargs"])
        return arguments


def sb3_algorithm(library: type[BaseAlgorithm]) -> type[SB3Algorithm]:
    """Make an algorithm that a suite can name, of a class of Stable-Baselines3 or of one derived from it.

    Write ``MyPPO = pgsuite.sb3_algorithm(PPOWithMyChange)`` in a file, and name it ``file.py:MyPPO``.

    Args:
        library: the class; its hyperparameters are the arguments of its ``__init__`` that have defaults.

    Raises:
        UsageError: it is no such class.
    """
    if not (isinstance(library, type) and issubclass(library, BaseAlgorithm)):
        raise UsageError(f"{brief(library)} is no class of Stable-Baselines3's algorithms")
    meanings = _meanings(library)
    declared = [
        (name, _written(one.kinds), field(default=one.default, metadata={"meaning": meanings.get(name, "")}))
        for name, one in _parameters(library).items()
    ]
    return make_dataclass(
        library.__name__,
        declared,
        bases=(SB3Algorithm,),
        namespace={"library": library, "__doc__": inspect.getdoc(library), "__module__": library.__module__},
        frozen=True,
        kw_only=True,
    )


@cache
def _parameters(library: type[BaseAlgorithm]) -> Mapping[str, Parameter]:
    """The hyperparameters that a file can give, in the signature's order.

    Those of a parent are among them, where a class passes them on by ``**kwargs``.
    """
    found: dict[str, Parameter] = {}
    for one in library.__mro__:
        if "__init__" not in vars(one):
            continue
        signature = _signature(vars(one)["__init__"])
        for name, parameter in signature.parameters.items():
            if name in _THE_SUITES | found.keys() or parameter.default is inspect.Parameter.empty:
                continue
            written = parameter.annotation
            known = written is not inspect.Parameter.empty and not isinstance(written, str)
            if kinds := _plain(written if known else type(parameter.default)):
                found[name] = Parameter(kinds, parameter.default)
        if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in signature.parameters.values()):
            break
    return found


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # what is imported for type checkers alone
        return inspect.signature(function)


def _plain(annotation: Any) -> tuple[type, ...]:
    """The types of an annotation that TOML has; none where it takes nothing but objects."""
    union = typing.get_origin(annotation) in (typing.Union, UnionType)
    kinds = [typing.get_origin(one) or one for one in (typing.get_args(annotation) if union else (annotation,))]
    kinds = [Schedule if kind is Callable else kind for kind in kinds]
    plain = tuple(kind for kind in kinds if kind in _TYPES)
    return (*plain, NoneType) if plain and NoneType in kinds else plain


def _is_one_of(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int) and float in kinds:
        return True
    if isinstance(value, str) and Schedule in kinds:
        return str in kinds or _slope(value) is not None
    return isinstance(value, tuple(list if kind is tuple else kind for kind in kinds) + kinds)


def _slope(value: str) -> float | None:
    """What a schedule begins with; None where it is none."""
    try:
        return float(value.removeprefix(_LINEAR)) if value.startswith(_LINEAR) else None
    except ValueError:
        return None


def _as_taken(value: Any) -> Any:
    """What the library takes for a value of a file: a list is a tuple, and ``lin_0.001`` falls from there to 0."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and (start := _slope(value)) is not None:
        return partial(_share, start)
    return value


def _share(start: float, remaining: float) -> float:
    return start * remaining


def _policy_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """``policy_kwargs`` with classes for the names of activations and optimisers.

    Raises:
        UsageError: there is none of that name.
    """
    arguments = deepcopy(dict(given))  # the library fills in what is left open
    for key, classes in _NAMED.items():
        if key in arguments:
            name = str(arguments[key]).removeprefix("nn.").removeprefix("th.optim.")
            known = {known.lower(): one for known, one in classes.items() if isinstance(one, type)}
            if name.lower() not in known:
                hint = get_close_matches(name.lower(), known, n=1)
                near = f": did you mean {known[hint[0]].__name__!r}?" if hint else ", such as 'Tanh' or 'Adam'"
                raise UsageError(f"policy_kwargs.{key} = {brief(arguments[key])} is no class of torch's{near}")
            arguments[key] = known[name.lower()]
    if arguments.get("squash_output"):
        raise UsageError("policy_kwargs.squash_output is not supported: actions are clipped")
    return arguments


def _line(error: Exception) -> str:
    """What the library says, with the names of classes for their long forms."""
    return plain(re.sub(r"<class '[\w.]*?(\w+)'>,?", r"\1", " ".join(str(error).split())))


def _written(kinds: tuple[type, ...]) -> str:
    names = {NoneType: "None", Schedule: "'lin_…'", tuple: "list"}
    return " | ".join(names.get(kind, kind.__name__) for kind in kinds)


def _meanings(library: type[BaseAlgorithm]) -> dict[str, str]:
    """What the docstrings of the library say of its parameters, each on one line."""
    found: dict[str, str] = {}
    for one in library.__mro__:
        for name, meaning in re.findall(r":param (\w+):\s*(.*?)(?=\n\s*:|\Z)", one.__doc__ or "", re.DOTALL):
            found.setdefault(name, " ".join(meaning.split()))
    return found
