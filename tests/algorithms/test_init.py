"""The package's front door: names are there, torch is not loaded for them."""

import subprocess
import sys

import pytest

import pgsuite.algorithms


def test_every_name_is_what_it_says() -> None:
    for name in dir(pgsuite.algorithms):
        assert getattr(pgsuite.algorithms, name).__name__ == name


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match=r"module 'pgsuite\.algorithms' has no attribute 'PPO'"):
        _ = pgsuite.algorithms.PPO


def test_knowing_the_algorithms_does_not_load_torch() -> None:
    script = (
        "import sys; from pgsuite.algorithms.registry import available, locate;"
        "available(); locate('trpo'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
