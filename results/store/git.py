"""Git, asked about a folder."""

import os
import subprocess
from pathlib import Path

_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")


def outside_hooks() -> dict[str, str]:
    """Return the environment without what git tells its hooks, which would name the user's index for every folder."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def git(folder: Path, *arguments: str, timeout: float | None = None) -> "subprocess.CompletedProcess[str]":
    """Run git in a folder, without the hooks of its repository, nor what it names to watch files with.

    Raises:
        OSError: there is no git.
        TimeoutExpired: it took longer than ``timeout`` seconds.
    """
    return subprocess.run(
        ["git", "-C", str(folder), *_NO_HOOKS, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=outside_hooks(),
        timeout=timeout,
    )
