"""A class of Stable-Baselines3 or sb3-contrib, or of one's own derived from them, as an algorithm of a suite.

Its hyperparameters are the library's, by the library's names and with its defaults, read off the signature of the
installed version. Four more say what stands around a model: how many environments, the units of actions, and what
`VecNormalize` does.
"""

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, make_dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch.nn.modules.module import register_module_parameter_registration_hook

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
from .signature import Parameter, as_taken, check, meanings, parameters, unwritable, written
from .vector import Nowhere, SuiteVecEnv

_POLICY = "MlpPolicy"
"""What every algorithm's policy is called that has a vector of numbers to act on."""
_NAMED: Mapping[str, Mapping[str, type]] = {
    "activation_fn": vars(torch.nn),
    "optimizer_class": {**vars(torch.optim), RMSpropTFLike.__name__: RMSpropTFLike},
}
"""Classes that ``policy_kwargs`` name."""
_OF_SPACES = ("action space", "continuous actions")
"""What the library says of spaces that a class cannot act in."""
_OWN = {
    "n_envs": Parameter((int,)),
    "normalise_observations": Parameter((bool,)),
    "rescale_actions": Parameter((bool,)),
    "scale_rewards": Parameter((bool,)),
}
"""What stands around a model."""
_ANY_FORM = {"buffer_size": 1, "n_steps": 2, "n_envs": 1}
"""Hyperparameters that the form of a policy does not depend on, and memory does."""


