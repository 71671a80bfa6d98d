"""pgsuite: which policy-gradient algorithm is better on which tasks, and did a change make it worse?

``import pgsuite`` loads nothing heavy: each name is imported when it is first used.
"""

from typing import TYPE_CHECKING

from .lazy import front_door

if TYPE_CHECKING:
    from .api import audit as audit
    from .api import run as run
    from .errors import EnvironmentFault as EnvironmentFault
    from .errors import PgsuiteError as PgsuiteError
    from .errors import UsageError as UsageError
    from .reports.compared import compare as compare
    from .reports.report import report as report
    from .reports.seeds import plan as plan
    from .results.store.gathering import load as load
    from .studies import effort as effort
    from .studies import sweep as sweep
    from .studies import tune as tune
    from .suites.check.check import check as check
    from .suites.replay.acting import load_policy as load_policy
    from .suites.sb3.adapter import sb3_algorithm as sb3_algorithm
    from .suites.sb3.callback import sb3_callback as sb3_callback

__version__ = "0.1.0"

_HOMES = {
    "EnvironmentFault": "pgsuite.errors:EnvironmentFault",
    "PgsuiteError": "pgsuite.errors:PgsuiteError",
    "UsageError": "pgsuite.errors:UsageError",
    "audit": "pgsuite.api:audit",
    "check": "pgsuite.suites.check.check:check",
    "compare": "pgsuite.reports.compared:compare",
    "effort": "pgsuite.studies:effort",
    "load": "pgsuite.results.store.gathering:load",
    "load_policy": "pgsuite.suites.replay.acting:load_policy",
    "plan": "pgsuite.reports.seeds:plan",
    "report": "pgsuite.reports.report:report",
    "run": "pgsuite.api:run",
    "sb3_algorithm": "pgsuite.suites.sb3.adapter:sb3_algorithm",
    "sb3_callback": "pgsuite.suites.sb3.callback:sb3_callback",
    "sweep": "pgsuite.studies:sweep",
    "tune": "pgsuite.studies:tune",
}

__getattr__, __dir__ = front_door(__name__, _HOMES)
