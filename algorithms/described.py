"""What an algorithm may say of itself beside what a `Learner` has to; whoever wants to know asks here.

All of it is optional. `described` answers for what an algorithm leaves out.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:  # names are listed without torch
    from numpy.typing import NDArray

    from .model import Actor, Spaces


class Restorable(Protocol):
    """The form of a policy, without its numbers."""

    def act_by(self, tensors: "Mapping[str, NDArray[Any]]") -> "Actor":
        """Return the actor with the numbers of a snapshot.

        Raises:
            ValueError: they are of another policy.
        """


@runtime_checkable
class SelfDescription(Protocol):
    """All that an algorithm may say."""

    @property
    def trainer(self) -> str:
        """Address of the `Trainer` that trains it instead of our loop, ``module:Class``; empty for our loop."""

    @property
    def unbroken(self) -> str:
        """Address of what goes on for it through several windows and updates; empty where there is nothing.

        ``module:Class``, as `suites.unbroken.Unbroken`: with the bits that these have one by one.
        """

    @property
    def one_by_one(self) -> bool:
        """Whether its runs are trained one after another, so that each may as well be a job of its own."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Packages whose versions its results depend on, beside those that every result does."""

    @property
    def unwritable(self) -> tuple[str, ...]:
        """Names of hyperparameters that it has and no suite file can give."""

    def refusal(self, spaces: "Spaces") -> str:
        """Say why it cannot act in an environment of these spaces, which is then not applicable; empty where it can.

        Raises:
            UsageError: it could not with these hyperparameters, wherever.
        """

    def caution(self, steps: int) -> str:
        """Say what is to be known of runs with a budget of so many steps; empty where nothing is."""

    def form_for(self, spaces: "Spaces", parameters: int) -> Restorable | None:
        """Return the form that its stored policies have; None where `Learner.actor` makes the actor.

        Args:
            spaces: of the environment.
            parameters: how many numbers are stored: a form that takes more is not to be built.

        Raises:
            ValueError: it takes more.
        """


class _Described:
    """The answers of an algorithm, or of its class, with those that it leaves out."""

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm

    @property
    def trainer(self) -> str:
        return str(getattr(self._algorithm, "trainer", ""))

    @property
    def unbroken(self) -> str:
        address = getattr(self._algorithm, "unbroken", "")
        return address if isinstance(address, str) and ":" in address else ""

    @property
    def one_by_one(self) -> bool:
        return bool(getattr(self._algorithm, "one_by_one", False))

    @property
    def packages(self) -> tuple[str, ...]:
        return tuple(getattr(self._algorithm, "packages", ()))

    @property
    def unwritable(self) -> tuple[str, ...]:
        return tuple(getattr(self._algorithm, "unwritable", ()))

    def refusal(self, spaces: "Spaces") -> str:
        return str(self._algorithm.refusal(spaces)) if hasattr(self._algorithm, "refusal") else ""

    def caution(self, steps: int) -> str:
        return str(self._algorithm.caution(steps)) if hasattr(self._algorithm, "caution") else ""

    def form_for(self, spaces: "Spaces", parameters: int) -> Restorable | None:
        if not hasattr(self._algorithm, "form_for"):
            return None
        form: Restorable = self._algorithm.form_for(spaces, parameters)
        return form


def described(algorithm: Any) -> SelfDescription:
    """Return what a configured algorithm, or its class, says of itself."""
    return _Described(algorithm)
