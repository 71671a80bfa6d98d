"""`check`, `bless` and `bisect` in a user's repository: an algorithm in a file, a suite beside it, commits."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

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

    def __init__(self, root):
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "me@example.org")
        self.git("config", "user.name", "me")
        (root / ".gitignore").write_text("runs/\n__pycache__/\n")
        (root / "tiny.toml").write_text(SUITE)
        self.commit(ALGORITHM, "the beginning")

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

    def pgsuite(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "pgsuite.cli", *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def check(self, *arguments, baseline="HEAD"):
        return self.pgsuite(
            "check", "tiny.toml", *(["--baseline", baseline] if baseline else []), "--no-speed", *arguments
        )


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return Repository(tmp_path_factory.mktemp("repository"))


def test_an_unchanged_tree_is_identical_and_nothing_is_run(repository):
    repository.write(ALGORITHM)
    code, out, _ = repository.check()
    assert code == 0
    assert "identical: every cell computes the same" in out
    assert not list((repository.root / "runs").rglob("seed-*"))
    assert max(map(len, out.splitlines())) <= 80 or "page:" in out


def test_a_changed_comment_is_identical_by_its_source(repository):
    repository.write(COMMENTED)
    code, _, _ = repository.check("--json", "out.json")
    assert code == 0
    found = json.loads((repository.root / "out.json").read_text())
    assert [(cell["verdict"], cell["tier"]) for cell in found["cells"]] == [("identical", "source")]


def test_a_refactoring_is_identical_by_its_bits(repository):
    repository.write(REORDERED)
    code, _, _ = repository.check("--json", "out.json")
    assert code == 0
    found = json.loads((repository.root / "out.json").read_text())
    assert [(cell["verdict"], cell["tier"], cell["seeds"]) for cell in found["cells"]] == [("identical", "bits", 5)]


def test_a_sign_that_flipped_since_a_revision_is_a_regression(repository):
    repository.write(FLIPPED)
    files = ["--json", "out.json", "--junit", "out.xml", "--markdown", "out.md"]
    code, out, _ = repository.check("--no-audit", *files)
    assert code == 1
    assert "regressed: mine on pgsuite/ProbeAction-v0" in out
    found = json.loads((repository.root / "out.json").read_text())
    (cell,) = found["cells"]
    assert (cell["verdict"], cell["tier"], cell["reason"]) == ("regressed", "curves", "lower scores")
    assert cell["difference"][2] < -0.3
    assert [look["stage"] for look in cell["looks"]][-1] == "confirmation"
    junit = ElementTree.parse(repository.root / "out.xml").getroot()
    assert (junit.get("failures"), junit.get("tests")) == ("1", "1")
    assert (repository.root / "out.md").read_text().startswith("### pgsuite check tiny: regressed")
    page = (repository.root / "runs/check/tiny/check.html").read_text()
    assert page.count('class="figure"') == 2


def test_the_audit_sees_it_at_once(repository):
    repository.write(FLIPPED)
    code, out, _ = repository.check()
    assert code == 1
    assert "its gradient departs from the declared target" in " ".join(out.split())


def test_what_raises_now_is_a_regression_that_says_so(repository):
    repository.write(RAISING)
    code, out, _ = repository.check("--no-audit")
    assert code == 1
    assert "RuntimeError: no luck" in out


def test_two_seeds_reach_no_verdict(repository):
    repository.write(FLIPPED)
    code, out, _ = repository.check("--no-audit", "--seeds", "2")
    assert code == 3
    assert "no verdict can be reached with 2 seeds" in " ".join(out.split())
    assert repository.check("--no-audit", "--seeds", "2", "--open-is-ok")[0] == 0


def test_a_baseline_that_is_not_there_is_4_and_a_revision_that_is_not_is_2(repository):
    repository.write(ALGORITHM)
    code, _, err = repository.check(baseline="banks/tiny.json")
    assert (code, err.count("\n")) == (4, 1)
    assert "pgsuite bless tiny.toml -o banks/tiny.json" in err
    code, _, err = repository.check(baseline="mian")
    assert code == 2
    assert "nor a revision" in err


def test_an_arm_that_ran_the_candidates_code_is_no_baseline(repository):
    repository.write(FLIPPED)
    absolute = SUITE.replace("mine.py", str(repository.root / "mine.py"))
    (repository.root / "absolute.toml").write_text(absolute)
    code, _, err = repository.pgsuite("check", "absolute.toml", "--baseline", "HEAD", "--no-audit")
    assert code == 2
    assert "would compare a thing with itself" in err


def test_nothing_of_the_repository_is_no_candidate(repository):
    code, _, err = repository.pgsuite("check", "quick", "--baseline", "HEAD", "-a", "trpo")
    assert code == 2
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
    ],
)
def test_a_request_that_cannot_be_carried_out_is_2(arguments, repository):
    repository.write(ALGORITHM)
    code, _, err = repository.check(*arguments)
    assert (code, err.count("\n")) == (2, 1)


def test_without_a_baseline_the_ways_to_name_one_are_said(repository):
    code, _, err = repository.check(baseline="")
    assert code == 2
    assert "--baseline and a git revision" in err


def test_two_classes_are_compared_without_git(repository):
    repository.write(ALGORITHM)
    (repository.root / "new.py").write_text(REORDERED)
    arguments = ["check", "-a", "new.py:Mine", "--against", "mine.py:Mine", "tiny.toml", "--no-speed", "--no-audit"]
    code, out, _ = repository.pgsuite(*arguments)
    assert code == 0
    assert "bits" in out


def test_a_blessed_bank_is_a_baseline_and_its_code_is_run_again(repository):
    repository.write(ALGORITHM)
    code, out, _ = repository.pgsuite("bless", "tiny.toml", "-o", "banks", "--seeds", "10", "--no-audit")
    assert code == 0, out
    assert repository.check(baseline="banks/tiny.json")[0] == 0
    repository.write(FLIPPED)
    code, out, _ = repository.check("--no-audit", baseline="banks/tiny.json")
    assert code == 1
    assert "not at hand" not in out


def test_a_bank_from_elsewhere_keeps_half_for_confirmation_and_says_so(repository):
    repository.write(ALGORITHM)
    assert repository.pgsuite("bless", "tiny.toml", "-o", "far.json", "--seeds", "20", "--no-audit")[0] == 0
    content = (repository.root / "far.json").read_text()
    bank = json.loads(content)
    (repository.root / "far.json").write_text(content.replace(bank["commit"], "0" * 40))
    repository.write(FLIPPED)
    code, out, _ = repository.check("--no-audit", baseline="far.json")
    assert code == 1
    assert "half of its seeds are kept for confirmation" in " ".join(out.split())


def test_the_python_function_says_the_same(repository):
    repository.write(ALGORITHM)
    code = "import pgsuite; found = pgsuite.check('tiny.toml', baseline='HEAD'); assert found.ok; print(found)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository.root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "identical" in done.stdout


def test_the_first_bad_commit_is_found(tmp_path):
    repository = Repository(tmp_path)
    repository.commit(COMMENTED, "a comment")
    repository.commit("import nowhere_to_be_found\n" + ALGORITHM, "broken")
    bad = repository.commit(FLIPPED, "the flip")
    repository.commit(FLIPPED + "\n# the end\n", "another comment")
    code, out, _ = repository.pgsuite("bisect", "HEAD~4", "HEAD", "-s", "tiny.toml", "--no-audit")
    assert code == 3
    assert "cannot be run" in out
    assert f"{bad[:9]}  bad" in out
    assert "one of" in out
    assert repository.git("worktree", "list").count("\n") == 0
    code, out, _ = repository.pgsuite("bisect", "HEAD~1", "HEAD", "-s", "tiny.toml", "--no-audit")
    assert code == 1
