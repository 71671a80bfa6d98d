"""Signs of life of environments that are stepped one by one, for whoever waits for them."""

from collections.abc import Callable


def _nobody() -> None:
    """Hear nothing."""


_listener: Callable[[], None] = _nobody


def listen(listener: Callable[[], None]) -> None:
    """Let a function be called whenever an environment of this process was made, reset or stepped."""
    global _listener
    _listener = listener


def beat() -> None:
    """Say that an environment did something."""
    _listener()
