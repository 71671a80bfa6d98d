"""pgsuite: which policy-gradient algorithm is better on which tasks, and did a change make it worse?"""

from typing import TYPE_CHECKING

from .lazy import front_door

if TYPE_CHECKING:
    from .suites.check.check import check as check

__version__ = "0.1.0"

__getattr__, __dir__ = front_door(__name__, {"check": "pgsuite.suites.check.check:check"})
