"""Who hears how a check gets on."""

from typing import Protocol

from ...results.checked import CheckedCell


class Watcher(Protocol):
    """Hears how a check gets on."""

    def stage(self, text: str) -> None:
        """A new piece of work begins."""

    def progress(self, share: float) -> None:
        """So much of it is done, in [0, 1]."""

    def decided(self, cell: CheckedCell) -> None:
        """A cell has a verdict."""


class Silence:
    """A watcher that says nothing."""

    def stage(self, text: str) -> None:
        """Say nothing."""

    def progress(self, share: float) -> None:
        """Say nothing."""

    def decided(self, cell: CheckedCell) -> None:
        """Say nothing."""
