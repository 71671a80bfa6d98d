"""What is wrong with an import, all of it at once: whoever corrects files should not have to try again for each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...errors import UsageError

TOLD = 20
"""Most problems that are told one by one."""


class ImportProblems(UsageError):
    """Everything that stands in the way of an import."""

    def __init__(self, found: Sequence[str]) -> None:
        super().__init__("; ".join(found))
        self.found = tuple(found)
        """A line each."""


class Problems:
    """Collects problems while what can be read is read."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Go on behind the block when something in it is wrong."""
        try:
            yield
        except ImportProblems as error:
            self._found |= dict.fromkeys(error.found)
        except UsageError as error:
            self._found[str(error)] = None

    def check(self) -> None:
        """Tell them.

        Raises:
            UsageError: there is one.
            ImportProblems: there are several; beyond `TOLD` they are only counted.
        """
        found = list(self._found)
        if len(found) == 1:
            raise UsageError(found[0])
        if len(found) > TOLD + 1:
            found[TOLD:] = [f"and {len(found) - TOLD} more problems; correct these first"]
        if found:
            raise ImportProblems(found)
