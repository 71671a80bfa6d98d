"""Who is still at work in a session of processes."""

import time
from pathlib import Path


def processes_of(session: int) -> list[int]:
    """Processes of a session, this one's children's children included; zombies are not counted."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, member = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(member) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


def left_of(session: int, seconds: float = 20.0) -> list[int]:
    """Processes of a session that are still there after so many seconds; it is left as soon as there is none."""
    end = time.monotonic() + seconds
    while (found := processes_of(session)) and time.monotonic() < end:
        time.sleep(0.05)
    return found
