"""A class of Stable-Baselines3 or sb3-contrib, or of one's own derived from them, as an algorithm of a suite.

Its hyperparameters are the library's, by the library's names and with its defaults, read off the signature of the
installed version. Four more say what stands around a model: how many environments, the units of actions, and what
`VecNormalize` does.
"""

import inspect
import re
import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, make_dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, ClassVar

import torch

from ...algorithms.model import Spaces
from ...envs.vector import VectorEnv
from ...errors import UsageError, brief
from ...foreign import plain

try:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike
    from stable_baselines3.common.vec_env import VecEnv, VecNormalize
except ImportError as error:
    raise UsageError("Stable-Baselines3 is not installed: pip install 'pgsuite[peers]'") from error

from .acting import PolicyActor
from .signature import as_taken, check, meanings, parameters, written
from .vector import Nowhere, SuiteVecEnv

_NAMED: Mapping[str, Mapping[str, type]] = {
    "activation_fn": vars(torch.nn),
    "optimizer_class": {**vars(torch.optim), RMSpropTFLike.__name__: RMSpropTFLike},
}
"""Classes that ``policy_kwargs`` name."""
_OF_SPACES = ("action space", "continuous actions")
"""What the library says of spaces that a class cannot act in."""
_OWN = {"n_envs": (int,), "normalise_observations": (bool,), "rescale_actions": (bool,), "scale_rewards": (bool,)}
"""Types of what stands around a model."""


@dataclass(frozen=True, kw_only=True)
class SB3Algorithm:
    """What every adapter has. Those of a class are made by `sb3_algorithm`."""

    trainer: ClassVar[str] = "pgsuite.suites.sb3.training:SB3Trainer"
    """What trains it, instead of our own loop."""
    one_by_one: ClassVar[bool] = True
    """Whether its runs are trained one after another, so that each may as well be a job of its own."""
    packages: ClassVar[tuple[str, ...]] = ("stable-baselines3", "sb3-contrib")
    """Packages whose versions its results depend on."""
    wrapped: ClassVar[type[BaseAlgorithm]]
    """The class that is adapted."""

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
        for name, kinds in (_OWN | {name: one.kinds for name, one in parameters(self.wrapped).items()}).items():
            check(self.wrapped.__name__, name, getattr(self, name), kinds)
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
        except UsageError:
            raise
        except Exception as error:  # whatever the library raises for what it does not take
            reason = _line(error)
            if isinstance(error, AssertionError | ValueError) and any(words in reason for words in _OF_SPACES):
                return reason
            raise UsageError(f"{self.wrapped.__name__} refuses its hyperparameters: {reason}") from error
        return ""

    def caution(self, steps: int) -> str:
        """Say what is to be known of runs with a budget of so many steps; empty where nothing is."""
        rollout = self.n_envs * getattr(self, "n_steps", 1) if hasattr(self, "gae_lambda") else self.n_envs
        if rollout <= steps:
            return ""
        return f"its first {rollout} steps, one rollout, are more than the budget of {steps}: nothing is learned"

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
            return self.wrapped("MlpPolicy", env, seed=seed, device="cpu", **arguments)

    def _arguments(self) -> dict[str, Any]:
        """The hyperparameters as the library takes them."""
        arguments = {name: as_taken(getattr(self, name)) for name in parameters(self.wrapped)}
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
    told = meanings(library)
    declared = [
        (name, written(one.kinds), _field(one.default, told.get(name, ""))) for name, one in parameters(library).items()
    ]
    return make_dataclass(
        library.__name__,
        declared,
        bases=(SB3Algorithm,),
        namespace={"wrapped": library, "__doc__": inspect.getdoc(library), "__module__": library.__module__},
        frozen=True,
        kw_only=True,
    )


def _field(default: Any, meaning: str) -> Any:
    about = {"meaning": meaning}
    if isinstance(default, dict | list):
        return field(default_factory=partial(deepcopy, default), metadata=about)
    return field(default=default, metadata=about)


def _policy_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """``policy_kwargs`` with classes for the names of activations and optimisers.

    Raises:
        UsageError: there is none of that name.
    """
    arguments = deepcopy(dict(given))  # the library fills in what is left open
    for key, classes in _NAMED.items():
        if key in arguments:
            name = str(arguments[key]).rpartition(".")[2]
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
