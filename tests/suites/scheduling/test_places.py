"""Where jobs are done: what there is, and what is said of what there is not."""

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.scheduling.places import check_place


@pytest.mark.parametrize("on", ["slurm", "", "ray:", "ray://", "RAY", "http://head:1"])
def test_a_place_that_there_is_not(on):
    with pytest.raises(UsageError, match="give local, ray or ray://HOST:PORT"):
        check_place(on)


@pytest.mark.parametrize("on", ["local", "ray", "ray://head:10001"])
def test_the_places_that_there_are(on):
    check_place(on)


def test_mixed_is_about_machines():
    check_place("ray", mixed=True)
    with pytest.raises(UsageError, match="--mixed is about the machines of a cluster: use it with --on ray"):
        check_place("local", mixed=True)


@pytest.mark.parametrize("on", ["ray", "ray://head:10001"])
def test_without_ray_a_line_says_how_to_install_it(on, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'pgsuite\[ray\]'$") as error:
        check_place(on)
    assert error.value.exit_code == 2
    check_place("local")
