"""`check`, `bless` and `bisect` in a user's repository: an algorithm in a file, a suite beside it, commits."""

import json
import os
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from pgsuite import check
from pgsuite.results.store.bank import read_bank, write_bank
from pgsuite.results.store.digest import DIGEST

ALGORITHM = '''
from dataclasses import dataclass
from pgsuite.algorithms import ActorCritic

@dataclass(frozen=True, kw_only=True)
class Mine(ActorCritic):
    """Mine."""

    def policy_loss(self, distribution, outputs, samples):
        return super().policy_loss(distribution, outputs, samples)
'''
FLIPPED = ALGORITHM.replace("return super()", "return -super()")
COMMENTED = ALGORITHM.replace('"""Mine."""', '"""Mine, and no other."""')
REORDERED = ALGORITHM.replace(
    "return super().policy_loss(distribution, outputs, samples)",
    "loss = super().policy_loss(distribution, outputs, samples)\n        return loss",
)
RAISING = ALGORITHM.replace("return super()", "raise RuntimeError('no luck')\n        return super()")
REFUSING = ALGORITHM.replace(
    "    def policy_loss",
    """    def refusal(self, spaces):
        return "it acts where it sees something" if spaces.observation.shape == (1,) else ""

    def policy_loss""",
)
SUITE = """
name = "tiny"
description = "of a test"
seeds = "0-1"
[evaluation]
checkpoints = 3
episodes = 8
[environments."pgsuite/ProbeAction-v0"]
steps = 6000
[algorithms.mine]
class = "mine.py:Mine"
learning_rate = 0.003
num_steps = 4
"""


