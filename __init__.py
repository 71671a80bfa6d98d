"""pgsuite: which policy-gradient algorithm is better on which tasks, and did a change make it worse?"""

from typing import TYPE_CHECKING

from .lazy import front_door

if TYPE_CHECKING:
    from .suites.check.check import check as check
    from .suites.sb3.callback import sb3_callback as sb3_callback

__version__ = "0.1.0"

_HOMES = {
    "check": "pgsuite.suites.check.check:check",
    "sb3_callback": "pgsuite.suites.sb3.callback:sb3_callback",
}

__getattr__, __dir__ = front_door(__name__, _HOMES)
