"""How far a run came."""

from typing import Literal

FinalStatus = Literal["complete", "partial", "diverged"]
"""What a run's curve says about itself: it reached its budget, was cut short, or its numbers became non-finite."""

RunStatus = Literal["complete", "partial", "diverged", "corrupt"]
"""The same, seen from outside: ``corrupt`` is a file that cannot be read, whose run has to be done again."""