class Repository:
    """A user's repository."""

    def __init__(self, root, pgsuite):
        self.root, self.pgsuite = root, pgsuite

    def git(self, *arguments):
        return subprocess.run(
            ["git", "-C", str(self.root), *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, algorithm):
        (self.root / "mine.py").write_text(algorithm)

    def commit(self, algorithm, message):
        self.write(algorithm)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def check(self, *arguments, baseline="HEAD"):
        named = ["--baseline", baseline] if baseline else []
        code, out, err = self.pgsuite("check", "tiny.toml", *named, "--no-speed", *arguments)
        assert "Traceback" not in out + err
        return code, " ".join(out.split()), err

    def cells(self, *arguments, baseline="HEAD"):
        """Verdict and tier of every cell, and the exit code."""
        code, _, _ = self.check("--json", "out.json", *arguments, baseline=baseline)
        found = json.loads((self.root / "out.json").read_text())
        assert found["exit_code"] == code
        return code, [(cell["verdict"], cell["tier"]) for cell in found["cells"]]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Made once; what was run in it is not run again."""
    root = tmp_path_factory.mktemp("repository")
    (root / ".gitignore").write_text("runs/\n__pycache__/\n*.json\n")
    (root / "tiny.toml").write_text(SUITE)
    repository = Repository(root, None)
    repository.git("init", "-q", "-b", "main")
    repository.git("config", "user.email", "me@example.org")
    repository.git("config", "user.name", "me")
    repository.commit(ALGORITHM, "the beginning")
    return root


@pytest.fixture
def repository(root, pgsuite, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "80")
    repository = Repository(root, pgsuite)
    repository.write(ALGORITHM)
    return repository


def test_an_unchanged_tree_is_identical_and_nothing_is_run(repository, tmp_path):
    code, out, _ = repository.pgsuite("check", "tiny.toml", "--baseline", "HEAD", "--out", str(tmp_path))
    assert code == 0
    assert "identical: every cell computes the same" in out
    assert not list(tmp_path.rglob("seed-*"))
    assert max(len(line) for line in out.splitlines() if not line.startswith("page:")) <= 80


def test_a_refactoring_is_identical_by_its_bits(repository):
    repository.write(REORDERED)
    assert repository.cells() == (0, [("identical", "bits")])


def test_a_sign_that_flipped_since_a_revision_is_a_regression(repository):
    repository.write(FLIPPED)
    files = ["--json", "out.json", "--junit", "out.xml", "--markdown", "out.md"]
    code, out, _ = repository.check("--no-audit", *files)
    assert code == 1
    assert "regressed: mine on pgsuite/ProbeAction-v0" in out
    (cell,) = json.loads((repository.root / "out.json").read_text())["cells"]
    assert (cell["verdict"], cell["tier"], cell["reason"]) == ("regressed", "curves", "lower scores")
    assert cell["difference"][2] < -0.3
    assert [look["stage"] for look in cell["looks"]][-1] == "confirmation"
    junit = ElementTree.parse(repository.root / "out.xml").getroot()
    assert (junit.get("failures"), junit.get("tests")) == ("1", "1")
    assert (repository.root / "out.md").read_text().startswith("### pgsuite check tiny: regressed")
    page = (repository.root / "runs/check/tiny/check.html").read_text()
    assert page.count('class="figure"') == 2


def test_a_pair_that_is_not_applicable_any_more_is_a_regression(repository):
    repository.write(REFUSING)
    code, out, _ = repository.check("--no-audit", "--junit", "out.xml")
    assert code == 1
    told = "regressed (not applicable any more: it acts where it sees something)"
    assert f"mine on pgsuite/ProbeAction-v0: {told}" in out
    (failure,) = ElementTree.parse(repository.root / "out.xml").getroot().iter("failure")
    assert failure.get("message") == told


def test_a_pair_that_neither_version_can_work_is_shown_and_does_not_count(repository):
    two = SUITE + '[algorithms.other]\nclass = "actor-critic"\nnum_steps = 4\n'
    (repository.root / "two.toml").write_text(two.replace('"tiny"', '"two"'))
    repository.write(REFUSING)
    code, out, err = repository.pgsuite("bless", "two.toml", "-o", "two.json", "--seeds", "2", "--no-audit")
    reason = "mine on pgsuite/ProbeAction-v0 is not applicable: it acts where it sees something"
    assert (code, f"note: {reason}" in err) == (0, True)
    code, out, _ = repository.pgsuite("check", "two.toml", "--baseline", "two.json", "--no-audit", "--json", "out.json")
    assert code == 0, out
    cells = json.loads((repository.root / "out.json").read_text())["cells"]
    assert [(cell["verdict"], cell["tier"]) for cell in cells] == [
        ("identical", "source"),
        ("not applicable", "spaces"),
    ]
    code, _, err = repository.pgsuite("check", "two.toml", "--baseline", "two.json", "--no-audit", "-a", "mine")
    assert (code, err.splitlines()[-1]) == (2, f"pgsuite: there is nothing to check: {reason}")


def test_the_audit_sees_it_before_any_curve(repository):
    repository.write(FLIPPED)
    code, out, _ = repository.check("--audit-model", "chain")
    assert code == 1
    assert "its gradient departs from the declared target" in out


def test_what_raises_now_is_a_regression_that_says_so(repository):
    repository.write(RAISING)
    code, out, _ = repository.check("--no-audit")
    assert code == 1
    assert "RuntimeError: no luck" in out


def test_two_seeds_reach_no_verdict(repository):
    repository.write(FLIPPED)
    code, out, _ = repository.check("--no-audit", "--seeds", "2")
    assert code == 3
    assert "no verdict can be reached with 2 seeds" in out


def test_a_baseline_that_is_not_there_is_4_and_a_revision_that_is_not_is_2(repository):
    code, _, err = repository.check(baseline="banks/tiny.json")
    assert (code, err.count("\n")) == (4, 1)
    assert "pgsuite bless tiny.toml -o banks/tiny.json" in err
    code, _, err = repository.check(baseline="quick.json")
    assert (code, err.count("\n")) == (4, 1)
    code, _, err = repository.check(baseline="mian")
    assert (code, err.count("\n")) == (2, 1)
    assert "nor a revision" in err


def test_a_shallow_clone_says_how_to_get_the_rest(repository, tmp_path, monkeypatch):
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.root}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    code, _, err = repository.check(baseline="HEAD~1")
    assert code == 2
    assert "git fetch --unshallow" in err


def test_an_arm_that_ran_the_candidates_code_is_no_baseline(repository):
    repository.write(FLIPPED)
    (repository.root / "absolute.toml").write_text(SUITE.replace("mine.py", str(repository.root / "mine.py")))
    code, _, err = repository.pgsuite("check", "absolute.toml", "--baseline", "HEAD", "--no-audit")
    assert (code, err.count("\n")) == (2, 1)
    assert "would compare a thing with itself" in err


def test_it_runs_from_a_git_hook_and_runs_none_and_the_python_function_says_the_same(repository, monkeypatch):
    hook = repository.root / ".git/hooks/post-checkout"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_DIR", "/nowhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    repository.write(COMMENTED)
    try:
        found = check("tiny.toml", baseline="HEAD")
    finally:
        hook.unlink()
    assert found.ok
    assert str(found).startswith("identical")
    assert [(cell.verdict, cell.tier) for cell in found.cells] == [("identical", "source")]


def test_a_helper_that_the_baseline_takes_from_the_candidate_is_found(repository, monkeypatch):
    helper = repository.root / "helpers"
    helper.mkdir(exist_ok=True)
    (helper / "helper_of_test_check.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(helper), prepend=os.pathsep)
    repository.commit("import helper_of_test_check\n" + ALGORITHM, "with a helper")
    repository.git("rm", "-q", "--cached", "-r", "helpers")
    repository.git("commit", "-q", "--amend", "-m", "with a helper from elsewhere")
    try:
        code, _, err = repository.check()
    finally:
        repository.git("reset", "-q", "--hard", "HEAD~1")
        (helper / "helper_of_test_check.py").unlink(missing_ok=True)
    assert (code, err.count("\n")) == (2, 1)
    assert "helper_of_test_check.py instead of its own version" in err


def test_nothing_of_the_repository_is_no_candidate(repository):
    code, _, err = repository.pgsuite("check", "quick", "--baseline", "HEAD", "-a", "trpo")
    assert (code, err.count("\n")) == (2, 1)
    assert "nothing that is run lies in" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["-a", "nobody"],
        ["-e", "Nowhere-v0"],
        ["--metric", "best"],
        ["--margin", "0"],
        ["--json", "nowhere/out.json"],
        ["--against", "trpo"],
        ["--baseline", ""],
    ],
)
def test_a_request_that_cannot_be_carried_out_is_2(arguments, repository):
    code, _, err = repository.check(*arguments)
    assert (code, err.count("\n")) == (2, 1)


def test_two_classes_are_compared_without_git(repository):
    (repository.root / "new.py").write_text(REORDERED)
    assert repository.cells("-a", "new.py:Mine", "--against", "mine.py:Mine", "--no-audit", baseline="") == (
        0,
        [("identical", "bits")],
    )


def test_a_bank_is_a_baseline_and_its_code_is_run_again_where_it_is_at_hand(repository):
    code, out, _ = repository.pgsuite("bless", "tiny.toml", "-o", "banks", "--seeds", "20", "--no-audit")
    assert code == 0, out
    repository.write(FLIPPED)
    code, out, _ = repository.check("--no-audit", baseline="banks/tiny.json")
    assert code == 1
    assert "not at hand" not in out
    bank = read_bank(repository.root / "banks/tiny.json")._replace(commit="0" * 40)
    write_bank(repository.root / "far.json", bank)
    code, out, _ = repository.check("--no-audit", baseline="far.json")
    assert code == 1
    bank = json.loads((repository.root / "far.json").read_text())
    bank["cells"][0]["runs"], bank["version"] = {}, 1  # as they were before digests
    for table in (bank, *bank["cells"]):
        del table[DIGEST]
    (repository.root / "empty.json").write_text(json.dumps(bank))
    code, _, err = repository.check("--no-audit", baseline="empty.json")
    assert (code, err.count("\n")) == (4, 1), err  # nothing was measured, which is not the same as identical
    assert "half of its seeds are kept for confirmation" in out


def test_the_first_bad_commit_is_found(tmp_path, repository):
    repository.git("clone", "-q", ".", str(tmp_path / "clone"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "clone")
        clone = Repository(tmp_path / "clone", repository.pgsuite)
        clone.git("config", "user.email", "me@example.org")
        clone.git("config", "user.name", "me")
        broken = clone.commit("import nowhere_to_be_found\n" + ALGORITHM, "broken")
        bad = clone.commit(FLIPPED, "the flip")
        clone.commit(FLIPPED + "\n# the end\n", "a comment")
        code, out, _ = clone.pgsuite("bisect", "HEAD~3", "-s", "tiny.toml", "--no-audit")
        assert code == 3
        assert f"{broken[:9]} unknown: broken" in out
        assert "cannot be run" in out
        assert f"{bad[:9]} bad: the flip" in out
        assert f"one of {broken[:9]}, {bad[:9]}:" in out
        assert clone.git("worktree", "list").count("\n") == 0
