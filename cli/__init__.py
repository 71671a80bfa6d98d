"""The command line, one file a command."""

import sys

if sys.argv[:1] == ["-m"] and "pgsuite.cli" in sys.orig_argv and not sys.flags.safe_path:
    # `python -m pgsuite.cli`: Python has put the working folder first, where a stranger's `typing.py` would be found.
    del sys.path[0]

from .main import main

__all__ = ["main"]
