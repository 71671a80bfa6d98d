import json
import platform
import subprocess
from datetime import datetime

from pgsuite.results.store.provenance import git_state, provenance, versions


def git(folder, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_it_is_json_and_names_what_it_should():
    facts = json.loads(json.dumps(provenance()))
    assert facts["versions"]["python"] == platform.python_version()
    assert facts["versions"]["torch"]
    assert facts["machine"]["cpu_count"] >= 1
    assert facts["machine"]["cpu"]
    assert datetime.fromisoformat(facts["started"]).utcoffset() is not None


def test_a_package_that_is_not_installed_is_none():
    assert versions("no-such-package-at-all") == {"no-such-package-at-all": None}


def test_git_state_of_a_checkout(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_state(tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "a.py").write_text("2")
    assert git_state(tmp_path) == {"commit": commit, "dirty": True}


def test_a_folder_inside_somebody_elses_checkout_has_no_git_state(tmp_path):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    (tmp_path / "site-packages").mkdir()
    assert git_state(tmp_path / "site-packages") is None


def test_a_folder_outside_any_checkout_has_no_git_state(tmp_path):
    assert git_state(tmp_path) is None
