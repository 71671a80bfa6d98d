"""How a user can say which policy is meant, as messages about it are to spell it."""

from typing import NamedTuple


class Spelling(NamedTuple):
    """What is written to choose a policy and to allow the code that it names."""

    algorithm: str
    env: str
    trust: str


ARGUMENTS = Spelling("algorithm=", "env=", "trust=True")
"""In Python."""
OPTIONS = Spelling("-a", "-e", "--trust")
"""On the command line."""
