"""Where and with what a result was made."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .git import git

PACKAGES = ("pgsuite", "torch", "numpy", "gymnasium", "envpool", "pandas", "pyarrow", "scipy", "safetensors")


def provenance() -> dict[str, Any]:
    """Versions, git commit, machine and time, as JSON. Imports none of the packages that it names.

    What only an imported torch can tell (the instruction set its kernels use) the caller adds.
    """
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **versions(*PACKAGES)},
        "git": git_state(Path(__file__).resolve().parents[2]),
        "machine": {
            "platform": platform.platform(),
            "cpu": cpu_model(),
            "cpu_count": os.cpu_count(),
        },
    }


def versions(*packages: str) -> dict[str, str | None]:
    """Installed versions by distribution name; None for one that is not installed."""
    return {package: _installed(package) for package in packages}


@cache
def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_state(package: Path) -> dict[str, Any] | None:
    """Commit and dirtiness of the checkout whose root is the package folder; None when it is not one.

    The root is compared because an installed copy may lie inside somebody else's checkout.
    """
    root = _git(package, "rev-parse", "--show-toplevel")
    commit = _git(package, "rev-parse", "HEAD")
    if root is None or commit is None or Path(root).resolve() != package:
        return None
    return {"commit": commit, "dirty": _git(package, "status", "--porcelain") != ""}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = git(folder, *arguments, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def cpu_model() -> str:
    """The processor's name as its maker writes it, or as much as the platform tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
