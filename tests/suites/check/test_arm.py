"""Arms: processes that say what they ran, answer errors, and end."""

import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.suites.check.arms import Arm
from pgsuite.suites.check.revisions import Tree

SUITE = {
    "name": "tiny",
    "description": "tiny",
    "seeds": "0-1",
    "evaluation": {"checkpoints": 2, "episodes": 2},
    "environments": {"pgsuite/ProbeAction-v0": {"steps": 200}},
    "algorithms": {"actor-critic": {"num_steps": 4}},
}
KEY = ("actor-critic", "pgsuite/ProbeAction-v0")


@pytest.fixture(scope="module")
def arm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arm")
    with Arm("candidate", Tree(folder, folder), folder / "out") as arm:
        plan = {"suite": SUITE, "source": "tiny.toml", "algorithms": [], "environments": [], "steps": None}
        arm.planned(arm.ask("plan", **plan, out=str(folder / "out")))
        yield arm


def test_it_says_which_files_it_runs(arm):
    assert arm.package.endswith("__init__.py")
    assert arm.files[KEY].endswith("actor_critic.py")
    assert len(arm.cells[KEY].fingerprint) == 64


def test_runs_are_run_once_and_read_back(arm):
    shares = []
    assert arm.run({KEY: [3, 5]}, 1, shares.append) == {}
    found = arm.runs(KEY, [3, 5, 7])
    assert sorted(found) == [3, 5]
    assert found[3].status == "complete"
    assert len(found[3].returns) == 3
    assert found[3].bits != found[5].bits
    arm.send = None  # nothing is asked for again
    try:
        assert arm.run({KEY: [3, 5]}, 1) == {}
    finally:
        del arm.send


def test_speed_is_measured_where_a_budget_is_over_at_once(arm):
    assert arm.ask("speed", cell=0, seeds=2, seconds=0.3, core=None) > 0


def test_an_error_is_told_and_the_arm_goes_on(arm):
    with pytest.raises(UsageError, match=r"candidate: .*no-such"):
        arm.ask("auditable", reference="no-such")
    assert arm.ask("auditable", reference="trpo") is True


def test_a_death_is_told(tmp_path):
    with Arm("baseline", Tree(tmp_path, tmp_path), tmp_path / "out") as arm:
        arm._process.kill()
        with pytest.raises(PgsuiteError, match="baseline: its process ended"):
            arm.ask("auditable", reference="trpo")