@dataclass(frozen=True, kw_only=True)
class SB3Algorithm:
    """What every adapter has. Those of a class are made by `sb3_algorithm`."""

    trainer: ClassVar[str] = "pgsuite.suites.sb3.training:SB3Trainer"
    """What trains it, instead of our own loop."""
    one_by_one: ClassVar[bool] = True
    """Whether its runs are trained one after another, so that each may as well be a job of its own."""
    unbroken: ClassVar[str] = ""
    """What goes on for it without a break: nothing does."""
    packages: ClassVar[tuple[str, ...]] = ("stable-baselines3", "sb3-contrib")
    """Packages whose versions its results depend on."""
    unwritable: ClassVar[tuple[str, ...]]
    """The library's hyperparameters that TOML has no values for."""
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
            UsageError: naming a hyperparameter of another type, with which nothing is trained, or what it names and is
                not there.
        """
        for name, asked in (_OWN | dict(parameters(self.wrapped))).items():
            check(self.wrapped.__name__, name, getattr(self, name), asked)
        if self.n_envs < 1:
            raise UsageError(f"n_envs = {self.n_envs}: it trains in at least 1 environment")
        self._arguments()

    def refusal(self, spaces: Spaces) -> str:
        """Say why it cannot act in an environment of these spaces; empty where it can.

        Raises:
            UsageError: its hyperparameters are refused by the library, or do not go together.
        """
        try:
            try_out(self.actor_for(spaces), spaces)
        except UsageError:
            raise
        except Exception as error:  # whatever the library raises for what it does not take
            reason = _line(error)
            if isinstance(error, AssertionError | ValueError) and any(words in reason for words in _OF_SPACES):
                return reason
            raise UsageError(f"{self.wrapped.__name__} refuses its hyperparameters: {reason}") from error
        self._check_together()
        return ""

    def _check_together(self) -> None:
        """Refuse hyperparameters that the library takes, and cannot train with.

        Raises:
            UsageError: naming them.
        """
        frequency = getattr(self, "train_freq", 1)
        if not isinstance(frequency, int) and "episode" in frequency and self.n_envs > 1:
            raise UsageError(
                f"train_freq = {brief(frequency)} with n_envs = {self.n_envs}: "
                f"{self.wrapped.__name__} counts episodes in one environment alone; give n_envs = 1, or steps"
            )
        if getattr(self, "normalize_advantage", False) and self.n_envs * getattr(self, "n_steps", 2) == 1:
            raise UsageError(
                f"normalize_advantage = true: {self.wrapped.__name__} cannot standardise the one advantage of a "
                "rollout of n_envs = 1 and n_steps = 1; give more of them"
            )

    def caution(self, steps: int) -> str:
        """Say what is to be known of runs with a budget of so many steps; empty where nothing is."""
        starts = getattr(self, "learning_starts", 0)
        if starts >= steps:
            return f"learning_starts = {starts} is no less than the budget of {steps}: nothing is learned"
        windows = hasattr(self, "gae_lambda")
        rollout = self.n_envs * getattr(self, "n_steps", 1) if windows else self.n_envs
        if rollout > steps:
            return f"its first {rollout} steps, one rollout, are more than the budget of {steps}: nothing is learned"
        batch = getattr(self, "batch_size", 0)
        if windows and batch > rollout:
            return f"batch_size = {batch} is more than the {rollout} steps of a rollout: each minibatch is all of it"
        return ""

    def actor_for(self, spaces: Spaces) -> PolicyActor:
        """Return an actor of the form that policies in these spaces have; who trains elsewhere notices nothing."""
        with torch.random.fork_rng(devices=[]):
            env = self.environment(Nowhere.of(spaces, self.n_envs))
            return PolicyActor(self.model(env, seed=None), env)

    def form_for(self, spaces: Spaces, parameters: int) -> PolicyActor:
        """Return an actor of the form of stored policies, which have so many parameters.

        Raises:
            ValueError: its networks have more, which are not made.
        """
        sizes: dict[str, Any] = {name: size for name, size in _ANY_FORM.items() if hasattr(self, name)}
        small = replace(self, **sizes)
        with no_larger_than(parameters):
            return small.actor_for(spaces)

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
            return self.wrapped(_POLICY, env, seed=seed, device="cpu", **arguments)

    def _arguments(self) -> dict[str, Any]:
        """The hyperparameters as the library takes them."""
        arguments = {name: as_taken(getattr(self, name), asked) for name, asked in parameters(self.wrapped).items()}
        if arguments.get("policy_kwargs") is not None:
            arguments["policy_kwargs"] = _policy_arguments(arguments["policy_kwargs"])
        return arguments


def sb3_algorithm(library: type[BaseAlgorithm]) -> type[SB3Algorithm]:
    """Make an algorithm that a suite can name, of a class of Stable-Baselines3 or of one derived from it.

    Write ``MyPPO = pgsuite.sb3_algorithm(PPOWithMyChange)`` in a file, and name it ``file.py:MyPPO``.

    Args:
        library: the class; its hyperparameters are the arguments of its ``__init__`` that have defaults.

    Raises:
        UsageError: it is no such class, or one that cannot be adapted.
    """
    check_adaptable(library)
    told = meanings(library)
    declared = [
        (name, written(one), _field(one.default, told.get(name, ""))) for name, one in parameters(library).items()
    ]
    return make_dataclass(
        library.__name__,
        declared,
        bases=(SB3Algorithm,),
        namespace={
            "wrapped": library,
            "unwritable": unwritable(library),
            "__doc__": inspect.getdoc(library),
            "__module__": library.__module__,
        },
        frozen=True,
        kw_only=True,
    )


def check_adaptable(library: Any) -> None:
    """Refuse a class that our loop of evaluations cannot serve.

    Raises:
        UsageError: saying why, and what to do.
    """
    if not (isinstance(library, type) and issubclass(library, BaseAlgorithm)):
        raise UsageError(f"{brief(library)} is no class of Stable-Baselines3's algorithms")
    name = library.__name__
    if _POLICY not in library.policy_aliases:
        there = ", ".join(library.policy_aliases) or "none by name"
        raise UsageError(
            f"{name} has no {_POLICY} (it has {there}); policies with a memory are not evaluated here: train it in a "
            "script of your own with pgsuite.sb3_callback, which can"
        )
    if "use_masking" in inspect.signature(library.learn).parameters:
        raise UsageError(f"{name} asks environments which actions are allowed, and those of a suite do not say")
    taken = sorted(parameters(library).keys() & {*_OWN, *vars(SB3Algorithm)})
    if taken:
        raise UsageError(f"{name}: its hyperparameter {taken[0]!r} has the name of something of the suite's: rename it")


def try_out(actor: PolicyActor, spaces: Spaces) -> None:
    """Let a policy that is thrown away act, and step its optimisers on gradients of 0, as training would.

    Raises:
        UsageError: its layers do not go together, or an optimiser takes more, or something else, than gradients.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            actor.policy.predict(np.zeros((1, *spaces.observation.shape), np.float32))
    except RuntimeError as error:
        raise UsageError(f"policy_kwargs: such layers do not go together ({_line(error)})") from error
    optimisers = [getattr(module, "optimizer", None) for module in actor.policy.modules()]
    for optimiser in (one for one in optimisers if isinstance(one, torch.optim.Optimizer)):
        for parameter in (parameter for group in optimiser.param_groups for parameter in group["params"]):
            parameter.grad = torch.zeros_like(parameter)
        try:
            optimiser.step()
        except (TypeError, RuntimeError) as error:
            name = type(optimiser).__name__
            raise UsageError(
                f"policy_kwargs.optimizer_class = {name!r} cannot train it ({_line(error)}): name another, as 'Adam'"
            ) from error


@contextmanager
def no_larger_than(parameters: int) -> Iterator[None]:
    """Let no modules be made that have more parameters than these together, before their memory is touched.

    Raises:
        ValueError: there would be more.
    """
    made = 0

    def count(_module: torch.nn.Module, _name: str, parameter: Any) -> None:
        nonlocal made
        made += 0 if parameter is None else parameter.numel()
        if made > parameters:
            raise ValueError(f"its networks have more than the {parameters} parameters that are stored")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


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
