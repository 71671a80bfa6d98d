"""A contestant's side: one process that runs a row whenever it is told its name, and answers with its steps per second."""

import json
import sys
from collections.abc import Callable, Mapping


def serve(rows: Mapping[str, Callable[[], float]]) -> None:
    """Answer until the other side hangs up; what a row prints goes to the error output."""
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(sorted(rows)), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(rows[line.strip()]()), file=answers, flush=True)
